package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Bounds of a decision: what is shown in a form, and kept in an audit trail.
const (
	maxFindings = 100 // of one rule
	maxMessage  = 2000
	maxRule     = 200
)

// severities are the rules that list findings, and the part of the decision that they go to.
var severities = map[string]func(*Decision) *[]Finding{
	"deny":     critical,
	"critical": critical,
	"warn":     warning,
	"warning":  warning,
	"advise":   advisory,
	"advisory": advisory,
}

func critical(d *Decision) *[]Finding { return &d.Critical }
func warning(d *Decision) *[]Finding  { return &d.Warning }
func advisory(d *Decision) *[]Finding { return &d.Advisory }

const ruleApproval = "approval"

// everyRule is the query for all known rules at once: what has no value is not in the object.
func everyRule() string {
	names := append(slices.Sorted(maps.Keys(severities)), ruleApproval)
	for i, name := range names {
		names[i] = strconv.Quote(name)
	}
	return fmt.Sprintf("found = {name: value | some name in [%s]; value := data.%s[name]}", strings.Join(names, ", "), packageName)
}

func (p *Policy) evaluate(ctx context.Context, input *ast.Term, now time.Time) (Decision, error) {
	var found ast.Object
	err := p.run(ctx, p.query, p.compiled, input, now, func(a answer) error {
		object, ok := a["found"].Value.(ast.Object)
		if !ok {
			return errors.New("the query answers no object")
		}
		found = object
		return nil
	})
	if err != nil {
		return Decision{}, err
	}
	if found == nil {
		return Decision{}, errors.New("the query answers nothing")
	}
	return decide(found)
}

func decide(found ast.Object) (Decision, error) {
	var d Decision
	err := found.Iter(func(key, value *ast.Term) error {
		name := string(key.Value.(ast.String)) //nolint:forcetypeassert // the query makes the keys
		if name == ruleApproval {
			return d.setApproval(value.Value)
		}
		findings, err := readFindings(name, value.Value)
		into := severities[name](&d)
		*into = append(*into, findings...)
		return err
	})
	for _, list := range []*[]Finding{&d.Critical, &d.Warning, &d.Advisory} {
		slices.SortFunc(*list, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message)) })
	}
	return d, err
}

func (d *Decision) setApproval(value ast.Value) error {
	text, _ := value.(ast.String)
	switch a := Approval(text); a {
	case ApprovalAuto, ApprovalRequired:
		d.Approval = a
		return nil
	default:
		return errors.New(`rule approval must be "auto" or "required"`)
	}
}

// collection is a set or an array.
type collection interface {
	Len() int
	Until(f func(*ast.Term) bool) bool
}

func readFindings(rule string, value ast.Value) ([]Finding, error) {
	list, ok := value.(collection)
	if !ok {
		return nil, fmt.Errorf("rule %s must be a set or an array of messages, not %s: write %s contains msg if { … }", rule, ast.ValueName(value), rule)
	}
	if list.Len() > maxFindings {
		return nil, fmt.Errorf("rule %s has %d messages, more than %d", rule, list.Len(), maxFindings)
	}
	var findings []Finding
	var err error
	list.Until(func(one *ast.Term) bool {
		var f Finding
		f, err = readFinding(rule, one.Value)
		findings = append(findings, f)
		return err != nil
	})
	return findings, err
}

func readFinding(rule string, value ast.Value) (Finding, error) {
	f := Finding{Rule: rule}
	switch v := value.(type) {
	case ast.String:
		f.Message = string(v)
	case ast.Object:
		msg, _ := member(v, "msg").(ast.String)
		f.Message = string(msg)
		if named := member(v, "rule"); named != nil {
			name, isText := named.(ast.String)
			if !isText || name == "" || len(name) > maxRule {
				return f, fmt.Errorf("rule %s: member rule of a message must be a text of 1 to %d bytes", rule, maxRule)
			}
			f.Rule = string(name)
		}
	default:
		return f, fmt.Errorf(`rule %s: a message must be a text or an object with "msg", not %s`, rule, ast.ValueName(value))
	}
	if strings.TrimSpace(f.Message) == "" || len(f.Message) > maxMessage {
		return f, fmt.Errorf("rule %s: a message must be a text of 1 to %d bytes", rule, maxMessage)
	}
	return f, nil
}

func member(o ast.Object, name string) ast.Value {
	if t := o.Get(ast.StringTerm(name)); t != nil {
		return t.Value
	}
	return nil
}
