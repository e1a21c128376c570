package page

import (
	"os"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/goldentest"
)

// TestPages_AreDrawn compares with pages that were looked at. The line breaks are the test's: pages have none.
func TestPages_AreDrawn(t *testing.T) {
	text, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := spec.Read("openapi", string(text))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Base: base, Style: "/style.css"}
	op, _ := doc.Operation("placeOrder")
	upload, _ := doc.Operation("addPhoto")
	schema, _ := doc.Schema("components.schemas.Order")
	for name, page := range map[string]string{"index": Index(doc, o), "narrowed": Index(doc, Options{Base: base, Style: "/style.css", Search: "cancel"}),
		"operation": Operation(doc, op, o), "schema": Schema(doc, schema, o),
		"tried": Operation(doc, op, Options{Base: base, Fragment: true, Try: &Try{Headers: []string{"Idempotency-Key"}, Action: base + "/operations/placeOrder/try", Servers: []TryServer{{"https://sandbox.example", "sandbox"}},
			Credentials: []TryCredential{{"key", "A key", "https://sandbox.example"}}}}),
		"form": Operation(doc, upload, Options{Base: base, Fragment: true, Try: &Try{Action: base + "/operations/addPhoto/try", Servers: []TryServer{{"https://sandbox.example", ""}}, Cookies: []string{"locale"}}})} {
		if found := problems(page); found != nil {
			t.Errorf("%s: %q", name, found)
		}
		lines := strings.NewReplacer("<h", "\n<h", "<p", "\n<p", "<ul", "\n<ul", "<li", "\n<li", "<tr", "\n<tr", "<details", "\n<details", "<div", "\n<div", "</div", "\n</div",
			"<figure", "\n<figure", "<form", "\n<form", "<option", "\n<option", "<section", "\n<section", "<fieldset", "\n<fieldset", "</fieldset", "\n</fieldset", "<table", "\n<table", "</table", "\n</table").Replace(page)
		goldentest.Compare(t, name+".html", lines+"\n")
	}
}
