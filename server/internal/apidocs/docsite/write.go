package docsite

import (
	stdhtml "html"
	"regexp"
	"strconv"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"

	"github.com/callboard/callboard/server/internal/markdown"
)

// kept are elements that stay, with the attributes that stay as they are when their values are plain.
var kept = map[string][]string{
	"p": nil, "br": nil, "hr": nil, "em": nil, "i": nil, "strong": nil, "b": nil, "del": nil, "s": nil, "ins": nil, "mark": nil, "sub": nil, "sup": nil,
	"small": nil, "kbd": nil, "samp": nil, "var": nil, "code": nil, "pre": nil, "blockquote": nil, "ul": nil, "ol": {"start"}, "li": nil, "dl": nil, "dt": nil,
	"dd": nil, "table": nil, "caption": nil, "thead": nil, "tbody": nil, "tfoot": nil, "tr": nil, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"},
	"figure": nil, "figcaption": nil, "details": nil, "summary": nil,
}

// dropped are elements that go with all that is in them.
var dropped = map[string]bool{
	"script": true, "style": true, "template": true, "iframe": true, "object": true, "embed": true, "noscript": true, "svg": true, "math": true, "form": true,
	"button": true, "textarea": true, "select": true, "option": true, "title": true, "head": true, "link": true, "meta": true, "base": true, "canvas": true,
	"audio": true, "video": true, "applet": true, "frameset": true, "noframes": true, "noembed": true, "xmp": true, "plaintext": true, "dialog": true, "nav": true,
}

var empty = map[string]bool{"br": true, "hr": true}

var (
	plainNumber = regexp.MustCompile(`^[0-9]{1,4}$`)
	// ownID leaves the length to who makes the ids: to count classes of Unicode makes an expression of megabytes.
	ownID = regexp.MustCompile(`^cb-md-[\p{L}\p{N}_.:-]+$`)
)

// writer writes one page.
type writer struct {
	strings.Builder

	o        Options
	ids      map[string]bool
	headings []markdown.Heading
	levels   markdown.Levels
	coded    markdown.Budget
	inCode   bool // between <pre> and its end
}

func headingLevel(n *html.Node) int {
	if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
		return int(n.Data[1] - '0')
	}
	return 0
}

func (w *writer) children(n *html.Node, depth int) {
	if depth > mostDepth {
		return
	}
	for c := range n.ChildNodes() {
		w.node(c, depth+1)
	}
}

func (w *writer) node(n *html.Node, depth int) {
	switch {
	case n.Type == html.TextNode:
		w.text(n.Data)
		return
	case n.Type != html.ElementNode || n.Namespace != "" || dropped[n.Data] || hidden(n) || hasClass(n, "linenos"):
		return
	}
	attributes, keep := kept[n.Data]
	switch {
	case headingLevel(n) > 0:
		w.heading(n, depth)
	case n.Data == "a":
		w.link(n, depth)
	case n.Data == "img":
		w.image(n)
	case n.Data == "input":
		w.check(n)
	case n.Data == "div" && hasClass(n, "admonition"):
		w.around(`<div class="cb-md-note">`, n, "</div>", depth)
	case n.Data == "p" && hasClass(n, "admonition-title"):
		w.around(`<p class="cb-md-heading">`, n, "</p>", depth)
	case n.Data == "pre":
		w.inCode = true
		w.around(`<pre tabindex="0" role="group" aria-label="Code">`, n, "</pre>", depth)
		w.inCode = false
	case n.Data == "span" && w.inCode && partOf(n) != "":
		w.around(`<span class="`+partOf(n)+`">`, n, "</span>", depth)
	case n.Data == "code" && w.inCode && languageOf(n) != "":
		w.WriteString("<code>" + w.coded.Code(n.FirstChild.Data, languageOf(n)) + "</code>")
	case n.Data == "table":
		w.around(`<div class="cb-md-scroll" tabindex="0" role="group" aria-label="Table"><table>`, n, "</table></div>", depth)
	case keep:
		w.element(n, attributes, depth)
	default:
		w.children(n, depth)
	}
}

func (w *writer) text(s string) { w.WriteString(stdhtml.EscapeString(markdown.Printable(s, true))) }

func (w *writer) around(before string, n *html.Node, after string, depth int) {
	w.WriteString(before)
	w.children(n, depth)
	w.WriteString(after)
}

// partOf is the class of a part of code that the generator of the site told apart.
func partOf(n *html.Node) string {
	for class := range strings.FieldsSeq(attribute(n, "class")) {
		if own := markdown.PygmentsClass(class); own != "" {
			return own
		}
	}
	return ""
}

// languageOf is the language of code that nobody has told apart yet.
func languageOf(n *html.Node) string {
	if n.FirstChild == nil || n.FirstChild.Type != html.TextNode || n.FirstChild.NextSibling != nil {
		return ""
	}
	for class := range strings.FieldsSeq(attribute(n, "class")) {
		if name, ok := strings.CutPrefix(class, "language-"); ok {
			return name
		}
	}
	return ""
}

// element writes one that stays, with an id that links may lead to.
func (w *writer) element(n *html.Node, attributes []string, depth int) {
	w.WriteString("<" + n.Data)
	for _, name := range attributes {
		if v := attribute(n, name); plainNumber.MatchString(v) {
			w.WriteString(" " + name + `="` + v + `"`)
		}
	}
	if id := attribute(n, "id"); id != "" {
		w.id(idOf(id))
	}
	w.WriteString(">")
	if empty[n.Data] {
		return
	}
	w.children(n, depth)
	w.WriteString("</" + n.Data + ">")
}

// id writes an id that no other part has yet.
func (w *writer) id(id string) string {
	if w.ids[id] {
		return ""
	}
	w.ids[id] = true
	w.WriteString(` id="` + id + `"`)
	return id
}

func (w *writer) heading(n *html.Node, depth int) {
	text := textOf(n)
	if text == "" {
		return
	}
	level := w.levels.Next(headingLevel(n))
	name := "h" + strconv.Itoa(min(6, max(1, w.o.Level)+level-1))
	w.WriteString("<" + name)
	id := attribute(n, "id")
	if id == "" {
		id = text
	}
	if id = w.id(idOf(id)); id != "" && len(w.headings) < mostEntries {
		w.headings = append(w.headings, markdown.Heading{Level: level, ID: id, Text: text})
	}
	w.WriteString(">")
	w.children(n, depth)
	w.WriteString("</" + name + ">")
}

func (w *writer) link(n *html.Node, depth int) {
	at := w.resolve(attribute(n, "href"))
	if hasClass(n, "md-content__button") || textOf(n) == "" && find(n, func(n *html.Node) bool { return n.Data == "img" }) == nil {
		return // edits the page, or cannot be told from nothing
	}
	href, doc := "", ""
	switch at.kind {
	case web:
		href = at.path
	case here:
		href = "#" + at.fragment
	case page:
		href, doc = w.o.Page(at.path), at.path
		if at.fragment != "" {
			href, doc = href+"#"+at.fragment, doc+"#"+at.fragment
		}
	case file:
		href = w.o.File(at.path)
	case nowhere:
	}
	if href == "" {
		w.children(n, depth)
		return
	}
	w.WriteString(`<a href="` + stdhtml.EscapeString(href) + `"`)
	if at.kind == page {
		w.WriteString(` data-cb-doc="` + stdhtml.EscapeString(markdown.Printable(doc, false)) + `"`)
	}
	w.WriteString(">")
	w.children(n, depth)
	w.WriteString("</a>")
}

// image writes a picture of the site; one of elsewhere is a link, so that nobody there learns who reads.
func (w *writer) image(n *html.Node) {
	at, alt := w.resolve(attribute(n, "src")), markdown.Printable(attribute(n, "alt"), false)
	src := ""
	if at.kind == file {
		src = w.o.Image(at.path)
	}
	switch {
	case src != "":
		w.WriteString(`<img src="` + stdhtml.EscapeString(src) + `" alt="` + stdhtml.EscapeString(alt) + `"`)
		for _, name := range []string{"width", "height"} {
			if v := attribute(n, name); plainNumber.MatchString(v) {
				w.WriteString(" " + name + `="` + v + `"`)
			}
		}
		w.WriteString(">")
	case at.kind == web:
		if alt == "" {
			alt = "Picture"
		}
		w.WriteString(`<a href="` + stdhtml.EscapeString(at.path) + `">` + stdhtml.EscapeString(alt) + "</a>")
	default:
		w.text(alt)
	}
}

// check is a box of a list of tasks, as a sign.
func (w *writer) check(n *html.Node) {
	if attribute(n, "type") != "checkbox" {
		return
	}
	sign := "☐ "
	for _, a := range n.Attr {
		if a.Key == "checked" {
			sign = "☑ "
		}
	}
	w.WriteString(sign)
}

// policy is the second net; what it takes is what is written above.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	for name, attributes := range kept {
		p.AllowElements(name)
		if attributes != nil {
			p.AllowAttrs(attributes...).Matching(plainNumber).OnElements(name)
		}
		p.AllowAttrs("id").Matching(ownID).OnElements(name)
	}
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6", "div")
	p.AllowAttrs("id").Matching(ownID).OnElements("h1", "h2", "h3", "h4", "h5", "h6")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^cb-md-(note|heading|scroll)$`)).OnElements("div", "p")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^cb-md-[knscaid]$`)).OnElements("span")
	p.AllowAttrs("tabindex").Matching(regexp.MustCompile(`^0$`)).OnElements("pre", "div")
	p.AllowAttrs("role").Matching(regexp.MustCompile(`^group$`)).OnElements("pre", "div")
	p.AllowAttrs("aria-label").Matching(regexp.MustCompile(`^(Code|Table)$`)).OnElements("pre", "div")
	p.AllowAttrs("href").Matching(regexp.MustCompile(`^(?:https?://[^\s\\]+|#cb-md-[^\s\\]+|/(?:[^\s/\\][^\s\\]*)?)$`)).OnElements("a")
	p.AllowAttrs("data-cb-doc").OnElements("a")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^(?:https?://[^\s\\]+|/[^\s/\\][^\s\\]*|data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/]+=*)$`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(plainNumber).OnElements("img")
	p.AllowURLSchemes("http", "https")
	p.AllowDataURIImages()
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnFullyQualifiedLinks(true)
	p.RequireNoReferrerOnFullyQualifiedLinks(true)
	return p
}()
