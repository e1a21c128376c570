package spec

import (
	"fmt"
	"go/token"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

func fileSet() *token.FileSet { return token.NewFileSet() }

// walk asks for what a document has, and for as many schemas of it as somebody would click on.
func walk(doc *Document, most int) {
	doc.Search()
	doc.Definition()
	var ids []tree.Pointer
	n := 0
	for _, g := range doc.Groups {
		for _, s := range g.Operations {
			if n++; n > 50 {
				break
			}
			o, _ := doc.Operation(s.ID)
			for _, p := range o.Parameters {
				ids = append(ids, idsOf(p.Schema)...)
			}
			for _, r := range o.Responses {
				for _, m := range r.Content {
					ids = append(ids, idsOf(m.Schema)...)
				}
			}
		}
		for _, s := range g.Schemas {
			ids = append(ids, s.ID)
		}
	}
	for i := 0; i < len(ids) && i < most; i++ {
		s, _ := doc.Schema(ids[i])
		ids = append(ids, idsOf(s)...)
	}
}

func idsOf(s *Schema) []tree.Pointer {
	if s == nil {
		return nil
	}
	ids := []tree.Pointer{}
	if s.More {
		ids = append(ids, s.ID)
	}
	for _, f := range s.Fields {
		ids = append(ids, f.Schema.ID)
	}
	for _, v := range s.Variants {
		for _, x := range v.Schemas {
			ids = append(ids, x.ID)
		}
	}
	return ids
}

// around is a document with one operation that answers with the schema S.
func around(schemas string) string {
	return `{"openapi":"3.1.0","paths":{"/x":{"get":{"parameters":[{"name":"p","in":"query","required":true,"schema":{"$ref":"#/components/schemas/S"}}],` +
		`"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/S"}}}},` +
		`"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/S"}}}}}}}},"components":{"schemas":{` + schemas + `}}}`
}

func repeated(n int, format, separator string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = strings.ReplaceAll(format, "N", fmt.Sprint(i))
	}
	return strings.Join(parts, separator)
}

func TestRead_SurvivesWhatPeopleWriteToBreakIt(t *testing.T) {
	const self = `{"$ref":"#/components/schemas/S"}`
	for name, text := range map[string]string{
		"a reference to itself":            around(`"S":` + self),
		"a circle of references":           around(`"S":{"$ref":"#/components/schemas/T"},"T":` + self),
		"made of itself":                   around(`"S":{"allOf":[` + repeated(10, self, ",") + `],"properties":{"a":` + self + `}}`),
		"one of itself":                    around(`"S":{"oneOf":[` + repeated(10, self, ",") + `]}`),
		"items of itself":                  around(`"S":{"type":"array","items":` + self + `}`),
		"not itself":                       around(`"S":{"not":` + self + `,"additionalProperties":` + self + `}`),
		"all of all":                       around(repeated(12, `"SN":{"allOf":[`+repeated(12, `{"$ref":"#/components/schemas/SN"}`, ",")+`]}`, ",") + `,"S":{"allOf":[` + repeated(12, `{"$ref":"#/components/schemas/SN"}`, ",") + `]}`),
		"a wide object":                    around(`"S":{"properties":{` + repeated(2_000, `"pN":{"properties":{"a":`+self+`}}`, ",") + `}}`),
		"many values":                      around(`"S":{"enum":[` + repeated(20_000, `"N"`, ",") + `]}`),
		"many variants":                    around(`"S":{"anyOf":[` + repeated(2_000, self, ",") + `]}`),
		"a deep object":                    around(`"S":` + strings.Repeat(`{"properties":{"a":`, 50) + `{}` + strings.Repeat(`}}`, 50)),
		"a deep list":                      around(`"S":` + strings.Repeat(`{"items":`, 100) + `{}` + strings.Repeat(`}`, 100)),
		"a long name":                      around(`"S":{"properties":{"` + strings.Repeat("x", 20_000) + `":{"properties":{"a":{}}}}}`),
		"a long example":                   around(`"S":{"example":[` + repeated(20_000, `N`, ",") + `]}`),
		"a large example of a wide object": around(`"S":{"properties":{` + repeated(60, `"pN":{"$ref":"#/components/schemas/L"}`, ",") + `}},"L":{"example":[` + repeated(20_000, `N`, ",") + `]}`),
		"many required":                    around(`"S":{"properties":{"a":{}},"required":[` + repeated(20_000, `"rN"`, ",") + `]}`),
		"bools":                            around(`"S":true`),
		"a reference to the whole":         `{"openapi":"3.0.0","paths":{"/x":{"$ref":"#/"},"/y":{"$ref":"#/paths"},"/z":{"$ref":"#/paths/~1z"}}}`,
		"many tags":                        `{"openapi":"3.0.0","tags":[` + repeated(5000, `{"name":"tN"}`, ",") + `],"paths":{` + repeated(5000, `"/N":{"get":{"tags":["oN"]}}`, ",") + `}}`,
		"one id":                           `{"openapi":"3.0.0","paths":{` + repeated(5000, `"/N":{"get":{"operationId":"x"},"put":{"operationId":"x-2"}}`, ",") + `}}`,
		"many parameters":                  `{"openapi":"3.0.0","paths":{"/{p}":{"get":{"parameters":[` + repeated(5000, `{"name":"pN","in":"path","example":"{pN}{p}"}`, ",") + `]}}}}`,
		"many servers":                     `{"openapi":"3.0.0","servers":[{"url":"{a}","variables":{` + repeated(1000, `"a":{"default":"{a}{a}{a}"}`, ",") + `}}],"paths":{"/x":{"get":{}}}}`,
		"a long title":                     `{"openapi":"3.0.0","info":{"title":"` + strings.Repeat("é", 20_000) + `"},"paths":{"/x":{"get":{}}}}`,
		"channels of themselves":           `{"asyncapi":"3.0.0","channels":{"c":{"$ref":"#/channels/c"}},"operations":{"o":{"action":"send","channel":{"$ref":"#/channels/c"}}}}`,
		"YAML with aliases":                "openapi: 3.0.0\nx: &x {a: 1}\npaths:\n  /x: {get: {responses: {200: {description: a, content: {a: {schema: *x}}}}}}\n",
	} {
		doc, err := Read("openapi", text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		walk(doc, 4)
	}
}

var wrong = []string{`null`, `1`, `"x"`, `true`, `[]`, `{}`, `[[{}]]`, `[null,1,"x",{}]`, `{"a":null,"b":[1],"$ref":"#/info"}`, `{"$ref":1}`}

// TestRead_SurvivesWrongTypesEverywhere puts values of other kinds in the place of each value of the sample documents.
func TestRead_SurvivesWrongTypesEverywhere(t *testing.T) {
	for _, text := range []string{shop, legacy, events2, events3} {
		root, err := tree.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		whole := root.Compact()
		for i, part := range parts(root) {
			if i%every != 0 {
				continue
			}
			for j := range 2 {
				if doc, err := Read("openapi", strings.Replace(whole, part, wrong[(i+j*3)%len(wrong)], 1)); err == nil {
					walk(doc, 5)
				}
			}
		}
	}
}

// parts are the values of a document as JSON, the largest first.
func parts(v *tree.Value) []string {
	out := []string{v.Compact()}
	for _, x := range v.Items() {
		out = append(out, parts(x)...)
	}
	for _, x := range v.Members() {
		out = append(out, parts(x)...)
	}
	return out
}

func TestRead_PutsTooManyGroupsIntoOne(t *testing.T) {
	doc := read(t, `{"openapi":"3.0.0","paths":{`+repeated(mostGroups+5, `"/N":{"get":{"tags":["oN"]}}`, ",")+`}}`)
	if last := doc.Groups[len(doc.Groups)-1]; len(doc.Groups) != mostGroups || len(last.Operations) != 6 || doc.Len() != mostGroups+5 {
		t.Errorf("%d groups, %d operations in the last, %d in all", len(doc.Groups), len(last.Operations), doc.Len())
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{shop, legacy, events2, events3, around(`"S":{"allOf":[{"$ref":"#/components/schemas/S"}]}`)} {
		f.Add("openapi", text)
	}
	f.Add("graphql", shopSDL)
	f.Add("grpc", shopProto)
	f.Fuzz(func(_ *testing.T, kind, text string) {
		if doc, err := Read(kind, text); err == nil {
			walk(doc, 30)
		}
	})
}
