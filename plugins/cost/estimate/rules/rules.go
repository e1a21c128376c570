// Package rules says what a planned resource consists of, as far as it is paid for: items of a price book and quantities. The
// rules are data, in resources.yaml, which also explains their form.
package rules

import (
	"bytes"
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/plugins/cost/money"
)

// Set is a set of rules. It is not changed after it was read.
type Set struct {
	Tables map[string]map[string]string `yaml:"tables"`
	Types  map[string]rule              `yaml:"types"`
	Free   []string                     `yaml:"free"`
}

// rule is what one type of resource, or a nested block, consists of.
type rule struct {
	Let        map[string]binding `yaml:"let"`
	Components []component        `yaml:"components"`
	Blocks     []block            `yaml:"blocks"`
}

type component struct {
	Name     string    `yaml:"name"`
	Item     string    `yaml:"item"`
	Unit     string    `yaml:"unit"`
	Per      string    `yaml:"per"`
	Quantity formula   `yaml:"quantity"`
	When     condition `yaml:"when"`
}

// block is a nested block, or without At a group of components.
type block struct {
	At    string `yaml:"at"`
	Name  string `yaml:"name"`
	Least int    `yaml:"least"` // so many are there even when none is written
	As    string `yaml:"as"`    // the type whose rule it has
	rule  `yaml:",inline"`
}

type condition map[string][]string

// binding makes a name of attributes.
type binding struct {
	Text  string    `yaml:"text"`
	Match *pattern  `yaml:"match"`
	Map   string    `yaml:"map"`
	Step  string    `yaml:"step"`
	When  condition `yaml:"when"`
	Cases []binding `yaml:"cases"`
}

type pattern struct{ *regexp.Regexp }

// UnmarshalYAML implements [yaml.Unmarshaler].
func (p *pattern) UnmarshalYAML(n *yaml.Node) (err error) {
	p.Regexp, err = regexp.Compile(n.Value)
	if err == nil && p.NumSubexp() != 1 {
		err = fmt.Errorf("line %d: %q must have one group", n.Line, n.Value)
	}
	return err
}

//go:embed resources.yaml
var resources []byte

// Default are the rules of the plugin.
var Default = sync.OnceValue(func() *Set {
	s, err := read(resources)
	if err != nil {
		panic("resources.yaml: " + err.Error()) // it is a part of the program
	}
	return s
})

func read(text []byte) (*Set, error) {
	s := &Set{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(s); err != nil {
		return nil, err
	}
	for name, r := range s.Types {
		if err := s.check(r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, glob := range s.Free {
		if _, err := path.Match(glob, ""); err != nil {
			return nil, fmt.Errorf("free: %s: %w", glob, err)
		}
	}
	return s, nil
}

func (s *Set) check(r rule) error {
	for _, c := range r.Components {
		if c.Name == "" || c.Item == "" || c.Unit == "" || c.Per != perHour && c.Per != perMonth {
			return fmt.Errorf("component %q must have name, item, unit and per: hour or month", c.Name)
		}
	}
	for _, b := range r.Let {
		for _, c := range append([]binding{b}, b.Cases...) {
			if err := s.checkTable(c); err != nil {
				return err
			}
		}
	}
	for _, b := range r.Blocks {
		if _, ok := s.Types[b.As]; b.As != "" && !ok || b.name() == "" {
			return fmt.Errorf("block %q needs a name, and as: a type", b.At)
		}
		if err := s.check(b.rule); err != nil {
			return err
		}
	}
	return nil
}

// checkTable holds the table of a binding, if it has one, to what it is looked up by.
func (s *Set) checkTable(b binding) error {
	if table := b.Map + b.Step; table != "" && s.Tables[table] == nil {
		return fmt.Errorf("table %s is missing", table)
	}
	for key := range s.Tables[b.Step] {
		if _, err := money.Parse(key); err != nil {
			return fmt.Errorf("table %s: %w", b.Step, err)
		}
	}
	return nil
}

func (b block) name() string {
	if b.Name != "" {
		return b.Name
	}
	return b.At
}

const (
	perHour  = "hour"
	perMonth = "month"
)

// formula is a quantity. Without an operation it is a text.
type formula struct {
	text     string
	op       string
	operands []formula
}

// operations say how many operands they take; 0 = any number.
var operations = map[string]int{"product": 0, "sum": 0, "max": 0, "over": 2, "beyond": 2}

// UnmarshalYAML implements [yaml.Unmarshaler].
func (f *formula) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		f.text = n.Value
		return nil
	}
	var m map[string][]formula
	if err := n.Decode(&m); err != nil {
		return err
	}
	for op, operands := range m {
		want, known := operations[op]
		if !known || len(m) > 1 || len(operands) == 0 || want > 0 && len(operands) != want {
			return fmt.Errorf("line %d: a formula is a text or one of product, sum, max, over, beyond", n.Line)
		}
		f.op, f.operands = op, operands
	}
	return nil
}

func (f formula) apply(values []money.Amount) money.Amount {
	out := values[0]
	for _, v := range values[1:] {
		switch f.op {
		case "product":
			out = out.Mul(v)
		case "sum":
			out = out.Add(v)
		case "over":
			out = out.Quo(v)
		case "beyond":
			if out = out.Sub(v); out.Sign() < 0 && out != money.Overflow {
				out = money.Amount{}
			}
		case "max":
			if v.Cmp(out) > 0 {
				out = v
			}
		}
	}
	return out
}

// IsFree reports whether resources of a type cost nothing.
func (s *Set) IsFree(resourceType string) bool {
	return slices.ContainsFunc(s.Free, func(glob string) bool {
		ok, _ := path.Match(glob, resourceType)
		return ok
	})
}

// Supports reports whether there are rules for a type.
func (s *Set) Supports(resourceType string) bool {
	_, ok := s.Types[resourceType]
	return ok && strings.Contains(resourceType, "_")
}
