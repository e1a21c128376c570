package markdown

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Options say how a document is shown.
type Options struct {
	// Level is that of the highest heading, 1 to 6; 0 = 1. Lower ones follow without a gap.
	Level int
	// Link answers where an address of the document leads that is not a whole one of the web: a path of this host that
	// begins with one slash. false = nowhere, so that the link becomes its text. nil = all of them lead nowhere.
	Link func(address string) (string, bool)
	// Image is the same for pictures, of all addresses. nil = pictures are their texts.
	Image func(address string) (string, bool)
	// Code tells the parts of code apart, for pages with a style for their classes.
	Code bool
}

// Rendered is a document as HTML.
type Rendered struct {
	HTML     string
	Headings []Heading
	// Plain tells that the text exceeds a bound and is shown as it is written.
	Plain bool
}

// Heading is an entry of the table of contents.
type Heading struct {
	Level int // 1 = highest
	ID    string
	Text  string
}

var (
	documents         = converter(resolved{})
	documentSanitizer = documentPolicy()
)

// Document is a whole text. Its headings get ids that begin with "cb-md-", so that none takes the place of another part
// of the page.
func Document(source string, o Options) Rendered {
	if len(source) > mostDocument || costly(source) {
		return Rendered{HTML: AsWritten(cut(source, mostDocument)), Plain: true}
	}
	raw := []byte(Printable(strings.ReplaceAll(source, "\r\n", "\n"), true))
	root := documents.Parser().Parse(text.NewReader(raw))
	d := &document{source: raw, o: o, slugs: map[string]string{}}
	d.headings(root)
	d.addresses(root)
	if o.Code {
		new(Budget).tellApart(root, raw)
	}
	var out bytes.Buffer
	if err := documents.Renderer().Render(&out, raw, root); err != nil {
		return Rendered{HTML: AsWritten(source), Plain: true}
	}
	return Rendered{HTML: documentSanitizer.SanitizeReader(&out).String(), Headings: d.found}
}

// document is what is known while one is read.
type document struct {
	source []byte
	o      Options
	found  []Heading
	slugs  map[string]string // by the id that others give a heading
}

// headings numbers the headings. A document may begin with its second level and leave out others; what is shown leaves
// out none.
func (d *document) headings(root ast.Node) {
	var levels Levels
	var left []ast.Node // the ones that are not shown
	each(root, func(n ast.Node) {
		h, ok := n.(*ast.Heading)
		if !ok {
			return
		}
		name := strings.TrimSpace(textOf(h, d.source))
		if name == "" || len(d.found) >= mostHeadings {
			left = append(left, h)
			return
		}
		level := levels.Next(h.Level)
		h.Level = min(6, max(1, d.o.Level)+level-1)
		id := d.id(name)
		h.SetAttributeString("id", []byte(id))
		d.found = append(d.found, Heading{Level: level, ID: id, Text: cut(name, 500)})
	})
	for _, h := range left {
		h.Parent().RemoveChild(h.Parent(), h)
	}
}

// Levels makes levels without gaps of those that a text has: each heading is one below the last higher one.
type Levels struct{ open []int }

// Next is the level of the next heading, 1 = highest.
func (l *Levels) Next(level int) int {
	for len(l.open) > 0 && l.open[len(l.open)-1] >= level {
		l.open = l.open[:len(l.open)-1]
	}
	l.open = append(l.open, level)
	return len(l.open)
}

// id makes an id of a heading, which none has yet: as many generators of documentation make it, after our own prefix.
func (d *document) id(name string) string {
	slug := slugOf(name)
	unique := slug
	for n := 1; d.slugs[unique] != ""; n++ {
		unique = slug + "-" + strconv.Itoa(n)
	}
	d.slugs[unique] = "cb-md-" + unique
	return d.slugs[unique]
}

func slugOf(name string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-':
			return unicode.ToLower(r)
		case unicode.IsSpace(r):
			return '-'
		}
		return -1
	}, name)
	runes := []rune(slug)
	slug = string(runes[:min(80, len(runes))])
	if strings.Trim(slug, "-") == "" {
		return "section"
	}
	return slug
}

// addresses decides where links lead and where pictures come from.
func (d *document) addresses(root ast.Node) {
	each(root, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.Link:
			n.Destination = []byte(d.link(string(n.Destination)))
		case *ast.Image:
			address, ok := "", false
			if d.o.Image != nil {
				address, ok = d.o.Image(string(n.Destination))
			}
			if !ok {
				address = ""
			}
			n.Destination = []byte(address)
		}
	})
}

func (d *document) link(address string) string {
	if Followable(address) {
		return address
	}
	if name, ok := strings.CutPrefix(address, "#"); ok {
		if id := d.slugs[name]; id != "" {
			return "#" + id
		}
		return ""
	}
	if d.o.Link == nil {
		return ""
	}
	to, ok := d.o.Link(address)
	if !ok {
		return ""
	}
	return to
}

func each(root ast.Node, do func(ast.Node)) {
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			do(n)
		}
		return ast.WalkContinue, nil
	})
}
