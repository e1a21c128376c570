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
	"main": {"class", "data-cb-docs"}, "nav": {"class", "aria-label"}, "article": {"class", "id"}, "section": {"class"}, "div": {"class", "tabindex", "role", "aria-label", "data-cb-docs", "data-cb-try-confirm", "data-cb-try-answer", "data-cb-raw", "hidden"},
	"h1": nil, "h2": nil, "h3": nil, "h4": nil, "h5": nil, "h6": nil, "p": {"class"}, "span": {"class"}, "small": nil, "a": {"class", "href", "rel", "data-cb-index", "data-cb-operation", "data-cb-schema"},
	"ul": {"class"}, "ol": {"class"}, "li": nil, "code": nil, "pre": {"tabindex", "role", "aria-label"}, "em": nil, "strong": nil, "del": nil, "br": nil, "hr": nil,
	"blockquote": nil, "details": {"class", "id", "open"}, "summary": nil, "figure": {"class"}, "figcaption": nil,
	"table": nil, "caption": nil, "thead": nil, "tbody": nil, "tr": nil, "th": {"scope"}, "td": nil,
	"form": {"class", "role", "action", "method", "data-cb-search", "data-cb-try", "data-cb-verb", "autocomplete"}, "label": nil,
	"input": {"type", "name", "value", "maxlength", "required", "data-cb-in", "data-cb-name", "data-cb-part", "data-cb-file", "data-cb-each", "data-cb-type", "spellcheck"}, "button": {"type", "disabled", "data-cb-try-send"},
	"select": {"name", "required", "data-cb-in", "data-cb-name", "data-cb-part", "data-cb-type"}, "option": {"value", "data-cb-environment", "data-cb-server"}, "textarea": {"name", "rows", "spellcheck", "required", "data-cb-part", "data-cb-each", "data-cb-type"},
	"fieldset": {"hidden", "disabled", "data-cb-form"}, "legend": nil,
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

// sources are documents that are not JSON, by kind.
var sources = map[string]string{"graphql": xsstest.SDL, "grpc": xsstest.Proto}

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
			out["tried "+s.ID] = Operation(doc, op, Options{Base: base, Fragment: true, Try: &Try{Action: base, Servers: []TryServer{{doc.Title, doc.Version}},
				Credentials: []TryCredential{{doc.Title, doc.Title, doc.Title}}, Cookies: []string{"cookie"}}})
			out["refused "+s.ID] = Operation(doc, op, Options{Base: base, Fragment: true, Try: &Try{Refused: doc.Title}})
		}
	}
	var left []string // pages whose links were not followed; a fragment has those of its page
	for name := range out {
		if !strings.HasPrefix(name, "tried ") && !strings.HasPrefix(name, "refused ") {
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
	templates := []string{xsstest.OpenAPI, xsstest.Swagger, xsstest.AsyncAPI2, xsstest.AsyncAPI3}
	for i, v := range vectors {
		if i%every != 0 {
			continue
		}
		for _, template := range templates {
			clean(t, v, read(t, xsstest.Filled(template, v)))
		}
		for kind, template := range sources {
			doc, err := spec.Read(kind, xsstest.Filled(template, v))
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
	for name, template := range map[string]string{"OpenAPI": xsstest.OpenAPI, "Swagger": xsstest.Swagger, "AsyncAPI 2": xsstest.AsyncAPI2, "AsyncAPI 3": xsstest.AsyncAPI3} {
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
	for _, template := range []string{xsstest.OpenAPI, xsstest.Swagger, xsstest.AsyncAPI2, xsstest.AsyncAPI3} {
		f.Add(xsstest.Filled(template, `"><img src=x onerror=canary()>`), `"><b>`)
	}
	f.Fuzz(func(t *testing.T, text, vector string) {
		for _, text := range []string{text, xsstest.Filled(xsstest.OpenAPI, vector)} {
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
