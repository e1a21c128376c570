package policy

import (
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/callboard/callboard/sdk/apierror"
)

// checkRules finds policies that would never refuse anything, or never decide, as far as the compiler can tell. What only
// a request shows is found by [decide].
func checkRules(c *ast.Compiler) error {
	found := 0
	for _, name := range slices.Sorted(maps.Keys(severities)) {
		rules := c.GetRulesWithPrefix(ruleRef(name))
		found += len(rules)
		if err := checkType(c, name, rules, "a set or an array of messages: write "+name+" contains msg if { … }", isMessages); err != nil {
			return err
		}
	}
	if found == 0 {
		return apierror.Inputf("policy: package %s has none of the rules deny, critical, warn, warning, advise, advisory", packageName)
	}
	return checkApproval(c)
}

func checkApproval(c *ast.Compiler) error {
	const must = `"auto" or "required"`
	rules := c.GetRulesWithPrefix(ruleRef(ruleApproval))
	for _, r := range rules {
		if r.Head.Value == nil {
			continue
		}
		text, constant := r.Head.Value.Value.(ast.String)
		if constant && Approval(text) != ApprovalAuto && Approval(text) != ApprovalRequired {
			return apierror.Inputf("policy: %s: %s must be %s, not %q", r.Location, ruleApproval, must, string(text))
		}
	}
	return checkType(c, ruleApproval, rules, must, func(t types.Type) bool { _, is := t.(types.String); return is })
}

func checkType(c *ast.Compiler, name string, rules []*ast.Rule, must string, is func(types.Type) bool) error {
	if len(rules) == 0 {
		return nil
	}
	for _, r := range rules {
		if len(r.Head.Args) > 0 {
			return apierror.Inputf("policy: %s: %s must be a rule, not a function", r.Location, name)
		}
	}
	if t := c.TypeEnv.GetByRef(ruleRef(name)); !mayBe(t, is) {
		return apierror.Inputf("policy: %s: %s must be %s, not %s", rules[0].Location, name, must, types.Sprint(t))
	}
	return nil
}

// mayBe holds for types that have values of a kind; of an unknown type nothing is known.
func mayBe(t types.Type, is func(types.Type) bool) bool {
	switch t := t.(type) {
	case nil, *types.Recursive:
		return true
	case *types.NamedType:
		return mayBe(t.Type, is)
	case types.Any:
		return len(t) == 0 || slices.ContainsFunc(t, func(one types.Type) bool { return mayBe(one, is) })
	default:
		return is(t)
	}
}

func isMessages(t types.Type) bool {
	switch t := t.(type) {
	case *types.Set:
		return t.Of() == nil || mayBe(t.Of(), isMessage)
	case *types.Array:
		for i := range t.Len() {
			if !mayBe(t.Select(i), isMessage) {
				return false
			}
		}
		return t.Dynamic() == nil || mayBe(t.Dynamic(), isMessage)
	}
	return false
}

func isMessage(t types.Type) bool {
	switch t := t.(type) {
	case types.String:
		return true
	case *types.Object:
		msg := t.Select("msg")
		return msg != nil && mayBe(msg, func(t types.Type) bool { _, is := t.(types.String); return is })
	}
	return false
}

func ruleRef(name string) ast.Ref {
	return ast.MustParseRef("data." + packageName + "." + name)
}
