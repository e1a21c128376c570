package markdown

import (
	"bytes"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	reader "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Budget is what one page reads. The zero value is a whole page's.
type Budget struct {
	read   int
	coded  int // bytes of code that were told apart
	marked int // parts of it
}

// Description is a text as HTML; headings are paragraphs of class cb-md-heading, so that a text cannot break the order of
// the headings around it. What exceeds a bound, also that of the page, is the text as it is written.
func (b *Budget) Description(text string) string {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return ""
	case !Marked(text):
		return "<p>" + html.EscapeString(Printable(text, false)) + "</p>"
	case b.read+len(text) > mostRead || len(text) > mostDescription || costly(text):
		return AsWritten(text)
	}
	b.read += len(text)
	raw := []byte(Printable(text, true))
	root := descriptions.Parser().Parse(reader.NewReader(raw))
	b.tellApart(root, raw)
	var out bytes.Buffer
	if err := descriptions.Renderer().Render(&out, raw, root); err != nil {
		return AsWritten(text)
	}
	return descriptionPolicy.SanitizeReader(&out).String()
}

// Description is the HTML of one text that stands alone on its page, or among few.
func Description(text string) string { return new(Budget).Description(text) }

// AsWritten is a text with its lines, which can be scrolled by keyboard.
func AsWritten(text string) string {
	return `<pre tabindex="0" role="group" aria-label="Text as it is written"><code>` + html.EscapeString(Printable(text, true)) + "</code></pre>"
}

var (
	descriptions      = converter(plainHeadings{}, imageTexts{})
	descriptionPolicy = basicPolicy()
)

func converter(more ...renderer.NodeRenderer) goldmark.Markdown {
	own := []util.PrioritizedValue{util.Prioritized(shared{}, 100)}
	for _, r := range more {
		own = append(own, util.Prioritized(r, 90))
	}
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone)), extension.Strikethrough, extension.Linkify),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(own...)),
	)
}

// cut is the beginning of a text that has at most n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
