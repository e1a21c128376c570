package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shopProto = `// Somebody's licence.

syntax = "proto3";

// Orders of the *shop*.
package shop.v1;

import "google/api/annotations.proto";

// What people buy.
service Orders {
  /* One order
   * by its id. */
  rpc Get(GetRequest) returns (Order) { option (google.api.http) = { get: "/v1/orders/{id}" }; }
  rpc Watch(stream GetRequest) returns (stream .shop.v1.Order) { option deprecated = true; }
}

message GetRequest { string id = 1; }

// Far from it.

// An order.
message Order {
  // Which one.
  string id = 1 [deprecated = true];
  repeated Line lines = 2;
  map<string, Line> by_sku = 3;
  oneof paid { Card card = 4; google.type.Money cash = 5; }
  State state = 6;
  Order parent = 7;
  message Line { string sku = 1; State state = 2; enum State { NEW = 0; } }
  message Card {}
}
enum State { UNKNOWN = 0; OPEN = 1; LOST = -1; }
`

func TestProto_ListsMethodsAndTypes(t *testing.T) {
	doc := readAs(t, "grpc", shopProto)
	want := []string{"shop.v1.Orders: shop.v1.Orders.Get rpc shop.v1.Orders/Get", "shop.v1.Orders: shop.v1.Orders.Watch rpc shop.v1.Orders/Watch"}
	if diff := cmp.Diff(want, listed(doc)); diff != "" {
		t.Error(diff)
	}
	var types []string
	for _, g := range doc.Groups {
		for _, s := range g.Schemas {
			types = append(types, g.Name+" "+s.Name+" "+s.Text)
		}
	}
	want = []string{"Messages shop.v1.GetRequest ", "Messages shop.v1.Order An order.", "Messages shop.v1.Order.Line ", "Messages shop.v1.Order.Card ",
		"Enumerations shop.v1.Order.Line.State ", "Enumerations shop.v1.State "}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	if doc.Title != "shop.v1" || doc.Description != "Orders of the *shop*." || doc.Format != "Protocol Buffers proto3" || len(doc.Notes) != 1 ||
		doc.Groups[0].Description != "What people buy." {
		t.Errorf("%+v", doc)
	}
}

func TestProto_ShowsAMethod(t *testing.T) {
	doc := readAs(t, "grpc", shopProto)
	get, _ := doc.Operation("shop.v1.Orders.Get")
	if get.Description != "One order\nby its id." || get.Title != "One order" || get.Body.Content[0].Schema.Name != "shop.v1.GetRequest" || get.Deprecated {
		t.Errorf("%+v", get)
	}
	watch, _ := doc.Operation("shop.v1.Orders.Watch")
	if watch.Body.Content[0].Type != "stream of GetRequest" || watch.Responses[0].Content[0].Schema.Name != "shop.v1.Order" || !watch.Deprecated {
		t.Errorf("%+v", watch)
	}
}

func TestProto_ShowsTypes(t *testing.T) {
	doc := readAs(t, "grpc", shopProto)
	for name, want := range map[string][]string{
		"shop.v1.Order": {"id string", "lines repeated Order.Line → types.shop~2v1~2Order~2Line", "by_sku map of string to Order.Line → types.shop~2v1~2Order~2Line",
			"card Order.Card → types.shop~2v1~2Order~2Card", "cash google.type.Money", "state State → types.shop~2v1~2State", "parent Order → types.shop~2v1~2Order"},
		"shop.v1.Order.Line": {"sku string", "state Order.Line.State → types.shop~2v1~2Order~2Line~2State"},
		"shop.v1.State":      {"UNKNOWN 0", "OPEN 1", "LOST -1"},
	} {
		s, ok := doc.Schema(typeID(name))
		if !ok {
			t.Fatalf("there is no type %s", name)
		}
		if diff := cmp.Diff(want, fieldsOf(s)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	s, _ := doc.Schema(typeID("shop.v1.Order"))
	if !s.Fields[0].Schema.Deprecated || s.Fields[0].Schema.Description != "Which one." || s.Description != "An order." {
		t.Errorf("%+v", s.Fields[0].Schema)
	}
	if diff := cmp.Diff([]Fact{{"number", "4"}, {"one of", "paid"}}, s.Fields[3].Schema.Facts); diff != "" {
		t.Error(diff)
	}
}

func TestProto_SurvivesWhatPeopleWriteToBreakIt(t *testing.T) {
	for name, text := range map[string]string{
		"deep messages":    strings.Repeat("message A {", 1_000_000),
		"deep options":     "option a = " + strings.Repeat("{a:", 1_000_000),
		"deep angles":      "option (a) = {a" + strings.Repeat("<a", 1_000_000),
		"after a comment":  "/* \" */ option a = " + strings.Repeat("[", 1_000_000),
		"after a text":     `option a = "\"/*"; option b = ` + strings.Repeat("[", 1_000_000),
		"an open comment":  "/* ",
		"length":           strings.Repeat(" ", mostSource+1),
		"no proto":         "hello",
		"a number as name": "message 1 {}",
	} {
		if _, err := Read("grpc", text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no package": "service S { rpc A(B) returns (C); } message B { B b = 1; }", "groups": "message A { optional group G = 1 { optional G g = 2; } }",
		"two of a name": "message A {} message A { string a = 1; } enum A { B = 0; }", "an edition": `edition = "2023"; message A { string a = 1; }`,
		"many fields": "syntax = \"proto3\"; message A {" + repeated(5_000, "A fN = 1;", "\n") + "}", "a large number": "enum A { B = 18446744073709551615; }",
		"many comments": strings.Repeat("// "+strings.Repeat("x", 100)+"\n", 2_000) + "message A {}",
	} {
		doc, err := Read("grpc", text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		walk(doc, 4)
	}
}
