package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/plugins/cost/estimate/tfplan"
	"github.com/callboard/callboard/plugins/cost/money"
)

// Usage answers what the usage file says of a resource: "monthly_requests", "standard.storage_gb".
type Usage func(path string) (string, bool)

// Part is what is paid for of a resource, or of a block of it.
type Part struct {
	Name       string
	Components []Component
	Parts      []Part
}

// Component is an item of a price book, and how much of it.
type Component struct {
	Name, Item, Unit string
	// Hourly: the quantity is paid for each hour; else once a month.
	Hourly bool
	// UsageBased: the quantity comes of the usage file.
	UsageBased bool
	// Quantity is nil where the usage is not given.
	Quantity *money.Amount
	// Gap is why item or quantity are not known, "" when they are. Name is then incomplete.
	Gap string
}

// Parts says what a resource of a type consists of. The type must be one that is supported.
func (s *Set) Parts(resourceType string, at *tfplan.Attributes, usage Usage) Part {
	return scope{set: s, rule: s.Types[resourceType], at: at, usage: usage}.part("")
}

// maxBlocks bounds blocks of one kind; no provider takes as many.
const maxBlocks = 100

// scope is where names have a meaning.
type scope struct {
	set    *Set
	rule   rule
	at     *tfplan.Attributes
	prefix string // of a block's attributes: "root_block_device.0."
	usage  Usage
}

func (s scope) part(name string) Part {
	p := Part{Name: name}
	for _, c := range s.rule.Components {
		if s.holds(c.When) {
			p.Components = append(p.Components, s.component(c))
		}
	}
	for _, b := range s.rule.Blocks {
		if b.At == "" {
			p.Parts = append(p.Parts, s.of(b, "").part(b.Name))
			continue
		}
		n := max(s.at.Len(s.prefix+b.At), b.Least)
		if n > maxBlocks {
			p.Components = append(p.Components, Component{Name: b.name(), Gap: fmt.Sprintf("%s is there %d times, at most %d are priced", b.At, n, maxBlocks)})
			continue
		}
		for i := range n {
			title := b.name()
			if n > 1 {
				title += "[" + strconv.Itoa(i) + "]"
			}
			p.Parts = append(p.Parts, s.of(b, b.At+"."+strconv.Itoa(i)+".").part(title))
		}
	}
	return p
}

func (s scope) of(b block, at string) scope {
	inner := s
	inner.prefix += at
	if inner.rule = b.rule; b.As != "" {
		inner.rule = s.set.Types[b.As]
	}
	return inner
}

func (s scope) component(c component) Component {
	out := Component{Unit: c.Unit, Hourly: c.Per == perHour, UsageBased: c.Quantity.uses()}
	var gaps [3]error
	out.Name, gaps[0] = s.text(c.Name)
	out.Item, gaps[1] = s.text(c.Item)
	var quantity money.Amount
	quantity, gaps[2] = s.quantity(c.Quantity)
	if gaps[2] == nil {
		out.Quantity = &quantity
	}
	for _, err := range gaps {
		if err != nil && !errors.Is(err, errNoUsage) {
			out.Gap = err.Error()
			break
		}
	}
	return out
}

// uses reports whether a formula depends on the usage file.
func (f formula) uses() bool {
	return strings.Contains(f.text, "{usage.") || slices.ContainsFunc(f.operands, formula.uses)
}

var errNoUsage = errors.New("the usage is not given")

// most bounds quantities: what is above is a mistake, and no cost is made of it.
var most = money.FromUnits(1_000_000_000_000_000)

// quantity computes a formula; without one it is 1.
func (s scope) quantity(f formula) (money.Amount, error) {
	if f.op == "" {
		if f.text == "" {
			return money.FromUnits(1), nil
		}
		return s.number(f.text)
	}
	values := make([]money.Amount, len(f.operands))
	for i, o := range f.operands {
		var err error
		if values[i], err = s.quantity(o); err != nil {
			return money.Amount{}, err
		}
	}
	return f.apply(values), nil
}

func (s scope) number(template string) (money.Amount, error) {
	text, err := s.text(template)
	if err != nil {
		return money.Amount{}, err
	}
	n, err := money.Parse(text)
	if err != nil || n.Sign() < 0 || n.Cmp(most) > 0 {
		return n, fmt.Errorf("%s is %q, which is no quantity", strings.Trim(template, "{}"), text)
	}
	return n, nil
}

// holds reports whether all names of a condition have one of their values; what is not known is "".
func (s scope) holds(c condition) bool {
	for name, values := range c {
		text, _ := s.value(name, 0)
		if !slices.Contains(values, text) {
			return false
		}
	}
	return true
}

// text fills in a template: "{a|x}".
func (s scope) text(template string) (string, error) { return s.fill(template, 0) }

// deepest bounds names that are made of names; the rules are ours, and need three.
const deepest = 8

func (s scope) fill(template string, depth int) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		end := closing(rest)
		name, standard, hasDefault := strings.Cut(rest[:end], "|")
		text, err := s.value(name, depth+1)
		if (err != nil || text == "") && hasDefault {
			text, err = s.fill(standard, depth+1)
		}
		if err != nil {
			return out.String(), err
		}
		out.WriteString(text)
		template = rest[min(end+1, len(rest)):]
	}
}

// closing is where the brace ends that was opened before text.
func closing(text string) int {
	open := 1
	for i := range len(text) {
		switch text[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return len(text)
}

// value is that of a name: of the rule's own, else of the usage file, else of an attribute.
func (s scope) value(name string, depth int) (string, error) {
	if depth > deepest {
		return "", fmt.Errorf("%s is made of itself", name)
	}
	if b, ok := s.rule.Let[name]; ok {
		return s.bound(b, depth)
	}
	if key, ok := strings.CutPrefix(name, "usage."); ok {
		if text, given := s.usage(key); given {
			return text, nil
		}
		return "", errNoUsage
	}
	text, state := s.at.Text(s.prefix + name)
	switch state {
	case tfplan.Absent:
		return "", fmt.Errorf("%s is not set", s.prefix+name)
	case tfplan.Unknown:
		return "", fmt.Errorf("%s is known only after apply", s.prefix+name)
	}
	return text, nil
}

func (s scope) bound(b binding, depth int) (string, error) {
	for _, c := range b.Cases {
		if s.holds(c.When) {
			return s.bound(c, depth)
		}
	}
	text, err := s.fill(b.Text, depth)
	if err != nil {
		return "", err
	}
	if b.Match != nil {
		if m := b.Match.FindStringSubmatch(text); m != nil {
			return m[1], nil
		}
		return "", nil
	}
	if b.Map != "" {
		if found, ok := s.set.Tables[b.Map][text]; ok {
			return found, nil
		}
		return "", fmt.Errorf("%s is %q, for which there is no rule", strings.Trim(b.Text, "{}"), text)
	}
	if b.Step != "" {
		return s.set.step(b, text)
	}
	return text, nil
}

// step is the entry of a table with the least key that is not smaller than a number.
func (s *Set) step(b binding, text string) (string, error) {
	n, err := money.Parse(text)
	best, found := money.Overflow, ""
	for key, value := range s.Tables[b.Step] {
		k := money.MustParse(key)
		if err == nil && k.Cmp(n) >= 0 && (found == "" || k.Cmp(best) < 0) {
			best, found = k, value
		}
	}
	if found == "" {
		return "", fmt.Errorf("%s is %q, for which there is no rule", strings.Trim(b.Text, "{}"), text)
	}
	return found, nil
}
