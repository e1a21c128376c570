package cataloginfo

import "strings"

// flow reads a list in brackets or a map in braces. n is the column of the block collection around it: its lines stand
// deeper, except that the last bracket may stand at that column.
func (p *parser) flow(n int, pr properties) *node {
	f := &flowParser{parser: p, n: n}
	return f.collection(pr)
}

type flowParser struct {
	*parser
	n     int
	level int
}

func (f *flowParser) collection(pr properties) *node {
	kind, end, name := listNode, byte(']'), "flow sequence"
	if f.text[f.pos] == '{' {
		kind, end, name = mapNode, '}', "flow map"
	}
	n := f.open(kind, f.pos, pr)
	f.pos++
	f.level++
	for comma := true; ; {
		f.skipFlow(name, end)
		switch c := f.text[f.pos]; {
		case c == end:
			f.pos++
			f.level--
			return f.close(n)
		case c == ']' || c == '}':
			f.failf(f.pos, "Unexpected %c in %s", c, name)
		case c == ',' && len(n.children) == 0:
			f.failf(f.pos, "Unexpected , in %s", name)
		case c == ',' && comma:
			f.failf(f.pos, "Unexpected empty item in %s", name)
		case c == ',':
			comma = true
			f.pos++
			continue
		case !comma:
			f.failf(f.pos, "Missing , between %s items", name)
		}
		comma = false
		f.item(n, name, end)
	}
}

// skipFlow moves to the next token inside of the collection; the end of the text, or a line that is not indented deeply
// enough, is the error of a missing bracket.
func (f *flowParser) skipFlow(name string, end byte) {
	start := f.pos
	if f.skip() && f.pos < len(f.text) && f.spaces(f.lineStart) <= f.n {
		c := f.text[f.pos]
		closing := f.level == 1 && (c == ']' || c == '}') && f.spaces(f.lineStart) == f.n
		if !closing {
			f.missingEnd(start, name, end)
		}
	}
	if f.pos == len(f.text) {
		f.missingEnd(start, name, end)
	}
}

func (f *flowParser) missingEnd(offset int, name string, end byte) {
	name = strings.ToUpper(name[:1]) + name[1:]
	if f.n < 0 {
		f.failf(offset, "%s must end with a %c", name, end)
	}
	f.failf(offset, "%s in block collection must be sufficiently indented and end with a %c", name, end)
}

// item reads one item of a list or one pair of a map.
func (f *flowParser) item(n *node, name string, end byte) {
	start, line := f.pos, f.lineStart
	if f.lone('?') {
		f.pos++
		f.skipFlow(name, end)
		f.pair(n, f.element(name, end), true, name, end)
		return
	}
	key := f.element(name, end)
	adjacent := key.kind != aliasNode && (key.kind != scalarNode || key.style != plainStyle)
	afterKey := f.pos
	f.skipFlow(name, end)
	isPair := f.value(adjacent)
	switch {
	case n.kind == mapNode:
		f.pair(n, key, adjacent, name, end)
	case !isPair:
		n.children = append(n.children, key)
	case line != f.lineStart:
		f.failf(start, "Implicit keys of flow sequence pairs need to be on a single line")
	case f.pos-start > maxImplicitKey:
		f.failf(afterKey, "The : indicator must be at most 1024 chars after the start of an implicit flow sequence key")
	default:
		f.pair(n, key, adjacent, name, end)
	}
}

// value reports whether the ":" between key and value is here. After quotes and brackets nothing needs to follow it.
func (f *flowParser) value(adjacent bool) bool {
	return f.text[f.pos] == ':' && (adjacent || f.lone(':'))
}

// lone reports whether the indicator c is here and stands alone.
func (f *flowParser) lone(c byte) bool {
	return f.text[f.pos] == c && (f.emptyAt(f.pos+1) || strings.IndexByte(",[]{}", f.text[f.pos+1]) >= 0)
}

// pair reads the value after key, and puts both where they belong: a pair in a list is a map of its own.
func (f *flowParser) pair(n *node, key *node, adjacent bool, name string, end byte) {
	into := n
	if n.kind == listNode {
		into = f.open(mapNode, key.offset-f.base, noProperties)
	}
	f.skipFlow(name, end)
	var value *node
	if f.value(adjacent) {
		f.pos++
		f.skipFlow(name, end)
		value = f.element(name, end)
	} else {
		value = f.scalar(f.pos, noProperties, plainStyle, "")
		value.absent = true
	}
	into.children = append(into.children, key, value)
	if into != n {
		n.children = append(n.children, f.close(into))
	}
}

// element reads a key, a value or an item; nothing at all is an empty scalar.
func (f *flowParser) element(name string, end byte) *node {
	pr := noProperties
	for f.text[f.pos] == '&' || f.text[f.pos] == '!' {
		pr = f.merge(pr, f.properties(true))
		f.skipFlow(name, end)
	}
	switch c := f.text[f.pos]; {
	case c == ',' || c == ']' || c == '}' || f.lone(':'):
		return f.scalar(f.pos, pr, plainStyle, "")
	case c == '[' || c == '{':
		return f.collection(pr)
	case c == '"' || c == '\'':
		return f.quoted(f.n, pr)
	case c == '*':
		return f.alias(pr)
	case f.lone('-'):
		f.failf(f.pos, "Block collections are not allowed within flow collections")
	case f.lone('?'):
		f.failf(f.pos, "Unexpected ? in %s", name)
	}
	return f.plain(f.n, pr, true)
}
