package spec

import (
	"slices"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// merge puts the fields of a schema, of what it is made of by "allOf", and of objects inside that have no name of their own,
// into one list.
type merge struct {
	schemas

	into   *Schema
	merged int
	walked []tree.Pointer // of the schemas that are being merged: one that contains itself is not entered again
}

// fields adds the fields of p, whose names begin with prefix.
func (m *merge) fields(p place, prefix string, depth int) {
	if m.merged++; m.merged > mostMerged || slices.Contains(m.walked, p.at) {
		m.note("A part is not shown: the schema is made of itself, or of too many others")
		return
	}
	m.walked = append(m.walked, p.at)
	defer func() { m.walked = m.walked[:len(m.walked)-1] }()

	m.properties(p, prefix, depth)
	for _, x := range p.to("allOf").items(mostMerged) {
		m.all(x, prefix, depth)
	}
	m.variants(p, prefix)
	if prefix == "" {
		m.others(p)
	}
}

func (m *merge) properties(p place, prefix string, depth int) {
	list := p.v.Get("properties")
	required := map[string]bool{}
	for _, x := range p.to("required").items(2 * mostFields) {
		required[x.v.Text()] = true
	}
	n := 0
	for name, x := range p.to("properties").members(mostFields) {
		if len(m.into.Fields) >= mostFields {
			break
		}
		n++
		m.field(x, prefix+short(name), required[name], depth)
	}
	if list.Kind() == tree.Object {
		m.into.Left += list.Len() - n
	} else if list != nil {
		m.note("properties is not an object")
	}
}

func (m *merge) field(p place, name string, required bool, depth int) {
	line := m.brief(p)
	if line == nil {
		return
	}
	m.into.Fields = append(m.into.Fields, Field{Name: name, Required: required, Inner: depth > 0, Schema: line})
	if p.v.Get("$ref").Text() != "" || depth >= deepest {
		return
	}
	inner := p
	for range deepest {
		if inner.v.Get("items").Kind() != tree.Object {
			break
		}
		inner, name = inner.to("items"), name+"[]"
	}
	if inner.v.Get("$ref").Text() == "" && (inner.v.Get("properties").Len() > 0 || inner.v.Get("allOf").Len() > 1) {
		m.fields(inner, name+".", depth+1)
	}
}

// all adds one schema of "allOf": its fields, or itself where it has none.
func (m *merge) all(p place, prefix string, depth int) {
	end, away := m.follow(p)
	if away == "" && (end.v.Get("properties").Len() > 0 || end.v.Get("allOf").Len() > 0) {
		m.fields(end, prefix, depth)
		if prefix == "" && m.into.Description == "" {
			m.into.Description = long(end.v.Get("description").Text())
		}
		return
	}
	if prefix == "" {
		m.relate("all of", m.brief(p))
	}
}

func (m *merge) variants(p place, prefix string) {
	if prefix != "" { // the line of the field names them
		return
	}
	for _, c := range []struct{ member, relation string }{{"oneOf", "one of"}, {"anyOf", "any of"}} {
		for _, x := range p.to(c.member).items(mostVariants) {
			m.relate(c.relation, m.brief(x))
		}
		m.beyond(c.relation, left(p.v.Get(c.member).Len(), mostVariants))
	}
	m.relate("not", m.brief(p.to("not")))
}

// others adds what a schema says of members and items without a name.
func (m *merge) others(p place) {
	if len(m.walked) > 1 {
		return
	}
	if items := m.brief(p.to("items")); items != nil {
		m.relate("each item is", items)
		inner := p.to("items")
		if inner.v.Get("$ref").Text() == "" {
			m.fields(inner, "[].", 1)
		}
	}
	for pattern, x := range p.to("patternProperties").members(mostVariants) {
		m.relate("members with a name like "+quoted(pattern), m.brief(x))
	}
	extra := p.to("additionalProperties")
	switch {
	case extra.v.Kind() == tree.Object && extra.v.Len() > 0:
		m.relate("every other member is", m.brief(extra))
	case extra.v.False():
		m.into.Facts = append(m.into.Facts, Fact{"additionalProperties", "none"})
	}
}

func (m *merge) relate(relation string, s *Schema) {
	if s == nil {
		return
	}
	vs := m.into.Variants
	i := slices.IndexFunc(vs, func(v Variant) bool { return v.Relation == relation })
	if i < 0 {
		if len(vs) >= mostVariants {
			return
		}
		i = len(vs)
		m.into.Variants = append(m.into.Variants, Variant{Relation: relation})
	}
	v := &m.into.Variants[i]
	if len(v.Schemas) >= mostVariants {
		v.Left++
		return
	}
	v.Schemas = append(v.Schemas, s)
}

// beyond counts schemas of a relation that are not shown.
func (m *merge) beyond(relation string, n int) {
	if i := slices.IndexFunc(m.into.Variants, func(v Variant) bool { return v.Relation == relation }); i >= 0 {
		m.into.Variants[i].Left += n
	}
}

func (m *merge) note(text string) {
	if !slices.Contains(m.into.Notes, text) {
		m.into.Notes = noted(m.into.Notes, "%s", text)
	}
}
