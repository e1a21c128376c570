package docsite

import (
	"bytes"
	"errors"
	"strings"

	"golang.org/x/net/html"

	"github.com/callboard/callboard/server/internal/markdown"
)

// Options say where the parts of a page lead.
type Options struct {
	// Path is the file of the page in its site, "guide/index.html".
	Path string
	// Level is that of the first heading, 1 to 6; 0 = 1.
	Level int
	// Page answers the address of another page of the site; File that of a file that is no page, "" = it cannot be reached.
	Page, File func(path string) string
	// Image answers where a picture of the site is shown from, "" = it is not.
	Image func(path string) string
}

// Page is what is shown of a page.
type Page struct {
	Title    string
	HTML     string
	Headings []markdown.Heading
	Pages    []Entry // of the site
}

// Entry is a page of the site, or a group of them, which has no address.
type Entry struct {
	Title, Path string
	Leads       bool // to Path; "" is the first page
	Current     bool
	Below       []Entry
}

// Bounds of what is read.
const (
	mostHTML    = 4 << 20
	mostDepth   = 200
	mostEntries = 2_000
)

// ErrTooLarge is answered for a page that is larger than anybody reads.
var ErrTooLarge = errors.New("the page is larger than 4 MiB")

// Read makes a page of the HTML of one.
func Read(raw []byte, o Options) (*Page, error) {
	if len(raw) > mostHTML {
		return nil, ErrTooLarge
	}
	root, err := html.Parse(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	article := articleOf(root)
	w := &writer{o: o, ids: map[string]bool{}}
	w.children(article, 0)
	p := &Page{HTML: policy.Sanitize(w.String()), Headings: w.headings, Title: titleOf(root, w.headings)}
	if nav := find(root, func(n *html.Node) bool { return n.Data == "nav" && hasClass(n, "md-nav--primary") }); nav != nil {
		left := mostEntries
		p.Pages = w.entries(nav, 0, &left)
	}
	return p, nil
}

// articleOf is the part of a page that is its text, as the themes of MkDocs mark it.
func articleOf(root *html.Node) *html.Node {
	for _, is := range []func(*html.Node) bool{
		func(n *html.Node) bool { return n.Data == "article" && hasClass(n, "md-content__inner") },
		func(n *html.Node) bool { return attribute(n, "role") == "main" },
		func(n *html.Node) bool { return n.Data == "article" },
		func(n *html.Node) bool { return n.Data == "main" },
		func(n *html.Node) bool { return n.Data == "body" },
	} {
		if n := find(root, is); n != nil {
			return n
		}
	}
	return root
}

func find(root *html.Node, is func(*html.Node) bool) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Namespace == "" && is(n) {
			return n
		}
	}
	return nil
}

func titleOf(root *html.Node, headings []markdown.Heading) string {
	for _, h := range headings {
		if h.Level == 1 {
			return h.Text
		}
	}
	if n := find(root, func(n *html.Node) bool { return n.Data == "title" }); n != nil {
		return textOf(n)
	}
	return ""
}

// entries are the links of a list of pages, with the lists in it.
func (w *writer) entries(list *html.Node, depth int, left *int) []Entry {
	var out []Entry
	for _, item := range itemsOf(list) {
		if *left--; *left < 0 || depth > 6 {
			return out
		}
		if e := w.entry(item, depth, left); e.Title != "" && (e.Leads || len(e.Below) > 0) {
			out = append(out, e)
		}
	}
	return out
}

// entry is what an item of such a list says itself, with the lists in it.
func (w *writer) entry(item *html.Node, depth int, left *int) (e Entry) {
	for n := range item.Descendants() {
		if n.Type != html.ElementNode || owner(n) != item {
			continue
		}
		switch {
		case n.Data == "a" && hasClass(n, "md-nav__link") && !e.Leads && !strings.HasPrefix(attribute(n, "href"), "#"):
			at := w.resolve(attribute(n, "href"))
			if at.kind == page {
				e.Title, e.Path, e.Leads, e.Current = textOf(n), at.path, true, hasClass(n, "md-nav__link--active")
			}
		case (n.Data == "label" || n.Data == "span") && hasClass(n, "md-nav__link") && e.Title == "":
			e.Title = textOf(n)
		case n.Data == "nav" && !hasClass(n, "md-nav--secondary"):
			e.Below = append(e.Below, w.entries(n, depth+1, left)...)
		}
	}
	return e
}

// itemsOf are the items of the first list in n.
func itemsOf(n *html.Node) []*html.Node {
	list := find(n, func(n *html.Node) bool { return n.Data == "ul" })
	if list == nil {
		return nil
	}
	var out []*html.Node
	for c := range list.ChildNodes() {
		if c.Type == html.ElementNode && c.Data == "li" {
			out = append(out, c)
		}
	}
	return out
}

// owner is the item that a node stands in.
func owner(n *html.Node) *html.Node {
	for a := range n.Ancestors() {
		if a.Data == "li" {
			return a
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func hasClass(n *html.Node, class string) bool {
	for c := range strings.FieldsSeq(attribute(n, "class")) {
		if c == class {
			return true
		}
	}
	return false
}

// textOf is what a part says, on one line.
func textOf(n *html.Node) string {
	var b strings.Builder
	for x := range n.Descendants() {
		if x.Type == html.TextNode && b.Len() < 2_000 && !hidden(x.Parent) {
			b.WriteString(x.Data)
		}
	}
	return markdown.Printable(strings.Join(strings.Fields(b.String()), " "), false)
}

// hidden are parts that are no text.
func hidden(n *html.Node) bool {
	return n.Data == "script" || n.Data == "style" || n.Data == "a" && hasClass(n, "headerlink")
}
