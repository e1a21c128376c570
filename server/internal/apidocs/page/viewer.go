package page

import (
	"cmp"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/spec"
)

// Viewer is a page on which a viewer from npm shows a document, for those who know it. It reads texts of strangers with half
// a megabyte of code, so the page must be served with [Viewer.Policy]: without an origin, without a network, with the
// document in it.
type Viewer struct {
	// Files is the address of the viewers' files, and Nonce what lets the page's own scripts run.
	Files, Nonce string
	scripts      []string
	style        string
}

// NewViewer knows the viewers by name; false = there is none of that name.
func NewViewer(name string) (Viewer, bool) {
	switch name {
	case "swagger-ui":
		return Viewer{scripts: []string{"swagger-ui/swagger-ui-bundle.js", "swagger-ui/viewer.js"}, style: "swagger-ui/swagger-ui.css"}, true
	case "redoc":
		return Viewer{scripts: []string{"redoc/redoc.standalone.js", "redoc/viewer.js"}}, true
	}
	return Viewer{}, false
}

// Shows reports whether viewers can read the document: they know the JSON of OpenAPI and nothing else.
func Shows(doc *spec.Document) bool {
	return strings.HasPrefix(doc.Format, "OpenAPI ") || strings.HasPrefix(doc.Format, "Swagger ")
}

// Policy is the page's Content-Security-Policy. The viewers style by attributes and by style elements of their own.
func (v Viewer) Policy() string {
	return "default-src 'none'; script-src 'nonce-" + v.Nonce + "'; style-src 'self' 'unsafe-inline'; img-src data:; font-src data:; worker-src blob:; " +
		"connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-scripts"
}

// hand gives the document to the viewer's script, which asks for it as it does in a frame of another page.
const hand = `addEventListener('message',e=>{if(e.source===window&&e.data?.t==='viewer')postMessage({t:'document',text:document.getElementById('document').textContent},'*')})`

// Page is the page of one document; index is the address of the host's own.
func (v Viewer) Page(doc *spec.Document, index string) string {
	var w markup
	w.head()
	w.open("meta", "name", "referrer", "content", "no-referrer")
	w.element("title", cmp.Or(doc.Title, "API"))
	if v.style != "" {
		w.open("link", "rel", "stylesheet", "href", v.Files+v.style)
	}
	w.close("head")
	w.open("body")
	w.open("p")
	w.element("a", "Pages that need no script", "href", index)
	w.close("p")
	w.open("div", "id", "viewer")
	w.text("The viewer is loading. Where it stays away, the browser runs no scripts, or this program was built without the viewer's files.")
	w.close("div")
	_, text := doc.Definition()
	w.WriteString(`<script type="application/json" id="document">` + strings.NewReplacer("<", `\u003c`, "\u2028", `\u2028`, "\u2029", `\u2029`).Replace(text) + "</script>")
	w.open("script", "nonce", v.Nonce)
	w.WriteString(hand)
	w.close("script")
	for _, name := range v.scripts {
		w.WriteString("<script defer")
		w.attributes("nonce", v.Nonce, "src", v.Files+name)
		w.WriteString("></script>")
	}
	w.close("body")
	w.close("html")
	return w.String()
}
