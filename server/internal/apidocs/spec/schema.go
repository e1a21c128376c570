package spec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// Limits of one level of a schema. Named schemas end it; without them these do.
const (
	deepest    = 3   // objects without a name that stand in the list of fields
	mostMerged = 100 // schemas of "allOf" that are put together
	mostWords  = 5   // names in the text of a type
)

// schemas makes the pages of schemas of a document.
type schemas struct{ refs }

// brief is a schema as a line: its type and its rules, without what is inside.
func (s schemas) brief(p place) *Schema {
	end, away := s.follow(p)
	if away != "" {
		return &Schema{Name: refName(away), Type: refName(away), External: short(away)}
	}
	if end.v == nil {
		return nil
	}
	out := &Schema{Type: s.typeOf(p, 0)}
	if end.at.Fits() {
		out.ID = end.at
	}
	if end.at != p.at {
		out.Name = named(end.at)
	}
	out.More = s.opens(end, 0)
	s.describe(out, end.v)
	if d := p.v.Get("description").Text(); d != "" { // beside a reference, which 3.1 allows
		out.Description = long(d)
	}
	return out
}

// full is a schema with its fields and variants.
func (s schemas) full(p place) *Schema {
	out := s.brief(p)
	if out == nil || out.External != "" {
		return out
	}
	end, _ := s.follow(p)
	if out.Name == "" {
		out.Name = named(end.at)
	}
	m := &merge{schemas: s, into: out}
	m.fields(end, "", 0)
	out.Examples = exampleOf(end.v)
	return out
}

// page is the schema of an id, nil when there is none.
func (s schemas) page(id tree.Pointer) *Schema {
	v := s.root.Find(id)
	if id == "" || v.Kind() != tree.Object && v.Kind() != tree.Bool {
		return nil
	}
	out := s.full(place{v, id})
	if out != nil && out.Name == "" && out.Title == "" {
		keys := id.Keys()
		out.Title = short(keys[len(keys)-1])
	}
	return out
}

// opens reports whether a schema has parts of its own.
func (s schemas) opens(p place, depth int) bool {
	v := p.v
	for _, member := range []string{"properties", "allOf", "oneOf", "anyOf", "patternProperties"} {
		if v.Get(member).Len() > 0 {
			return true
		}
	}
	for _, member := range []string{"items", "additionalProperties", "not"} {
		inner := v.Get(member)
		if inner.Kind() == tree.Object && depth < deepest {
			if end, away := s.follow(p.to(member)); away == "" && s.opens(end, depth+1) {
				return true
			}
		}
	}
	return v.Get("enum").Len() > mostEnumBrief
}

// mostEnumBrief is how many values of an enumeration a line shows.
const mostEnumBrief = 12

// describe fills in what a schema says about itself.
func (s schemas) describe(out *Schema, v *tree.Value) {
	out.Title, out.Description = short(v.Get("title").Text()), long(v.Get("description").Text())
	out.Deprecated, out.ReadOnly, out.WriteOnly = v.Get("deprecated").True(), v.Get("readOnly").True(), v.Get("writeOnly").True()
	out.Facts = factsOf(v)
	for i, x := range v.Get("enum").Items() {
		if i == mostEnum {
			out.EnumLeft = v.Get("enum").Len() - i
			break
		}
		out.Enum = append(out.Enum, valueText(x))
	}
}

// ruleMembers are the rules that are shown as they are, in this order.
var ruleMembers = []string{"const", "default", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
	"pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", FactMediaType, "contentEncoding", "collectionFormat"}

func factsOf(v *tree.Value) []Fact {
	var facts []Fact
	for _, name := range ruleMembers {
		x := v.Get(name)
		if x == nil || x.False() && name != "const" && name != "default" {
			continue
		}
		facts = append(facts, Fact{name, valueText(x)})
	}
	d := v.Get("discriminator") // Swagger names the member alone
	if name := d.Text() + d.Get("propertyName").Text(); name != "" {
		facts = append(facts, Fact{"discriminator", short(name)})
	}
	return facts
}

// valueText is a value on one line.
func valueText(v *tree.Value) string {
	switch v.Kind() {
	case tree.List, tree.Object:
		text, _ := v.Indented(mostName)
		return short(strings.Join(strings.Fields(text), " "))
	case tree.String:
		if v.Text() == "" {
			return `""`
		}
		return short(v.Text())
	default:
		return short(v.Scalar())
	}
}

// typeOf is the type in words.
func (s schemas) typeOf(p place, depth int) string {
	if ref := p.v.Get("$ref").Text(); ref != "" {
		end, away := s.follow(p)
		if away != "" {
			return refName(away)
		}
		if name := named(end.at); name != "" {
			return name
		}
		p = end
	}
	v := p.v
	switch {
	case v.Kind() == tree.Bool:
		return map[bool]string{true: "anything", false: "nothing"}[v.True()]
	case v.Kind() != tree.Object, depth > deepest:
		return "anything"
	}
	if words := s.combined(p, depth); words != "" {
		return words
	}
	types := typeNames(v)
	for i, t := range types {
		if t == "array" {
			types[i] = "array of " + s.typeOf(p.to("items"), depth+1)
		}
		if f := v.Get("format").Text(); f != "" && t != "null" && t != "array" {
			types[i] += " (" + cut(f, 60) + ")"
		}
	}
	if v.Get("nullable").True() || v.Get("x-nullable").True() {
		types = append(types, "null")
	}
	return strings.Join(types, " or ")
}

func (s schemas) combined(p place, depth int) string {
	for _, c := range []struct{ member, relation string }{{"oneOf", "one of "}, {"anyOf", "any of "}, {"allOf", "all of "}} {
		list := p.v.Get(c.member)
		if list.Len() == 0 || list.Kind() != tree.List {
			continue
		}
		if c.member == "allOf" && (list.Len() > 1 || p.v.Get("properties").Len() > 0) {
			return "object"
		}
		var names []string
		for _, x := range p.to(c.member).items(mostWords) {
			if name := s.typeOf(x, depth+1); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if list.Len() > mostWords {
			names = append(names, "…")
		}
		if len(names) == 1 {
			return names[0]
		}
		return c.relation + strings.Join(names, ", ")
	}
	return ""
}

// typeNames are the types that a schema allows, or what its other members tell.
func typeNames(v *tree.Value) []string {
	t := v.Get("type")
	if name := t.Text(); name != "" {
		return []string{cut(name, 60)}
	}
	var names []string
	for i, x := range t.Items() {
		if i < mostWords && x.Text() != "" {
			names = append(names, cut(x.Text(), 60))
		}
	}
	switch {
	case len(names) > 0:
		return names
	case v.Get("properties") != nil || v.Get("additionalProperties") != nil:
		return []string{"object"}
	case v.Get("items") != nil:
		return []string{"array"}
	case v.Get("enum").Len() > 0:
		return []string{"enumeration"}
	case v.Get("const") != nil:
		return []string{"constant"}
	default:
		return []string{"anything"}
	}
}

// left is how many of a number are beyond a limit.
func left(n, most int) int { return max(0, n-most) }

func quoted(s string) string { return strconv.Quote(cut(s, 80)) }
