package cataloginfo

import (
	"bytes"
	"net/url"
	"strings"
)

// parser reads one YAML 1.2 document into nodes, by recursive descent.
//
// It is our own because what a catalog file means is decided by the YAML library of the reference (npm yaml 2), and no
// parser for Go agrees with it: the best differ on "{url: https://a.b/?q}", on JSON's "\/" and surrogate pairs, on tabs
// in block scalars and blank lines, on "%YAML 1.2", on "{{ braces }}", on outdented brackets. Everything it accepts and
// refuses is compared with the reference's library in testdata/corpus.json. The limits hold while parsing: a hostile
// file is given up at the first value too many.
//
// Reading stops at the first error, which is thrown with panic and caught by [source.parse].
type parser struct {
	*source
	text []byte
	base int // offset of text in the file
	pos  int
	// lineStart is the offset of the current line. tab tells whether the blanks before the current token hold one.
	lineStart int
	tab       bool

	anchors map[string]*node
	handles map[string]string // of %TAG directives
	depth   int
	nodes   int
	slab    []node
}

// syntaxFault is what the parser throws.
type syntaxFault struct{ err *ReadError }

// maxDepth bounds recursion when no limit is asked for.
const maxDepth = 1000

// parse returns the root of the document in c, nil when it is empty.
func (s *source) parse(c chunk) (root *node, fail *ReadError) {
	defer func() {
		if p := recover(); p != nil {
			fault, ok := p.(syntaxFault)
			if !ok {
				// A mistake of the parser's own must cost one document, not the process.
				fault.err = s.errorAtOffset(c.offset, "internal", "the document cannot be parsed: %v", p)
			}
			root, fail = nil, fault.err
		}
	}()
	p := &parser{source: s, text: c.text, base: c.offset}
	return p.document(), nil
}

func (p *parser) failf(offset int, format string, args ...any) {
	p.failRulef(offset, "syntax", format, args...)
}

func (p *parser) failRulef(offset int, rule, format string, args ...any) {
	panic(syntaxFault{p.errorAtOffset(p.base+offset, rule, format, args...)})
}

func (p *parser) document() *node {
	at := atRoot
	if p.directives() {
		at = afterMarker
	}
	if p.skip() {
		at = atRoot
	}
	if p.pos == len(p.text) {
		return nil
	}
	root := p.block(-1, at)
	if p.skip(); p.pos < len(p.text) {
		p.failf(p.pos, "Document contains trailing content, or its indentation does not match")
	}
	return root
}

// directives reads what precedes "---" and the marker itself; it reports whether there is one.
func (p *parser) directives() bool {
	seen := -1
	for p.pos < len(p.text) {
		line := p.text[p.pos:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		switch {
		case isMarker(line, "---"):
			p.pos += 3
			return true
		case line[0] == '%':
			seen = p.pos
			p.directive(strings.Fields(string(line)))
		case !isBlankOrComment(line):
			if seen >= 0 {
				p.failf(p.pos, "Missing directives-end/doc-start indicator line")
			}
			return false
		}
		p.pos += len(line)
		p.lineStart = p.pos
	}
	return false
}

// directive takes %TAG; unknown directives are passed over, as the reference does.
func (p *parser) directive(words []string) {
	switch {
	case words[0] == "%TAG" && len(words) >= 3:
		if p.handles == nil {
			p.handles = map[string]string{}
		}
		p.handles[words[1]] = words[2]
	case words[0] == "%YAML" && len(words) >= 2 && words[1] == "1.1":
		p.failf(p.pos, "YAML 1.1 is not supported, remove the line %%YAML 1.1")
	}
}

// skip passes blanks, comments and line breaks up to the next token, and tells whether a line was crossed.
func (p *parser) skip() (crossed bool) {
	p.tab = false
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == ' ':
			p.pos++
		case c == '\t':
			p.tab = true
			p.pos++
		case p.atBreak(p.pos):
			p.newline()
			crossed, p.tab = true, false
		case c == '#':
			if p.pos > p.lineStart && !isBlank(p.text[p.pos-1]) {
				p.failf(p.pos, "Comments must be separated from other tokens by white space characters")
			}
			for p.pos < len(p.text) && p.text[p.pos] != '\n' {
				p.pos++
			}
		default:
			return crossed
		}
	}
	return crossed
}

func (p *parser) skipBlanks() {
	for p.pos < len(p.text) && isBlank(p.text[p.pos]) {
		p.tab = p.tab || p.text[p.pos] == '\t'
		p.pos++
	}
}

// newline passes the line break at pos.
func (p *parser) newline() {
	if p.text[p.pos] == '\r' {
		p.pos++
	}
	p.pos++
	p.lineStart = p.pos
}

// atBreak reports whether a line break is at i. A lone carriage return is not one.
func (p *parser) atBreak(i int) bool {
	return p.text[i] == '\n' || p.text[i] == '\r' && i+1 < len(p.text) && p.text[i+1] == '\n'
}

// emptyAt reports whether an indicator before i stands alone: a blank, a break or the end follows.
func (p *parser) emptyAt(i int) bool {
	return i >= len(p.text) || isBlank(p.text[i]) || p.text[i] == '\n' || p.text[i] == '\r'
}

func (p *parser) indicator(c byte) bool {
	return p.pos < len(p.text) && p.text[p.pos] == c && p.emptyAt(p.pos+1)
}

// column is where the current token stands: the spaces before it when only blanks precede it on its line.
func (p *parser) column() int {
	n := p.spaces(p.lineStart)
	for i := p.lineStart + n; i < p.pos; i++ {
		if !isBlank(p.text[i]) {
			return p.pos - p.lineStart
		}
	}
	return n
}

// spaces counts the spaces from i on.
func (p *parser) spaces(i int) int {
	n := 0
	for i+n < len(p.text) && p.text[i+n] == ' ' {
		n++
	}
	return n
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// properties are the anchor and the tag before a node.
type properties struct {
	anchor, tag string
	anchored    bool
	offset      int // of the first of them, -1 = none
}

func (pr properties) empty() bool { return pr.offset < 0 }

var noProperties = properties{offset: -1}

// merge adds the properties of a later line.
func (p *parser) merge(a, b properties) properties {
	switch {
	case a.empty():
		return b
	case b.empty():
		return a
	case a.anchored && b.anchored:
		p.failf(b.offset, "A node can have at most one anchor")
	case a.tag != "" && b.tag != "":
		p.failf(b.offset, "A node can have at most one tag")
	}
	if b.anchored {
		a.anchor, a.anchored = b.anchor, true
	}
	if b.tag != "" {
		a.tag = b.tag
	}
	return a
}

// properties reads anchors and tags on the current line.
func (p *parser) properties(inFlow bool) properties {
	pr := noProperties
	for p.pos < len(p.text) && (p.text[p.pos] == '&' || p.text[p.pos] == '!') {
		one := properties{offset: p.pos}
		if p.text[p.pos] == '&' {
			one.anchor, one.anchored = p.name(), true
			if one.anchor == "" {
				p.failf(one.offset, "Anchor cannot be an empty string")
			}
		} else {
			one.tag = p.tagName()
		}
		if !p.emptyAt(p.pos) && (!inFlow || strings.IndexByte(",]}", p.text[p.pos]) < 0) {
			p.failf(p.pos, "Tags and anchors must be separated from the next token by white space")
		}
		pr = p.merge(pr, one)
		p.skipBlanks()
	}
	return pr
}

// name reads the name of an anchor or alias, after its indicator.
func (p *parser) name() string {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n,[]{}", p.text[p.pos]) < 0 {
		p.pos++
	}
	return string(p.text[start:p.pos])
}

const tagPrefix = "tag:yaml.org,2002:"

// tagName reads a tag and resolves its handle.
func (p *parser) tagName() string {
	start := p.pos
	if bytes.HasPrefix(p.text[start:], []byte("!<")) {
		end := bytes.IndexAny(p.text[start:], "> \t\r\n")
		if end < 0 || p.text[start+end] != '>' {
			p.failf(start, "Verbatim tags must end with a >")
		}
		p.pos = start + end + 1
		return string(p.text[start+2 : start+end])
	}
	p.pos++
	for p.pos < len(p.text) && p.isTagByte(p.pos) {
		p.pos++
	}
	tag := string(p.text[start:p.pos])
	if tag == "!" {
		return tag
	}
	i := strings.LastIndexByte(tag, '!')
	handle, suffix := tag[:i+1], tag[i+1:]
	if suffix == "" {
		p.failf(start, "The %s tag has no suffix", tag)
	}
	if decoded, err := url.PathUnescape(suffix); err == nil {
		suffix = decoded
	}
	switch prefix, known := p.handles[handle]; {
	case known:
		return prefix + suffix
	case handle == "!!":
		return tagPrefix + suffix
	case handle != "!":
		p.failf(start, "Could not resolve tag: %s", tag)
	}
	return tag
}

// isTagByte reports whether the byte at i may stand in a tag; "%" only before two hexadecimal digits.
func (p *parser) isTagByte(i int) bool {
	c := p.text[i]
	if c == '%' {
		_, ok := p.hex(i+1, len(p.text), 2)
		return ok
	}
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
		strings.IndexByte("-#;/?:@&=+$_.!~*'()", c) >= 0
}

// open makes a node and enters it; its children count towards the limits as they come.
func (p *parser) open(kind nodeKind, offset int, pr properties) *node {
	p.depth++
	limit := p.limits.Depth
	if limit == 0 {
		limit = maxDepth
	}
	if p.depth > limit {
		p.failRulef(offset, "depth", "nesting is deeper than the limit of %d", limit)
	}
	p.count(offset, 1)
	if len(p.slab) == 0 {
		p.slab = make([]node, 64)
	}
	n := &p.slab[0]
	p.slab = p.slab[1:]
	n.kind, n.offset, n.tag = kind, p.base+offset, pr.tag
	n.extent = extent{nodes: 1, depth: 1, uses: 1, open: true}
	if pr.anchored {
		if p.anchors == nil {
			p.anchors = map[string]*node{}
		}
		p.anchors[pr.anchor] = n
	}
	return n
}

// close leaves a node that open entered.
func (p *parser) close(n *node) *node {
	p.depth--
	n.extent.open = false
	if n.kind == scalarNode {
		n.extent.aliases = 1
	}
	for _, child := range n.children {
		n.extent.nodes += child.extent.nodes
		n.extent.depth = max(n.extent.depth, child.extent.depth+1)
		n.extent.aliases = max(n.extent.aliases, child.extent.aliases)
	}
	return n
}

func (p *parser) scalar(offset int, pr properties, style scalarStyle, value string) *node {
	n := p.open(scalarNode, offset, pr)
	n.style, n.value = style, value
	return p.close(n)
}

// count adds values to those of the document.
func (p *parser) count(offset, values int) {
	if p.nodes += values; exceeds(p.nodes, p.limits.Nodes) {
		p.failRulef(offset, "nodes", "the document stands for more than %d values", p.limits.Nodes)
	}
}

// alias reads "*name" and measures what it stands for.
func (p *parser) alias(pr properties) *node {
	offset := p.pos
	name := p.name()
	if !pr.empty() {
		p.failf(offset, "An alias node must not specify any properties")
	}
	target := p.anchors[name]
	switch {
	case name == "":
		p.failf(offset, "Alias cannot be an empty string")
	case target == nil:
		p.failf(offset, "Unresolved alias (the anchor must be set before the alias): %s", name)
	case target.extent.open:
		p.failRulef(offset, "aliases", "The alias *%s stands inside of its own anchor", name)
	}
	x := &target.extent
	x.uses++
	if exceeds(x.uses*x.aliases, p.limits.Aliases) {
		p.failRulef(offset, "aliases", "Excessive alias count indicates a resource exhaustion attack: *%s exceeds the limit of %d",
			name, p.limits.Aliases)
	}
	p.count(offset, x.nodes)
	if exceeds(p.depth+x.depth, p.limits.Depth) {
		p.failRulef(offset, "depth", "nesting is deeper than the limit of %d", p.limits.Depth)
	}
	n := &node{kind: aliasNode, offset: p.base + offset, value: name, target: target}
	n.extent = extent{nodes: x.nodes, depth: x.depth, aliases: x.uses * x.aliases}
	return n
}
