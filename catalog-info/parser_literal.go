package cataloginfo

import (
	"bytes"
	"strings"
)

// blockHeader is what follows "|" or ">".
type blockHeader struct {
	folded bool
	indent int  // 0 = that of the first line
	chomp  byte // '-', '+' or 0
}

// blockLine is one line of a block scalar: the spaces it begins with, and the rest without its break.
type blockLine struct {
	indent int
	text   string
}

// blockScalar reads the lines after "|" or ">".
func (p *parser) blockScalar(n int, pr properties) *node {
	start := p.pos
	h := p.blockHeader()
	lines, indent := p.blockLines(n, h)
	return p.scalar(start, pr, blockStyle, h.value(lines, indent))
}

func (p *parser) blockHeader() blockHeader {
	h, start := blockHeader{folded: p.text[p.pos] == '>'}, p.pos
	for p.pos++; !p.emptyAt(p.pos) && p.text[p.pos] != '#'; p.pos++ {
		switch c := p.text[p.pos]; {
		case (c == '-' || c == '+') && h.chomp == 0:
			h.chomp = c
		case c >= '1' && c <= '9' && h.indent == 0:
			h.indent = int(c - '0')
		default:
			p.failf(p.pos, "Block scalar header includes extra characters: %s", p.text[start:p.pos+1])
		}
	}
	p.skipBlanks()
	p.endOfNode()
	for p.pos < len(p.text) && p.text[p.pos] != '\n' {
		p.pos++
	}
	if p.pos < len(p.text) {
		p.newline()
	}
	return h
}

// blockLines collects the lines of the scalar and the column that its text begins at.
func (p *parser) blockLines(n int, h blockHeader) ([]blockLine, int) {
	indent, widest := -1, 0
	if h.indent > 0 {
		indent = max(n, 0) + h.indent
	}
	var lines []blockLine
	for p.pos < len(p.text) {
		k := p.spaces(p.pos)
		rest := p.text[p.pos+k:]
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			rest = rest[:i]
		}
		text := bytes.TrimSuffix(rest, []byte("\r"))
		if len(text) > 0 {
			if indent < 0 && k > n {
				p.checkLeadingLines(k, widest)
				indent = k
			}
			if indent < 0 || k < indent {
				p.checkTrailingTab(k, text)
				break
			}
		}
		widest = max(widest, k)
		lines = append(lines, blockLine{k, string(text)})
		if p.pos += k + len(rest); p.pos < len(p.text) {
			p.newline()
			if p.pos == len(p.text) {
				lines = append(lines, blockLine{})
			}
		}
	}
	if p.pos < len(p.text) && len(lines) > 0 {
		lines = append(lines, blockLine{})
	}
	if indent < 0 {
		indent = max(widest, n+1)
	}
	return lines, indent
}

// checkLeadingLines refuses empty lines that are indented deeper than the first line of text, at column k.
func (p *parser) checkLeadingLines(k, widest int) {
	if widest > k {
		p.failf(p.pos+k, "Block scalars with more-indented leading empty lines must use an explicit indentation indicator")
	}
}

// checkTrailingTab refuses a tab where indentation is expected after the text.
func (p *parser) checkTrailingTab(k int, text []byte) {
	if text[0] == '\t' {
		p.failf(p.pos+k, "Block scalar lines must not be less indented than their first line")
	}
}

// value joins the lines. The last of lines is what follows the last break: empty, unless the file ends without one.
func (h blockHeader) value(lines []blockLine, indent int) string {
	content := len(lines)
	for content > 0 && lines[content-1].text == "" {
		content--
	}
	if content == 0 {
		if h.chomp == '+' && len(lines) > 0 {
			return strings.Repeat("\n", max(1, len(lines)-1))
		}
		return ""
	}
	// Blank lines that are indented deeper than the text are part of it.
	for i := len(lines) - 1; i >= content; i-- {
		if lines[i].indent > indent {
			content = i + 1
		}
	}
	var out strings.Builder
	if h.folded {
		foldBlock(&out, lines[:content], indent)
	} else {
		for i, l := range lines[:content] {
			if i > 0 {
				out.WriteByte('\n')
			}
			l.write(&out, indent)
		}
	}
	switch h.chomp {
	case '-':
	case '+':
		for _, l := range lines[content:] {
			out.WriteByte('\n')
			l.write(&out, indent)
		}
		if content == len(lines) {
			out.WriteByte('\n')
		}
	default:
		out.WriteByte('\n')
	}
	return out.String()
}

func (l blockLine) write(out *strings.Builder, indent int) {
	if l.indent > indent {
		out.WriteString(strings.Repeat(" ", l.indent-indent))
	}
	out.WriteString(l.text)
}

// foldBlock joins the lines of a folded scalar: breaks between lines of text become spaces; lines that begin with blanks keep
// theirs, and so do the breaks around them.
func foldBlock(out *strings.Builder, lines []blockLine, indent int) {
	first := 0
	for first < len(lines) && lines[first].text == "" {
		lines[first].write(out, indent)
		out.WriteByte('\n')
		first++
	}
	sep, deeper := "", false
	for _, l := range lines[first:] {
		switch {
		case l.indent > indent || strings.HasPrefix(l.text, "\t"):
			if sep == " " {
				sep = "\n"
			} else if !deeper && sep == "\n" {
				sep = "\n\n"
			}
			out.WriteString(sep)
			l.write(out, indent)
			sep, deeper = "\n", true
		case l.text == "":
			if sep == "\n" {
				out.WriteByte('\n')
			} else {
				sep = "\n"
			}
		default:
			out.WriteString(sep + l.text)
			sep, deeper = " ", false
		}
	}
}
