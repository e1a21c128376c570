package page

import (
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/callboard/callboard/server/internal/xsstest"
)

func TestViewer_HoldsTheDocumentAndNothingOfItRuns(t *testing.T) {
	for _, name := range []string{"swagger-ui", "redoc"} {
		v, ok := NewViewer(name)
		if !ok {
			t.Fatal(name)
		}
		v.Files, v.Nonce = "/embed/v1/viewers/", "n0nce"
		for i, vector := range xsstest.Corpus() {
			if i%every != 0 {
				continue
			}
			doc := read(t, xsstest.Filled(xsstest.Swagger, vector))
			root, err := html.Parse(strings.NewReader(v.Page(doc, base)))
			if err != nil {
				t.Fatal(err)
			}
			scripts := 0
			for n := range root.Descendants() {
				if n.Type != html.ElementNode {
					continue
				}
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "src" && !strings.HasPrefix(a.Val, v.Files+name+"/") || a.Key == "href" && a.Val != base && a.Val != v.Files+"swagger-ui/swagger-ui.css" {
						t.Fatalf("%q: %s=%q", vector, a.Key, a.Val)
					}
				}
				if n.Data == "script" {
					scripts++
				}
				if n.Data == "script" && has(n, "id") && !json.Valid([]byte(n.FirstChild.Data)) {
					t.Fatalf("%q: the document is no JSON", vector)
				}
			}
			if scripts != 2+len(v.scripts) {
				t.Fatalf("%q: %d scripts", vector, scripts)
			}
		}
		for _, rule := range []string{"default-src 'none'", "connect-src 'none'", "sandbox allow-scripts"} {
			if !strings.Contains(v.Policy(), rule) || strings.Contains(v.Policy(), "allow-same-origin") || strings.Contains(v.Policy(), "unsafe-eval") {
				t.Errorf("policy %s", v.Policy())
			}
		}
	}
	if _, ok := NewViewer("other"); ok {
		t.Error("there is a viewer of any name")
	}
}
