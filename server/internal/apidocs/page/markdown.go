package page

import (
	"bytes"
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// markdown turns descriptions into HTML. Raw HTML is dropped, pictures become their text, headings become paragraphs,
// so that a description cannot break the order of the page's own headings. A sanitiser passes over what comes out, though
// nothing should be left for it to do: two libraries must be wrong at once.
var (
	converter = goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone)), extension.Strikethrough, extension.Linkify),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(plain{}, 100))),
	)
	sanitizer = policy()
)

func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "em", "strong", "del", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("class").Matching(headingClass).OnElements("p")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemeWithCustomPolicy("https", absolute)
	p.AllowURLSchemeWithCustomPolicy("http", absolute)
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
}

var headingClass = regexp.MustCompile(`^cb-docs-heading$`)

func absolute(u *url.URL) bool { return u.Host != "" && followable(u.String()) }

// plain renders what differs from CommonMark's usual form.
type plain struct{}

func (plain) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString(`<p class="cb-docs-heading">`)
		} else {
			_, _ = w.WriteString("</p>\n")
		}
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindImage, func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
		return ast.WalkContinue, nil
	})
	drop := func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) { return ast.WalkContinue, nil }
	r.Register(ast.KindHTMLBlock, drop)
	r.Register(ast.KindRawHTML, drop)
}

// Bounds of what is read as Markdown. A parser's time and output grow faster than its input where texts are made for it;
// what exceeds a bound is shown as it is written.
const (
	mostMarkdown = 64 << 10
	mostRead     = 256 << 10 // bytes on one page
	mostNesting  = 24        // markers of quotes and lists before the text of one line
	mostBrackets = 2_000
	mostMarks    = 4_000  // of emphasis
	mostCells    = 20_000 // of a table: each row gets as many cells as the first one has
)

// markdown writes a description.
func (m *markup) markdown(text string) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return
	case !marked(text):
		m.element("p", text)
		return
	case m.read+len(text) > mostRead || len(text) > mostMarkdown || costly(text):
		m.code(text, "Description")
		return
	}
	m.read += len(text)
	var out bytes.Buffer
	if err := converter.Convert([]byte(printable(text, true)), &out); err != nil {
		m.code(text, "Description")
		return
	}
	m.WriteString(sanitizer.SanitizeReader(&out).String())
}

// marked reports whether a text holds anything that Markdown reads otherwise than as letters.
func marked(text string) bool {
	if strings.ContainsAny(text, "\n*_`[]<>&\\|~#") || strings.Contains(text, "://") || strings.Contains(text, "www.") {
		return true
	}
	first := text[0]
	return first == '-' || first == '+' || first == '=' || first >= '0' && first <= '9'
}

// costly holds for texts that are made to keep a parser busy.
func costly(text string) bool {
	if strings.Count(text, "[") > mostBrackets || strings.Count(text, "*")+strings.Count(text, "_") > mostMarks {
		return true
	}
	lines, columns := 1+strings.Count(text, "\n"), 0
	for line := range strings.SplitSeq(text, "\n") {
		columns = max(columns, strings.Count(line, "|"))
		text := strings.TrimLeft(line, " \t>-+*0123456789.)")
		markers := strings.Map(func(r rune) rune {
			if strings.ContainsRune(">-+*.)", r) {
				return r
			}
			return -1
		}, line[:len(line)-len(text)])
		rule := text == "" && (strings.Trim(markers, "-") == "" || strings.Trim(markers, "*") == "")
		if len(markers) > mostNesting && !rule {
			return true
		}
	}
	return columns*lines > mostCells
}
