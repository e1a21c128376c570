package page

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/callboard/callboard/server/internal/xsstest"
)

// TestPages_CanBeReadAloud holds what assistive technology relies on: headings that leave out no level, tables with a
// caption and headers, labelled fields, no empty headings.
func TestPages_CanBeReadAloud(t *testing.T) {
	for _, template := range []string{xsstest.OpenAPI, xsstest.Swagger, xsstest.AsyncAPI2, xsstest.AsyncAPI3} {
		for name, page := range pages(t, read(t, xsstest.Filled(template, "A name"))) {
			root, err := html.Parse(strings.NewReader(page))
			if err != nil {
				t.Fatal(err)
			}
			fragment := strings.HasPrefix(page, "<div")
			level := 0
			if fragment {
				level = 1
			}
			for n := range root.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
					next := int(n.Data[1] - '0')
					if next > level+1 || strings.TrimSpace(textOf(n)) == "" {
						t.Errorf("%s: %q of level %d comes after level %d", name, textOf(n), next, level)
					}
					level = next
				}
				if n.Data == "table" && (n.FirstChild.Data != "caption" || textOf(n.FirstChild) == "") {
					t.Errorf("%s: a table has no caption", name)
				}
				if n.Data == "th" && n.Parent.Parent.Parent.Parent.Data == "div" && !has(n, "scope") && has(n.Parent.Parent.Parent.Parent, "tabindex") {
					t.Errorf("%s: a header of nothing: %q", name, textOf(n))
				}
				if slices.Contains([]string{"input", "select", "textarea"}, n.Data) && n.Parent.Data != "label" {
					t.Errorf("%s: a field without a label", name)
				}
			}
			if !fragment && (level == 0 || !strings.Contains(page, `<html lang="en">`) || strings.Count(page, "<h1") != 1) {
				t.Errorf("%s: it has no title or language", name)
			}
		}
	}
}

func has(n *html.Node, attribute string) bool {
	for _, a := range n.Attr {
		if a.Key == attribute {
			return true
		}
	}
	return false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for x := range n.Descendants() {
		if x.Type == html.TextNode {
			b.WriteString(x.Data)
		}
	}
	return b.String()
}

func TestFragment_IsAPartOfAnotherPage(t *testing.T) {
	doc := read(t, xsstest.Filled(xsstest.OpenAPI, "A name"))
	op, _ := doc.Operation(doc.Groups[0].Operations[0].ID)
	out := Operation(doc, op, Options{Base: base, Fragment: true, Level: 3})
	if !strings.HasPrefix(out, `<div class="cb-docs" data-cb-docs="operation">`) || strings.Contains(out, "<html") || strings.Contains(out, "<h2") || !strings.Contains(out, "<h3>") {
		t.Error(out[:200])
	}
	if out := Operation(doc, op, Options{Base: base, Fragment: true}); !strings.Contains(out, "<h2>") || strings.Contains(out, "<h1") {
		t.Error(out[:200])
	}
}

func TestStylesheet_ReachesNothing(t *testing.T) {
	for _, word := range []string{"url(", "@import", "expression", "http"} {
		if strings.Contains(Stylesheet, word) {
			t.Errorf("it has %q", word)
		}
	}
}
