package page

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/apidocs/tree"
	"github.com/callboard/callboard/server/internal/markdown"
	"github.com/callboard/callboard/server/internal/xsstest"
)

// written are the elements that pages are made of, with their attributes.
var written = map[string][]string{
	"html": {"lang"}, "head": nil, "body": {"class"}, "title": nil, "meta": {"charset", "name", "content"}, "link": {"rel", "href"},
	"main": {"class", "data-cb-docs"}, "nav": {"class", "aria-label"}, "article": {"class", "id"}, "section": {"class"}, "div": {"class", "tabindex", "role", "aria-label", "data-cb-docs", "data-cb-try-confirm", "data-cb-try-answer", "hidden"},
	"h1": nil, "h2": nil, "h3": nil, "h4": nil, "h5": nil, "h6": nil, "p": {"class"}, "span": {"class"}, "small": nil, "a": {"class", "href", "rel", "data-cb-index", "data-cb-operation", "data-cb-schema"},
	"ul": {"class"}, "ol": {"class"}, "li": nil, "code": nil, "pre": {"tabindex", "role", "aria-label"}, "em": nil, "strong": nil, "del": nil, "br": nil, "hr": nil,
	"blockquote": nil, "details": {"class", "id", "open"}, "summary": nil, "figure": {"class"}, "figcaption": nil,
	"table": nil, "caption": nil, "thead": nil, "tbody": nil, "tr": nil, "th": {"scope"}, "td": nil,
	"form": {"class", "role", "action", "method", "data-cb-search", "data-cb-try", "data-cb-verb", "autocomplete"}, "label": nil,
	"input": {"type", "name", "value", "maxlength", "required", "data-cb-in", "data-cb-name", "spellcheck"}, "button": {"type", "disabled", "data-cb-try-send"},
	"select": {"name", "required", "data-cb-in", "data-cb-name"}, "option": {"value", "data-cb-environment", "data-cb-server"}, "textarea": {"name", "rows", "spellcheck"},
}

const base = "/api/api-docs/v1/entities/api/default/shop"

// problems are what a page holds that this package does not write.
func problems(page string) []string { return xsstest.Problems(page, written, plainValue) }

func plainValue(name, value string) bool {
	switch name {
	case "href", "action", "data-cb-try":
		return strings.HasPrefix(value, base) || value == "/style.css" || markdown.Followable(value)
	case "class":
		for class := range strings.FieldsSeq(value) {
			if !strings.HasPrefix(class, "cb-docs") && !strings.HasPrefix(class, "cb-md-") {
				return false
			}
		}
	case "id":
		return !strings.ContainsAny(value, " \t\n\"'<>&")
	}
	return true
}

// sinks is a document in which a vector stands wherever text may stand.
const openSinks = `{"openapi":"3.1.0","info":{"title":V,"version":V,"description":V,"termsOfService":V,"contact":{"name":V,"url":V,"email":V},"license":{"name":V,"url":V,"identifier":V}},"servers":[{"url":V,"description":V,"variables":{V:{"default":V}}}],
"tags":[{"name":V,"description":V}],"security":[{V:[V]}],
"paths":{V:{"summary":V,"get":{"operationId":V,"summary":V,"description":V,"tags":[V],"deprecated":true,"externalDocs":{"url":V,"description":V},
"security":[{V:[V]},{"k":[]}],"servers":[{"url":V,"description":V}],
"parameters":[{"name":V,"in":"path","description":V,"schema":{"type":V,"format":V,"enum":[V,{V:V}],"default":V,"pattern":V},"example":V},
{"name":V,"in":"query","required":true,"schema":{"$ref":V},"examples":{V:{"summary":V,"value":V,"externalValue":V}}},{"name":V,"in":"header","required":true,"content":{V:{"schema":{"type":"string","example":V}}}},
{"name":"cookie","in":"cookie","schema":{"oneOf":[{"title":V,"type":V},{"const":V}]}},{"$ref":V}],
"requestBody":{"description":V,"required":true,"content":{V:{"schema":{"$ref":"#/components/schemas/S"},"encoding":{V:{"contentType":V,"style":V,"headers":{V:{"description":V}}}},"example":V,"examples":{V:{"summary":V,"value":{V:V},"externalValue":V}}},"application/json":{"schema":{"$ref":"#/components/schemas/S"}}}},
"responses":{V:{"description":V,"headers":{V:{"description":V,"schema":{"type":"string"}}},"content":{V:{"schema":{"type":"array","items":{"$ref":"#/components/schemas/S"}}}}},"default":{"$ref":V}},
"callbacks":{V:{V:{"post":{"summary":V}}}}}}},
"components":{"securitySchemes":{V:{"type":"apiKey","in":"header","name":V},"k":{"type":V,"scheme":V,"name":V}},
"schemas":{"S":{"title":V,"description":V,"type":"object","required":[V],"properties":{V:{"type":V,"description":V,"example":V,"properties":{V:{"type":V,"description":V}}},"e":{"enum":[V,V]},"x":{"$ref":V},"n":{"$ref":"#/components/schemas/N"}},
"patternProperties":{V:{"type":V,"description":V}},"additionalProperties":{"type":V,"title":V},"allOf":[{"type":V,"pattern":V}],"oneOf":[{"$ref":V},{"type":V,"default":{V:V}}],"not":{"const":V},"examples":[V]},"N":{"properties":{V:{"type":V}}}}}}`

const swaggerSinks = `{"swagger":"2.0","info":{"title":V,"version":V,"description":V},"host":V,"basePath":V,"schemes":[V],"consumes":[V],"produces":[V],
"securityDefinitions":{"k":{"type":"apiKey","in":"query","name":V}},"security":[{"k":[V]}],
"paths":{V:{"post":{"tags":[V],"summary":V,"parameters":[{"name":V,"in":"formData","type":V,"description":V,"default":V,"required":true},{"name":V,"in":"query","required":true,"type":"string","default":V}],
"responses":{V:{"description":V,"schema":{"$ref":"#/definitions/S"},"examples":{V:V}}}},"put":{"parameters":[{"name":V,"in":"body","schema":{"$ref":"#/definitions/S"}}]}}},
"definitions":{"S":{"description":V,"properties":{V:{"type":V,"format":V}}}}}`

const asyncSinks = `{"asyncapi":"2.6.0","info":{"title":V,"version":V,"description":V},"servers":{V:{"url":V,"protocol":V,"description":V}},"defaultContentType":V,
"channels":{V:{"description":V,"parameters":{V:{"description":V,"schema":{"type":V}}},"publish":{"operationId":V,"summary":V,"description":V,"tags":[{"name":V}],
"message":{"name":V,"title":V,"summary":V,"description":V,"contentType":V,"headers":{"properties":{V:{"type":V,"description":V}}},"payload":{"type":"object","properties":{V:{"type":V,"description":V}}},"examples":[{"name":V,"summary":V,"payload":V}]}},
"subscribe":{"message":{"schemaFormat":V,"payload":{V:V}}}}}}`

const async3Sinks = `{"asyncapi":"3.0.0","info":{"title":V,"version":V,"description":V},"servers":{V:{"host":V,"pathname":V,"protocol":V}},
"channels":{"c":{"address":V,"title":V,"messages":{V:{"payload":{"schemaFormat":V,"schema":{"type":V}}}}}},"operations":{V:{"action":V,"title":V,"description":V,"channel":{"$ref":"#/channels/c"}}}}`

// sdlSinks has no sinks but texts: names are letters and digits, or the document is refused.
const sdlSinks = `V schema { query: Query }
V type Query { V order(V id: ID! = V): Order @deprecated(reason: V) }
V interface Node { V id: ID! }
V type Order implements Node { V id(V a: String = V): ID! @deprecated(reason: V) other(b: [String] = [V]): Union }
V union Union = Order
V enum State { V OPEN @deprecated(reason: V) }
V input Filter { V text: String = V }
V scalar Date`

const protoSinks = `syntax = "proto3";
// V
package p;
import V;
// V
service S {
// V
rpc M(A) returns (stream A);
}
// V
message A {
// V
A a = 1;
}
// V
enum E {
// V
Z = 0;
}`

// sources are documents that are not JSON, by kind.
var sources = map[string]string{"graphql": sdlSinks, "grpc": protoSinks}

// filled leaves the one word alone in which the sign of a sink is a letter.
func filled(template, vector string) string {
	return strings.NewReplacer("externalValue", "externalValue", "V", quote(vector)).Replace(template)
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// pages are all pages of a document: the index, every operation as a page and as a fragment that can be tried, every schema
// that one of them links to.
func pages(t *testing.T, doc *spec.Document) map[string]string {
	t.Helper()
	o := Options{Base: base, Style: "/style.css"}
	out := map[string]string{"index": Index(doc, o), "narrowed": Index(doc, Options{Base: base, Style: "/style.css", Search: doc.Title})}
	for _, g := range doc.Groups {
		for _, s := range g.Operations {
			op, ok := doc.Operation(s.ID)
			if !ok {
				t.Fatalf("operation %q is in the index and nowhere else", s.ID)
			}
			out["operation "+s.ID] = Operation(doc, op, o)
			out["tried "+s.ID] = Operation(doc, op, Options{Base: base, Fragment: true, Try: &Try{base, []TryServer{{doc.Title, doc.Version}}, []TryCredential{{doc.Title, doc.Title, doc.Title}}, nil}})
		}
	}
	var left []string // pages whose links were not followed; a fragment has those of its page
	for name := range out {
		if !strings.HasPrefix(name, "tried ") {
			left = append(left, name)
		}
	}
	for range 3 { // schemas link to schemas
		var found []string
		for _, name := range left {
			for _, id := range linked(t, out[name]) {
				if out["schema "+id] != "" {
					continue
				}
				s, ok := doc.Schema(tree.Pointer(id))
				if !ok {
					t.Fatalf("schema %q is linked and is not there", id)
				}
				out["schema "+id] = Schema(doc, s, o)
				found = append(found, "schema "+id)
			}
		}
		left = found
	}
	return out
}

// linked are the schemas that a page links to.
func linked(t *testing.T, page string) []string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if id, ok := strings.CutPrefix(a.Val, base+"/schemas/"); ok && a.Key == "href" {
				ids = append(ids, unescaped(t, id))
			}
		}
	}
	return ids
}

func TestPages_HoldNothingThatADocumentBringsAlong(t *testing.T) {
	vectors := xsstest.Corpus()
	if len(vectors) < 300 {
		t.Fatalf("%d vectors", len(vectors))
	}
	templates := []string{openSinks, swaggerSinks, asyncSinks, async3Sinks}
	for i, v := range vectors {
		if i%every != 0 {
			continue
		}
		for _, template := range templates {
			clean(t, v, read(t, filled(template, v)))
		}
		for kind, template := range sources {
			doc, err := spec.Read(kind, filled(template, v))
			if err != nil {
				t.Fatalf("%q: %v", v, err)
			}
			clean(t, v, doc)
		}
	}
}

func clean(t *testing.T, vector string, doc *spec.Document) {
	t.Helper()
	for name, page := range pages(t, doc) {
		if found := problems(page); found != nil {
			t.Fatalf("%q in %s: %q", vector, name, found)
		}
	}
}

func read(t *testing.T, text string) *spec.Document {
	t.Helper()
	doc, err := spec.Read("openapi", text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if doc.Len() == 0 {
		t.Fatalf("there are no operations in %s", text)
	}
	return doc
}

// TestPages_ShowWhatADocumentSays also tells that the sinks above are ones. A fifth may stand behind others: the title of a
// path behind those of its operations, names that must be those of something else.
func TestPages_ShowWhatADocumentSays(t *testing.T) {
	for name, template := range map[string]string{"OpenAPI": openSinks, "Swagger": swaggerSinks, "AsyncAPI 2": asyncSinks, "AsyncAPI 3": async3Sinks} {
		n := 0
		text := regexp.MustCompile(`\bV\b`).ReplaceAllStringFunc(template, func(string) string { n++; return fmt.Sprintf(`"sink%dx"`, n) })
		var all strings.Builder
		for _, page := range pages(t, read(t, text)) {
			all.WriteString(page)
		}
		var silent []string
		for i := range n {
			if sink := fmt.Sprintf("sink%dx", i+1); !strings.Contains(all.String(), sink) {
				at := strings.Index(text, sink)
				silent = append(silent, text[max(0, at-30):at+len(sink)])
			}
		}
		if len(silent)*5 > n {
			t.Errorf("%s: %d of %d texts are not shown: %q", name, len(silent), n, silent)
		}
	}
}

func unescaped(t *testing.T, s string) string {
	out, err := url.PathUnescape(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func FuzzPages(f *testing.F) {
	for _, template := range []string{openSinks, swaggerSinks, asyncSinks, async3Sinks} {
		f.Add(filled(template, `"><img src=x onerror=canary()>`), `"><b>`)
	}
	f.Fuzz(func(t *testing.T, text, vector string) {
		for _, text := range []string{text, filled(openSinks, vector)} {
			doc, err := spec.Read("openapi", text)
			if err != nil || doc.Len() > 20 {
				continue
			}
			for name, page := range pages(t, doc) {
				if found := problems(page); found != nil {
					t.Fatalf("%s: %q", name, found)
				}
			}
		}
	})
}

// FuzzMarkdown asks for descriptions alone, of which there are more than documents.
func FuzzMarkdown(f *testing.F) {
	for _, p := range xsstest.Payloads {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := &writer{}
		w.description(text)
		if found := problems(w.String()); found != nil {
			t.Fatal(found)
		}
	})
}
