package markdown

import (
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
	extension "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// shared renders what descriptions and documents have otherwise than CommonMark's usual form.
type shared struct{}

func (shared) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	drop := func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) { return ast.WalkContinue, nil }
	r.Register(ast.KindHTMLBlock, drop)
	r.Register(ast.KindRawHTML, drop)
	r.Register(ast.KindCodeBlock, code)
	r.Register(ast.KindFencedCodeBlock, code)
	// What is wider than its place is scrolled within it, by keyboard too.
	r.Register(extension.KindTable, around(`<div class="cb-md-scroll" tabindex="0" role="group" aria-label="Table"><table>`+"\n", "</table></div>\n"))
}

func around(before, after string) renderer.NodeRendererFunc {
	return func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString(before)
		} else {
			_, _ = w.WriteString(after)
		}
		return ast.WalkContinue, nil
	}
}

func code(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	_, _ = w.WriteString(`<pre tabindex="0" role="group" aria-label="Code"><code>`)
	told, _ := n.AttributeString(toldApart)
	if text, ok := told.(string); ok {
		_, _ = w.WriteString(text)
	} else {
		_, _ = w.WriteString(html.EscapeString(string(n.Lines().Value(source))))
	}
	_, _ = w.WriteString("</code></pre>\n")
	return ast.WalkSkipChildren, nil
}

// toldApart is the attribute of a block of code that has its HTML.
const toldApart = "cb-code"

// tellApart makes the HTML of fenced code whose language is known.
func (b *Budget) tellApart(root ast.Node, source []byte) {
	each(root, func(n ast.Node) {
		if fenced, ok := n.(*ast.FencedCodeBlock); ok && languages[strings.ToLower(string(fenced.Language(source)))] != nil {
			n.SetAttributeString(toldApart, b.Code(string(n.Lines().Value(source)), string(fenced.Language(source))))
		}
	})
}

// plainHeadings makes paragraphs of headings.
type plainHeadings struct{}

func (plainHeadings) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, around(`<p class="cb-md-heading">`, "</p>\n"))
}

// imageTexts makes their texts of pictures.
type imageTexts struct{}

func (imageTexts) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindImage, func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) { return ast.WalkContinue, nil })
}

// resolved renders the links and pictures of a document, whose addresses were decided on before: none is none.
type resolved struct{}

func (resolved) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindLink, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		link, _ := n.(*ast.Link)
		switch {
		case len(link.Destination) == 0:
		case entering:
			_, _ = w.WriteString(`<a href="`)
			_, _ = w.Write(util.EscapeHTML(util.URLEscape(link.Destination, true)))
			_, _ = w.WriteString(`">`)
		default:
			_, _ = w.WriteString("</a>")
		}
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindImage, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		image, _ := n.(*ast.Image)
		if len(image.Destination) == 0 {
			return ast.WalkContinue, nil
		}
		if entering {
			_, _ = w.WriteString(`<img src="`)
			_, _ = w.Write(util.EscapeHTML(util.URLEscape(image.Destination, true)))
			_, _ = w.WriteString(`" alt="`)
			_, _ = w.WriteString(html.EscapeString(textOf(n, source)))
			_, _ = w.WriteString(`">`)
		}
		return ast.WalkSkipChildren, nil
	})
}

// textOf is what a node says without its markup.
func textOf(n ast.Node, source []byte) string {
	var out []byte
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			out = append(out, util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(n.Segment.Value(source))))...)
			if n.SoftLineBreak() || n.HardLineBreak() {
				out = append(out, ' ')
			}
		case *ast.String:
			out = append(out, n.Value...)
		case *ast.AutoLink:
			out = append(out, n.Label(source)...)
		}
		return ast.WalkContinue, nil
	})
	return Printable(string(out), false)
}
