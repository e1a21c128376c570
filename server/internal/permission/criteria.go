package permission

import (
	"encoding/json"
	"fmt"

	"github.com/callboard/callboard/sdk/apierror"
)

// MarshalJSON implements [json.Marshaler].
func (c Criteria) MarshalJSON() ([]byte, error) {
	if c.Condition != nil {
		return json.Marshal(c.Condition)
	}
	type plain Criteria // without this method
	return json.Marshal(plain(c))
}

// UnmarshalJSON implements [json.Unmarshaler]. Criteria that are none or several things at once are an InputError.
func (c *Criteria) UnmarshalJSON(b []byte) error {
	var raw struct {
		AllOf []Criteria     `json:"allOf"`
		AnyOf []Criteria     `json:"anyOf"`
		Not   *Criteria      `json:"not"`
		Rule  *string        `json:"rule"`
		Type  string         `json:"resourceType"`
		Param map[string]any `json:"params"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*c = Criteria{AllOf: raw.AllOf, AnyOf: raw.AnyOf, Not: raw.Not}
	if raw.Rule != nil {
		c.Condition = &Condition{Rule: *raw.Rule, ResourceType: raw.Type, Params: raw.Param}
	}
	return c.wellFormed()
}

// wellFormed checks one level; the levels below were checked when they were read.
func (c *Criteria) wellFormed() error {
	n := 0
	for _, set := range []bool{len(c.AllOf) > 0, len(c.AnyOf) > 0, c.Not != nil, c.Condition != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return apierror.Inputf("permission criteria must be exactly one of allOf, anyOf, not, or a rule")
	}
	return nil
}

// String is the wire form, for logs and tests.
func (c Criteria) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Sprintf("criteria (%v)", err)
	}
	return string(b)
}

// When is the condition that rule holds with params, a list of name and value pairs.
func When(resourceType, rule string, params map[string]any) Criteria {
	return Criteria{Condition: &Condition{Rule: rule, ResourceType: resourceType, Params: params}}
}

// Resolve evaluates c with the truth that holds gives each condition. Parts that cannot change the result are not
// asked, in the order they are written.
func (c *Criteria) Resolve(holds func(*Condition) (bool, error)) (bool, error) {
	switch {
	case len(c.AllOf) > 0:
		for i := range c.AllOf {
			if ok, err := c.AllOf[i].Resolve(holds); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case len(c.AnyOf) > 0:
		for i := range c.AnyOf {
			if ok, err := c.AnyOf[i].Resolve(holds); ok || err != nil {
				return ok && err == nil, err
			}
		}
		return false, nil
	case c.Not != nil:
		ok, err := c.Not.Resolve(holds)
		return !ok && err == nil, err
	case c.Condition != nil:
		return holds(c.Condition)
	}
	return false, c.wellFormed()
}

// Texts is a parameter of a rule that is a list of texts: decoded JSON whose shape was checked, or what a policy in Go
// wrote.
func Texts(param any) []string {
	switch list := param.(type) {
	case []string:
		return list
	case []any:
		all := make([]string, 0, len(list))
		for _, e := range list {
			if s, ok := e.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}
