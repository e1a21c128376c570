package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// graphQL reads a schema in GraphQL's schema definition language. Fields of the root types are its operations, all other
// types its schemas.
type graphQL struct {
	types map[string]*ast.Definition
	order []string
}

var graphQLText = lexis{quotes: `"`, block: `"""`, line: []string{"#"}}

// typeID is the pointer to a type.
func typeID(name string) tree.Pointer { return tree.Pointer("types").To(name) }

func readGraphQL(text string) (*Document, error) {
	if err := graphQLText.source(text); err != nil {
		return nil, err
	}
	sdl, err := parser.ParseSchemaWithLimit(&ast.Source{Name: "schema", Input: text}, tree.MostNodes)
	if err != nil {
		return nil, fmt.Errorf("read GraphQL: %s", cut(err.Error(), 300))
	}
	g := &graphQL{types: map[string]*ast.Definition{}}
	for _, list := range []ast.DefinitionList{sdl.Definitions, sdl.Extensions} {
		for _, d := range list {
			g.add(d)
		}
	}
	x := newIndex("GraphQL")
	x.doc.Title = "GraphQL schema"
	roots := g.roots(sdl, x)
	for _, r := range roots {
		g.operations(x, r)
	}
	g.schemas(x, roots)
	x.doc.schema = g.page
	x.doc.weight = 12 * len(text)
	x.doc.Definition = func() (string, string) { return "text/plain; charset=utf-8", text }
	return x.done(), nil
}

// add keeps a type, or puts what an extension brings into the type that it extends.
func (g *graphQL) add(d *ast.Definition) {
	known := g.types[d.Name]
	if known == nil {
		g.types[d.Name] = d
		g.order = append(g.order, d.Name)
		return
	}
	known.Fields = append(known.Fields, d.Fields...)
	known.Types = append(known.Types, d.Types...)
	known.EnumValues = append(known.EnumValues, d.EnumValues...)
	known.Interfaces = append(known.Interfaces, d.Interfaces...)
	if known.Description == "" {
		known.Description = d.Description
	}
}

// root is a type whose fields are operations.
type root struct{ verb, group, typeName string }

// roots are the types that the schema names, or those with the usual names.
func (g *graphQL) roots(sdl *ast.SchemaDocument, x *index) []root {
	roots := []root{{"query", "Queries", "Query"}, {"mutation", "Mutations", "Mutation"}, {"subscription", "Subscriptions", "Subscription"}}
	named := map[string]string{}
	for _, list := range []ast.SchemaDefinitionList{sdl.Schema, sdl.SchemaExtension} {
		for _, s := range list {
			if x.doc.Description == "" {
				x.doc.Description = long(s.Description)
			}
			for _, o := range s.OperationTypes {
				named[string(o.Operation)] = o.Type
			}
		}
	}
	for i := range roots {
		if len(sdl.Schema) > 0 {
			roots[i].typeName = named[roots[i].verb]
		}
	}
	return roots
}

func (g *graphQL) operations(x *index, r root) {
	d := g.types[r.typeName]
	if d == nil {
		return
	}
	for _, f := range d.Fields {
		s := Summary{Verb: r.verb, Path: f.Name, Title: f.Description, Deprecated: deprecated(f.Directives) != ""}
		x.add(r.group, r.verb+"-"+f.Name, s, func(o *Operation) { g.load(o, f) })
	}
}

// kinds are the groups of types, in the order in which they are listed.
var kinds = []struct {
	kind ast.DefinitionKind
	name string
}{{ast.Object, "Objects"}, {ast.InputObject, "Inputs"}, {ast.Interface, "Interfaces"}, {ast.Union, "Unions"}, {ast.Enum, "Enumerations"}, {ast.Scalar, "Scalars"}}

func (g *graphQL) schemas(x *index, roots []root) {
	taken := map[string]bool{}
	for _, r := range roots {
		taken[r.typeName] = true
	}
	for _, k := range kinds {
		group := x.group(k.name)
		for _, name := range g.order {
			d := g.types[name]
			if d.Kind == k.kind && !taken[name] && len(group.Schemas) < mostOperations && typeID(name).Fits() {
				group.Schemas = append(group.Schemas, SchemaLink{ID: typeID(name), Name: short(name), Text: short(firstLine(d.Description))})
			}
		}
	}
}

// deprecated is why something is deprecated; "" = it is not.
func deprecated(list ast.DirectiveList) string {
	d := list.ForName("deprecated")
	if d == nil {
		return ""
	}
	if reason := d.Arguments.ForName("reason"); reason != nil && reason.Value != nil && reason.Value.Raw != "" {
		return "Deprecated: " + short(reason.Value.Raw)
	}
	return "Deprecated"
}

// told is a description with the reason of a deprecation.
func told(description string, directives ast.DirectiveList) string {
	return long(joined(description, deprecated(directives)))
}

func (g *graphQL) load(o *Operation, f *ast.FieldDefinition) {
	o.Description = told(f.Description, f.Directives)
	o.Parameters = g.args(f.Arguments)
	if n := left(len(f.Arguments), mostParameters); n > 0 {
		o.Notes = noted(o.Notes, "%d more arguments are not shown", n)
	}
	result := g.brief(f.Type)
	if full := g.page(typeID(f.Type.Name())); full != nil {
		full.Type = result.Type
		result = full
	}
	o.Responses = []Response{{Status: "Result", Content: []Media{{Type: result.Type, Schema: result}}}}
	query := g.query(o.Verb, f)
	body := string(plainJSON(map[string]string{"query": query}))
	o.Snippets = append([]Snippet{{"GraphQL", query}},
		snippets(request{method: "POST", url: exampleHost + "/graphql", headers: [][2]string{{"Content-Type", "application/json"}}, body: body})...)
}

func (g *graphQL) args(list ast.ArgumentDefinitionList) []Parameter {
	var out []Parameter
	for _, a := range list[:min(len(list), mostParameters)] {
		s := g.brief(a.Type)
		if a.DefaultValue != nil {
			s.Facts = []Fact{{"default", short(a.DefaultValue.String())}}
		}
		out = append(out, Parameter{Name: short(a.Name), Required: a.Type.NonNull && a.DefaultValue == nil, Deprecated: deprecated(a.Directives) != "",
			Description: told(a.Description, a.Directives), Schema: s})
	}
	return out
}

// brief is the type of a field or an argument.
func (g *graphQL) brief(t *ast.Type) *Schema {
	s := &Schema{Type: short(t.String())}
	if d := g.types[t.Name()]; d != nil && typeID(d.Name).Fits() {
		s.ID, s.More, s.Name = typeID(d.Name), true, short(d.Name)
	}
	return s
}

// page is a type with its fields, values or members.
func (g *graphQL) page(id tree.Pointer) *Schema {
	keys := id.Keys()
	if len(keys) != 2 || keys[0] != "types" || g.types[keys[1]] == nil {
		return nil
	}
	d := g.types[keys[1]]
	s := &Schema{ID: id, Name: short(d.Name), Type: strings.ToLower(strings.ReplaceAll(string(d.Kind), "_", " ")),
		Description: told(d.Description, d.Directives), Left: left(len(d.Fields), mostFields)}
	for _, f := range d.Fields[:min(len(d.Fields), mostFields)] {
		field := g.brief(f.Type)
		field.Description, field.Deprecated = told(f.Description, f.Directives), deprecated(f.Directives) != ""
		if f.DefaultValue != nil {
			field.Facts = []Fact{{"default", short(f.DefaultValue.String())}}
		}
		required := d.Kind == ast.InputObject && f.Type.NonNull && f.DefaultValue == nil
		s.Fields = append(s.Fields, Field{Name: short(f.Name), Required: required, Args: g.args(f.Arguments), Schema: field})
	}
	g.values(s, d)
	s.Variants = g.variants(d)
	return s
}

// values are those of an enumeration; they may be told about, so they stand as fields do.
func (g *graphQL) values(s *Schema, d *ast.Definition) {
	for i, v := range d.EnumValues {
		if i == mostFields {
			s.Left = len(d.EnumValues) - i
			return
		}
		s.Fields = append(s.Fields, Field{Name: short(v.Name), Schema: &Schema{Type: "value", Description: told(v.Description, v.Directives),
			Deprecated: deprecated(v.Directives) != ""}})
	}
}

func (g *graphQL) variants(d *ast.Definition) []Variant {
	var out []Variant
	for _, v := range []struct {
		relation string
		names    []string
	}{{"one of", d.Types}, {"implements", d.Interfaces}, {"implemented by", g.implementing(d)}} {
		if len(v.names) == 0 {
			continue
		}
		variant := Variant{Relation: v.relation, Left: left(len(v.names), mostVariants)}
		for _, name := range v.names[:min(len(v.names), mostVariants)] {
			variant.Schemas = append(variant.Schemas, g.brief(ast.NamedType(name, nil)))
		}
		out = append(out, variant)
	}
	return out
}

func (g *graphQL) implementing(d *ast.Definition) []string {
	if d.Kind != ast.Interface {
		return nil
	}
	var names []string
	for _, name := range g.order {
		if slices.Contains(g.types[name].Interfaces, d.Name) {
			names = append(names, name)
		}
	}
	return names
}

// query calls an operation with its required arguments, and asks for the fields of the result that have no parts.
func (g *graphQL) query(verb string, f *ast.FieldDefinition) string {
	var variables, args []string
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil && len(args) < mostExamples {
			variables = append(variables, "$"+a.Name+": "+a.Type.String())
			args = append(args, a.Name+": $"+a.Name)
		}
	}
	around := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return "(" + strings.Join(list, ", ") + ")"
	}
	text := verb + around(variables) + " {\n  " + f.Name + around(args)
	if fields := g.leaves(f.Type.Name()); len(fields) > 0 {
		text += " {\n    " + strings.Join(fields, "\n    ") + "\n  }"
	}
	return cut(text+"\n}", sampleBytes)
}

func (g *graphQL) leaves(name string) []string {
	d := g.types[name]
	if d == nil || d.IsLeafType() {
		return nil
	}
	fields := []string{}
	for _, f := range d.Fields {
		inner := g.types[f.Type.Name()]
		if (inner == nil || inner.IsLeafType()) && len(f.Arguments) == 0 && len(fields) < mostExamples {
			fields = append(fields, f.Name)
		}
	}
	if len(fields) == 0 {
		fields = []string{"__typename"}
	}
	return fields
}
