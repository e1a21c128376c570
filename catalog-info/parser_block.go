package cataloginfo

// position is what a block node stands after; it decides what may begin on the same line.
type position uint8

const (
	atRoot      position = iota // at the start of a line
	afterMarker                 // "---" on the same line
	afterKey                    // the ":" of a key on the same line
	afterItem                   // "-"
	afterPart                   // "?" or the ":" of such a key
)

// maxImplicitKey is how far the ":" may be from the start of a key without "?".
const maxImplicitKey = 1024

// block reads the node after an indicator. n is the column of the collection around it, -1 at the root: what belongs to
// the node stands deeper.
func (p *parser) block(n int, at position) *node {
	start := p.pos
	crossed := at == atRoot
	outer, inner := noProperties, noProperties
	for {
		if p.skip() {
			crossed = true
			outer, inner = p.merge(outer, inner), noProperties
		} else if crossed && p.pos > p.lineStart {
			p.tab = p.tab || p.tabbedIndent()
		}
		if p.pos == len(p.text) || crossed && p.outdented(n, at) {
			return p.scalar(start, p.merge(outer, inner), plainStyle, "")
		}
		if crossed {
			p.checkTab(n)
		}
		if c := p.text[p.pos]; c != '&' && c != '!' {
			break
		}
		if inner = p.properties(false); p.pos == len(p.text) {
			continue
		}
		if !p.atBreak(p.pos) && p.text[p.pos] != '#' {
			break
		}
	}
	return p.blockContent(n, at, crossed, outer, inner)
}

// tabbedIndent reports whether the blanks before the current token, which is the first of its line, hold a tab.
func (p *parser) tabbedIndent() bool {
	for i := p.lineStart; i < p.pos; i++ {
		if p.text[i] == '\t' {
			return true
		}
		if p.text[i] != ' ' {
			return false
		}
	}
	return false
}

// outdented reports whether the token on a new line belongs to a collection further out. The items of a list may stand at
// the column of the key that holds it.
func (p *parser) outdented(n int, at position) bool {
	col := p.column()
	if col == n && (at == afterKey || at == afterPart) && p.indicator('-') {
		return false
	}
	return col <= n
}

func (p *parser) checkTab(n int) {
	flow := n < 0 && (p.text[p.pos] == '[' || p.text[p.pos] == '{')
	if p.tab && !flow && p.column() <= max(n, 0) {
		p.failf(p.pos, "Tabs are not allowed as indentation")
	}
}

func (p *parser) blockContent(n int, at position, crossed bool, outer, inner properties) *node {
	own := p.ownLine(at, crossed)
	switch c := p.text[p.pos]; {
	case p.indicator('-'):
		p.mayBegin(own, at, "list")
		if !inner.empty() {
			p.failf(p.pos, "Missing newline after block sequence props")
		}
		return p.list(outer)
	case p.indicator('?'), p.indicator(':'):
		p.mayBegin(own, at, "map")
		return p.mapping(outer, inner, nil)
	case c == '|' || c == '>':
		return p.blockScalar(n, p.merge(outer, inner))
	}
	offset, tab := p.pos, p.tab
	if !inner.empty() {
		offset = inner.offset
	}
	line := p.lineStart
	props := inner
	atom := p.atom(n, props, outer)
	p.skipBlanks()
	if !p.indicator(':') {
		p.endOfNode()
		return atom
	}
	if line != p.lineStart {
		p.failf(offset, "Implicit keys need to be on a single line")
	}
	p.tab = tab
	p.mayBegin(own, at, "map")
	return p.mapping(outer, inner, &firstKey{atom, offset})
}

// ownLine reports whether a block collection may begin here.
func (p *parser) ownLine(at position, crossed bool) bool {
	return crossed || at == afterItem || at == afterPart
}

func (p *parser) mayBegin(own bool, at position, what string) {
	switch {
	case !own && at == afterMarker:
		p.failf(p.pos, "Block collection cannot start on same line with directives-end marker")
	case !own && what == "list":
		p.failf(p.pos, "Unexpected block-seq-ind on same line with key")
	case !own:
		p.failf(p.pos, "Nested mappings are not allowed in compact mappings")
	case p.tab:
		p.failf(p.pos, "Tabs are not allowed as indentation")
	}
}

// atom reads a node that may turn out to be a key: then outer belongs to the map, and is not the atom's.
func (p *parser) atom(n int, inner, outer properties) *node {
	if !outer.empty() && !p.keyAhead() {
		inner = p.merge(outer, inner)
	}
	switch c := p.text[p.pos]; c {
	case '[', '{':
		return p.flow(n, inner)
	case '"', '\'':
		return p.quoted(n, inner)
	case '*':
		return p.alias(inner)
	}
	return p.plain(n, inner, false)
}

// keyAhead looks for the ":" that makes the rest of the line begin with a key. It is asked only where properties stand on a
// line of their own before.
func (p *parser) keyAhead() bool {
	saved := *p
	found := false
	func() {
		defer func() {
			if fault := recover(); fault != nil {
				if _, ok := fault.(syntaxFault); !ok {
					panic(fault)
				}
			}
		}()
		p.slab, p.anchors = nil, nil
		line := p.lineStart
		if p.text[p.pos] == '*' {
			p.name()
		} else {
			p.atom(-1, noProperties, noProperties)
		}
		p.skipBlanks()
		found = line == p.lineStart && p.indicator(':')
	}()
	*p = saved
	return found
}

// endOfNode makes sure that nothing but a comment follows on the line.
func (p *parser) endOfNode() {
	if p.pos >= len(p.text) || p.atBreak(p.pos) {
		return
	}
	if c := p.text[p.pos]; c == '#' && isBlank(p.text[p.pos-1]) {
		return
	} else if c == '#' {
		p.failf(p.pos, "Comments must be separated from other tokens by white space characters")
	}
	p.failf(p.pos, "Unexpected text after the value")
}

// list reads the items of a block list, at the first "-".
func (p *parser) list(pr properties) *node {
	n, col := p.open(listNode, p.pos, pr), p.column()
	for p.indicator('-') {
		p.pos++
		n.children = append(n.children, p.block(col, afterItem))
		if !p.nextEntry(col, "All sequence items must start at the same column") {
			break
		}
	}
	return p.close(n)
}

// nextEntry moves to the next token and reports whether it stands at the column of the collection.
func (p *parser) nextEntry(col int, misplaced string) bool {
	p.skip()
	if p.pos == len(p.text) {
		return false
	}
	at := p.column()
	if at > col {
		p.failf(p.pos, "%s", misplaced)
	}
	if at == col && p.tabbedIndent() {
		p.failf(p.pos, "Tabs are not allowed as indentation")
	}
	return at == col
}

// firstKey is a key that was read before it was known to be one, with the offset of its properties.
type firstKey struct {
	node   *node
	offset int
}

// mapping reads a block map, at the ":" after its first key, or at the "?" or ":" that it begins with.
func (p *parser) mapping(outer, inner properties, first *firstKey) *node {
	start := p.pos
	if first != nil {
		start = first.offset
	} else if !inner.empty() {
		start = inner.offset
	}
	n := p.open(mapNode, start, outer)
	here := p.pos
	p.pos = start
	col := p.column()
	p.pos = here
	for {
		var key, value *node
		if first == nil && p.indicator('?') {
			p.noProperties(inner, "?")
			key, value = p.explicitEntry(col)
		} else {
			key, value = p.implicitEntry(col, first, inner)
		}
		n.children = append(n.children, key, value)
		first, inner = nil, noProperties
		if !p.nextEntry(col, "All mapping items must start at the same column") {
			return p.close(n)
		}
		if p.indicator('-') {
			p.failf(p.pos, "A block sequence may not be used as an implicit map key")
		}
		if c := p.text[p.pos]; c == '&' || c == '!' {
			inner = p.properties(false)
			if p.pos < len(p.text) && p.atBreak(p.pos) {
				p.failf(p.pos, "Implicit keys need to be on a single line")
			}
		}
	}
}

func (p *parser) noProperties(pr properties, before string) {
	if !pr.empty() {
		p.failf(p.pos, "Anchors and tags must be after the %s indicator", before)
	}
}

func (p *parser) explicitEntry(col int) (key, value *node) {
	p.pos++
	key = p.block(col, afterPart)
	save := *p
	p.skip()
	if p.pos < len(p.text) && p.column() == col && p.indicator(':') {
		p.pos++
		return key, p.block(col, afterPart)
	}
	p.pos, p.lineStart, p.tab = save.pos, save.lineStart, save.tab
	value = p.scalar(p.pos, noProperties, plainStyle, "")
	value.absent = true
	return key, value
}

// implicitEntry reads "key: value"; the key may have been read already.
func (p *parser) implicitEntry(col int, first *firstKey, pr properties) (key, value *node) {
	start := p.pos
	switch {
	case first != nil:
		key, start = first.node, first.offset
	case p.pos == len(p.text) || p.indicator(':'):
		key = p.scalar(p.pos, pr, plainStyle, "")
	default:
		if !pr.empty() {
			start = pr.offset
		}
		key = p.implicitKey(col, pr)
	}
	if !p.indicator(':') {
		p.failf(start, "Implicit map keys need to be followed by map values")
	}
	if p.pos-start > maxImplicitKey {
		p.failf(start, "The : indicator must be at most 1024 chars after the start of an implicit block mapping key")
	}
	p.pos++
	return key, p.block(col, afterKey)
}

func (p *parser) implicitKey(col int, pr properties) *node {
	start, line := p.pos, p.lineStart
	if c := p.text[p.pos]; c == '|' || c == '>' {
		p.failf(start, "Implicit keys need to be on a single line")
	}
	key := p.atom(col, pr, noProperties)
	p.skipBlanks()
	if line != p.lineStart {
		p.failf(start, "Implicit keys need to be on a single line")
	}
	return key
}
