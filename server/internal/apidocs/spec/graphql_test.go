package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shopSDL = `
"What the shop *answers*"
schema { query: Root, mutation: Change }
type Root {
  "One order"
  order(id: ID!, first: Int = 10): Order
  orders(filter: Filter): [Order!]! @deprecated(reason: "Use order")
}
type Change { pay(order: ID!): Receipt! }
"""
An order
of somebody
"""
type Order implements Node & Thing { id: ID!, state: State!, parent: Order, lines(first: Int! = 1): [String!]! }
extend type Order { note: String }
interface Node { id: ID! }
union Receipt = Order | Refund
type Refund { order: Order }
input Filter { state: State!, text: String = "a" }
enum State { "Not paid" OPEN, PAID @deprecated }
scalar Date
`

func TestGraphQL_ListsOperationsAndTypes(t *testing.T) {
	doc := readAs(t, "graphql", shopSDL)
	want := []string{"Queries: query-order query order", "Queries: query-orders query orders", "Mutations: mutation-pay mutation pay"}
	if diff := cmp.Diff(want, listed(doc)); diff != "" {
		t.Error(diff)
	}
	var types []string
	for _, g := range doc.Groups {
		for _, s := range g.Schemas {
			types = append(types, g.Name+" "+string(s.ID)+" "+s.Text)
		}
	}
	want = []string{"Objects types.Order An order", "Objects types.Refund ", "Inputs types.Filter ", "Interfaces types.Node ", "Unions types.Receipt ",
		"Enumerations types.State ", "Scalars types.Date "}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	if doc.Description != "What the shop *answers*" {
		t.Error(doc.Description)
	}
}

func TestGraphQL_ShowsAnOperation(t *testing.T) {
	doc := readAs(t, "graphql", shopSDL)
	o, _ := doc.Operation("query-order")
	if len(o.Parameters) != 2 || !o.Parameters[0].Required || o.Parameters[1].Required || o.Parameters[1].Schema.Facts[0].Value != "10" {
		t.Errorf("%+v", o.Parameters)
	}
	const query = "query($id: ID!) {\n  order(id: $id) {\n    id\n    state\n    note\n  }\n}"
	if o.Snippets[0].Code != query {
		t.Errorf("%s\nwant %s", o.Snippets[0].Code, query)
	}
	if o, _ := doc.Operation("query-orders"); !o.Deprecated || !strings.Contains(o.Description, "Use order") || o.Responses[0].Content[0].Type != "[Order!]!" {
		t.Errorf("%+v", o)
	}
	pay, _ := doc.Operation("mutation-pay")
	if !strings.Contains(pay.Snippets[0].Code, "__typename") {
		t.Error(pay.Snippets[0].Code)
	}
}

func TestGraphQL_ShowsTypes(t *testing.T) {
	doc := readAs(t, "graphql", shopSDL)
	for id, want := range map[string][]string{
		"Order":   {"id ID!", "state State! → types.State", "parent Order → types.Order", "lines [String!]!", "note String", "implements Node", "implements Thing"},
		"Filter":  {"state State! required → types.State", "text String"},
		"State":   {"OPEN value", "PAID value"},
		"Receipt": {"one of Order", "one of Refund"},
		"Node":    {"id ID!", "implemented by Order"},
		"Date":    nil,
	} {
		s, ok := doc.Schema(typeID(id))
		if !ok {
			t.Fatalf("there is no type %s", id)
		}
		if diff := cmp.Diff(want, fieldsOf(s)); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	for _, id := range []string{"None", "String"} {
		if _, ok := doc.Schema(typeID(id)); ok {
			t.Errorf("there is a type %s", id)
		}
	}
}

func TestGraphQL_SurvivesWhatPeopleWriteToBreakIt(t *testing.T) {
	for name, text := range map[string]string{
		"deep lists":          "type Query { a: " + strings.Repeat("[", 1_000_000),
		"deep values":         "type Query { a(b: C = " + strings.Repeat("[", 1_000_000),
		"deep objects":        "type Query { a(b: C = " + strings.Repeat("{a:", 1_000_000),
		"brackets after text": `type Query { "a \" [" a: ` + strings.Repeat("[", 1_000_000),
		"length":              strings.Repeat("#", mostSource+1),
		"no schema":           "type {",
		"an open text":        `"""`,
	} {
		if _, err := Read("graphql", text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "a type without fields": "type Query", "a root that is none": "schema { query: X }", "a root that is a union": "schema { query: U } union U = A",
		"a type of itself": "type Query implements Query { a(b: Query): Query } union U = U | U interface I implements I { a: I }",
		"many fields":      "type Query {" + repeated(30_000, "fN(a: Int!): [Query]", "\n") + "}",
		"many members":     "type Query { a: U } union U = " + repeated(30_000, "T", "|"),
		"brackets in text": "# " + strings.Repeat("[", 1000) + "\n\"\"\"" + strings.Repeat("[", 1000) + "\"\"\"\ntype Query { a: Int }",
	} {
		doc, err := Read("graphql", text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		walk(doc, 4)
	}
}
