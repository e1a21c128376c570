package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

func read(t *testing.T, text string) *Document {
	t.Helper()
	return readAs(t, "openapi", text)
}

func readAs(t *testing.T, kind, text string) *Document {
	t.Helper()
	doc, err := Read(kind, text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// listed is the index as text, a line for each operation.
func listed(doc *Document) []string {
	var out []string
	for _, g := range doc.Groups {
		for _, o := range g.Operations {
			out = append(out, fmt.Sprintf("%s: %s %s %s", g.Name, o.ID, o.Verb, o.Path))
		}
	}
	return out
}

func TestRead_ListsOperationsByGroup(t *testing.T) {
	for text, want := range map[string]struct {
		format string
		list   []string
	}{
		shop: {"OpenAPI 3.1.0", []string{"orders: getOrder GET /orders/{id}", "orders: put-orders-id PUT /orders/{id}",
			"Operations without a group: get-health GET /health", "Webhooks: post-shipped POST shipped"}},
		legacy:  {"Swagger 2.0", []string{"Operations without a group: create-user POST /users", "Operations without a group: post-upload POST /upload"}},
		events2: {"AsyncAPI 2.6.0", []string{"Channels: onOrder SUBSCRIBE orders/{region}", "Channels: publish-orders-region PUBLISH orders/{region}"}},
		events3: {"AsyncAPI 3.0.0", []string{"Channels: onOrder RECEIVE orders.{region}", "Channels: tell SEND orders.{region}"}},
	} {
		doc := read(t, text)
		if doc.Format != want.format {
			t.Errorf("it is %s, want %s", doc.Format, want.format)
		}
		if diff := cmp.Diff(want.list, listed(doc)); diff != "" {
			t.Errorf("%s: %s", want.format, diff)
		}
	}
	if doc := read(t, shop); len(doc.Notes) != 1 || !strings.Contains(doc.Notes[0], "described elsewhere") {
		t.Errorf("a path that is elsewhere is not told: %q", doc.Notes)
	}
}

func operation(t *testing.T, text, id string) *Operation {
	t.Helper()
	o, ok := read(t, text).Operation(id)
	if !ok {
		t.Fatalf("there is no operation %q", id)
	}
	return o
}

func TestOperation_PutsTogetherWhatStandsInSeveralPlaces(t *testing.T) {
	o := operation(t, shop, "getOrder")
	var params []string
	for _, p := range o.Parameters {
		params = append(params, fmt.Sprintf("%s %s %s %v %s", p.In, p.Name, p.Schema.Type, p.Required, p.Example))
	}
	if diff := cmp.Diff([]string{"path id string (uuid) true o-1", "header trace string true "}, params); diff != "" {
		t.Error(diff)
	}
	if len(o.Responses) != 2 || o.Responses[1].Description != "There is none" || o.Responses[0].Content[0].Schema.Name != "Order" {
		t.Errorf("responses: %+v", o.Responses)
	}
	if diff := cmp.Diff([]string{"key (apiKey header X-Key)"}, o.Security); diff != "" {
		t.Error(diff)
	}
	if o.Servers[0].URL != "https://eu.shop.example/v1" {
		t.Errorf("servers: %v", o.Servers)
	}
	if o := operation(t, shop, "put-orders-id"); len(o.Security) != 0 || !o.Deprecated || !o.Body.Required {
		t.Errorf("an operation without security: %+v", o)
	}
}

func TestOperation_ReadsSwagger(t *testing.T) {
	o := operation(t, legacy, "create-user")
	if o.Body == nil || o.Body.Content[0].Schema.Name != "User" || o.Servers[0].URL != "https://api.example.com/v1" {
		t.Errorf("body and servers: %+v %+v", o.Body, o.Servers)
	}
	var types []string
	for _, m := range o.Responses[0].Content {
		types = append(types, m.Type+" "+strings.Join(strings.Fields(m.Examples0()), ""))
	}
	if diff := cmp.Diff([]string{`application/json {"name":"Ann"}`, "application/xml "}, types); diff != "" {
		t.Error(diff)
	}
	upload := operation(t, legacy, "post-upload")
	if len(upload.Parameters) != 1 || upload.Parameters[0].Schema.Type != "boolean" || upload.Body.Content[0].Type != "multipart/form-data" ||
		upload.Body.Content[0].Schema.Fields[0].Schema.Type != "file" {
		t.Errorf("a form: %+v %+v", upload.Parameters, upload.Body)
	}
}

// Examples0 is the first example's text.
func (m Media) Examples0() string {
	if len(m.Examples) == 0 {
		return ""
	}
	return m.Examples[0].Text
}

func TestOperation_ReadsMessages(t *testing.T) {
	for text, id := range map[string]string{events2: "onOrder", events3: "onOrder"} {
		o := operation(t, text, id)
		if len(o.Responses) != 1 || o.Responses[0].Content[0].Schema.Fields[0].Name != "id" {
			t.Errorf("%s: %+v", o.Verb, o.Responses)
		}
	}
	o := operation(t, events2, "publish-orders-region")
	if len(o.Responses) != 2 || !strings.Contains(o.Responses[1].Content[0].Examples[0].Text, "record") || o.Parameters[0].Name != "region" {
		t.Errorf("one of two messages, one of them Avro: %+v", o.Responses)
	}
	if doc := read(t, events3); doc.Servers[0].URL != "amqp://broker.example/x" {
		t.Errorf("servers: %v", doc.Servers)
	}
}

// fieldsOf is a level of a schema as text.
func fieldsOf(s *Schema) []string {
	var out []string
	for _, f := range s.Fields {
		line := f.Name + " " + f.Schema.Type
		if f.Required {
			line += " required"
		}
		if f.Schema.More {
			line += " → " + string(f.Schema.ID)
		}
		if f.Schema.External != "" {
			line += " elsewhere " + f.Schema.External
		}
		out = append(out, line)
	}
	for _, v := range s.Variants {
		for _, x := range v.Schemas {
			out = append(out, v.Relation+" "+x.Type)
		}
	}
	return out
}

func TestSchema_ShowsOneLevelAndWhatHasNoNameOfItsOwn(t *testing.T) {
	doc := read(t, shop)
	s, ok := doc.Schema("components.schemas.Order")
	if !ok || s.Name != "Order" || s.Description != "What somebody buys." {
		t.Fatalf("%+v", s)
	}
	const lines = "components.schemas.Order.allOf.1.properties.lines"
	if diff := cmp.Diff([]string{
		"id string required", "at string (date-time)", "lines array of object required → " + lines,
		"lines[].sku string", "lines[].count integer", "parent Order → components.schemas.Order", "state string or null",
		"pay one of Card, string → components.schemas.Order.allOf.1.properties.pay", "meta Meta elsewhere other.yaml#/Meta",
	}, fieldsOf(s)); diff != "" {
		t.Error(diff)
	}
	pay, _ := doc.Schema("components.schemas.Order.allOf.1.properties.pay")
	if diff := cmp.Diff([]string{"one of Card", "one of string"}, fieldsOf(pay)); diff != "" {
		t.Error(diff)
	}
	for _, id := range []tree.Pointer{"", "none", "info.title", "components.schemas.None", "tags.0.name", "paths.~1orders~1{id}.parameters"} {
		if s, ok := doc.Schema(id); ok {
			t.Errorf("%q is a schema: %+v", id, s)
		}
	}
}

func TestSample_FitsItsSchema(t *testing.T) {
	body := operation(t, shop, "put-orders-id").Body.Content[0]
	var got any
	if err := json.Unmarshal([]byte(body.Examples0()), &got); err != nil {
		t.Fatalf("%v in %s", err, body.Examples0())
	}
	want := map[string]any{"at": "2026-01-31T12:00:00Z", "lines": []any{map[string]any{"sku": "string", "count": 0.0}},
		"state": "open", "pay": map[string]any{"number": "string"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSnippets_QuoteWhatTheyAreGiven(t *testing.T) {
	hostile := "a'b\"c`d\\e$(f)\n</script>\u2028${g}"
	r := request{method: "POST", url: "https://x.test/" + oneLine(hostile), headers: [][2]string{{"X-A", oneLine(hostile)}}, body: hostile}
	for _, s := range snippets(r) {
		switch s.Language {
		case "Go":
			if _, err := parser.ParseFile(fileSet(), "x.go", "package x\nfunc f() error {\n"+s.Code+"\nreturn nil }", 0); err != nil {
				t.Errorf("Go: %v\n%s", err, s.Code)
			}
		case "curl":
			if got := unquoted(s.Code); !slices.Contains(got, hostile) || !slices.Contains(got, "https://x.test/"+oneLine(hostile)) {
				t.Errorf("curl: %q", got)
			}
		default:
			if !strings.Contains(s.Code, jsonText(hostile)) {
				t.Errorf("%s: %s", s.Language, s.Code)
			}
		}
	}
	o := operation(t, shop, "getOrder")
	const want = `curl --request GET \
  --url 'https://eu.shop.example/v1/orders/o-1' \
  --header 'trace: none' \
  --header 'X-Key: API_KEY'`
	if o.Snippets[0].Code != want {
		t.Errorf("%s\nwant %s", o.Snippets[0].Code, want)
	}
}

// unquoted are the words of a command as a POSIX shell splits them, if it has single quotes and backslashes only.
func unquoted(command string) []string {
	var words []string
	var word strings.Builder
	inside, open := false, false
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '\'':
			inside, open = !inside, true
		case inside:
			word.WriteByte(c)
		case c == '\\':
			if i++; command[i] != '\n' {
				word.WriteByte(command[i])
			}
		case c == ' ':
			if open || word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(c)
		}
	}
	return append(words, word.String())
}

func TestIDs_AreUniqueAndFitForAPath(t *testing.T) {
	text := `{"openapi":"3.0.0","paths":{`
	for i, id := range []string{"a", "a", "a-2", "a b", "..", ".", "", "日本", "../../x", "<x>", "A"} {
		text += fmt.Sprintf(`"/%d":{"get":{"operationId":%q}},`, i, id)
	}
	doc := read(t, strings.TrimSuffix(text, ",")+"}}")
	var ids []string
	for _, o := range doc.Groups[0].Operations {
		ids = append(ids, o.ID)
	}
	want := []string{"a", "a-2", "a-2-2", "a-b", "get-4", "get-5", "get-6", "get-7", "x", "x-2", "A"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
}

func TestSearch_CanBeReadBackAndIsBounded(t *testing.T) {
	for _, n := range []int{3, 3000, mostOperations + 1} {
		doc := read(t, generated(n))
		out := doc.Search()
		if len(out) > SearchBytes {
			t.Errorf("%d operations: %d bytes", n, len(out))
		}
		var x struct {
			Complete bool
			Groups   []string
			Rows     [][]any `json:"operations"`
		}
		if err := json.Unmarshal(out, &x); err != nil {
			t.Fatal(err)
		}
		if x.Complete != (n == 3) && n != 3000 {
			t.Errorf("%d operations: complete is %v", n, x.Complete)
		}
		var id, path []uint16
		for i, row := range x.Rows[:3] {
			id = append(id[:int(row[0].(float64))], utf16.Encode([]rune(row[1].(string)))...)
			path = append(path[:int(row[3].(float64))], utf16.Encode([]rune(row[4].(string)))...)
			want := doc.Groups[0].Operations[i]
			if string(utf16.Decode(id)) != want.ID || string(utf16.Decode(path)) != want.Path || row[2] != want.Verb {
				t.Errorf("row %d is %q %q, want %+v", i, string(utf16.Decode(id)), string(utf16.Decode(path)), want)
			}
		}
		if n > mostOperations && (doc.Len() != mostOperations || len(doc.Notes) == 0) {
			t.Errorf("%d operations, notes %q", doc.Len(), doc.Notes)
		}
	}
	if found := read(t, shop).Matching("ORDER one"); len(found) != 1 || len(found[0].Operations) != 1 || found[0].Operations[0].ID != "getOrder" {
		t.Errorf("found %+v", found)
	}
}

// generated is a document with n operations whose schemas refer to each other in circles.
func generated(n int) string {
	var b strings.Builder
	b.WriteString(`{"openapi":"3.1.0","info":{"title":"Generated","version":"1"},"paths":{`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"/things/😀é/%d":{"get":{"operationId":"thing%d","summary":"Thing number %d of many","tags":["t%d"],"responses":{"200":{"description":"It","content":{"application/json":{"schema":{"$ref":"#/components/schemas/S%d"}}}}}}}`,
			i, i, i, i/1000, i%100)
	}
	b.WriteString(`},"components":{"schemas":{`)
	for i := range 100 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"S%d":{"type":"object","properties":{`, i)
		for j := range 20 {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"p%d":{"anyOf":[{"$ref":"#/components/schemas/S%d"},{"type":"string"}]}`, j, (i*7+j)%100)
		}
		b.WriteString(`}}`)
	}
	return b.String() + `}}}`
}

func TestRead_SaysWhatItCannotShow(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "names none of", `{"openapi":"4.0"}`: "names none of", `{"swagger":"1.2"}`: "names none of", `{"openapi":`: "line 1", "a": "must be an object",
	} {
		if _, err := Read("openapi", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := Read("raml", "x"); !errors.Is(err, ErrFormat) {
		t.Errorf("raml: %v", err)
	}
}
