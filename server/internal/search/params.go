package search

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of the bracket notation, as the reference's parser has them.
const (
	maxParams = 1000
	maxDepth  = 5
)

// param is one node of a query string in bracket notation: filters[kind][0]=API is the node "filters" with the child
// "kind" with the child "0" with the text "API". nil is a parameter that was not sent.
type param struct {
	texts    []string // values given without further brackets, or with empty ones
	appended bool     // some of texts came from name[]=…
	order    []string
	children map[string]*param
}

// parseParams never fails: what is not well-formed is taken literally.
func parseParams(raw string) *param {
	root := &param{}
	n := 0
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		if n++; n > maxParams {
			break
		}
		key, value := cutPair(part)
		path := keyPath(decode(key))
		if path[0] == "" {
			continue
		}
		root.set(path, decode(value))
	}
	return root
}

// cutPair splits at the "=" behind the last bracket of the key, else at the first "=".
func cutPair(part string) (key, value string) {
	if i := strings.Index(part, "]="); i >= 0 {
		return part[:i+1], part[i+2:]
	}
	key, value, _ = strings.Cut(part, "=")
	return key, value
}

// decode leaves text as it is when it has malformed escapes.
func decode(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	s = strings.ReplaceAll(s, "+", " ")
	if d, err := url.PathUnescape(s); err == nil && utf8.ValidString(d) {
		return d
	}
	return s
}

// keyPath splits "a[b][c]" into a, b, c. What is nested too deeply stays one name.
func keyPath(key string) []string {
	name, rest, nested := strings.Cut(key, "[")
	path := []string{name}
	for nested {
		inner, after, closed := strings.Cut(rest, "]")
		if !closed {
			return append(path, rest)
		}
		path = append(path, inner)
		if len(path) > maxDepth && after != "" {
			return append(path, after)
		}
		_, rest, nested = strings.Cut(after, "[")
	}
	return path
}

func (p *param) set(path []string, value string) {
	for i, name := range path {
		if i > 0 && name == "" {
			p.appended = true
			continue
		}
		c := p.children[name]
		if c == nil {
			if p.children == nil {
				p.children = map[string]*param{}
			}
			c = &param{}
			p.children[name] = c
			p.order = append(p.order, name)
		}
		p = c
	}
	p.texts = append(p.texts, value)
}

func (p *param) child(name string) *param {
	if p == nil {
		return nil
	}
	return p.children[name]
}

func (p *param) names() []string {
	if p == nil {
		return nil
	}
	return p.order
}

// only is the value of a text, "" for anything else.
func (p *param) only() string {
	if p == nil || !p.isText() {
		return ""
	}
	return p.texts[0]
}

func (p *param) isText() bool { return len(p.texts) == 1 && !p.appended && len(p.children) == 0 }

// isList reports whether p is one text, several, or numbered ones.
func (p *param) isList() bool {
	for name, c := range p.children {
		if !isIndex(name) || !c.isText() {
			return false
		}
	}
	return len(p.texts) > 0 || len(p.children) > 0
}

func isIndex(name string) bool {
	i, err := strconv.ParseUint(name, 10, 31)
	return err == nil && strconv.FormatUint(i, 10) == name
}

// numbered is the members in the order of their numbers.
func (p *param) numbered() []string {
	order := slices.Clone(p.order)
	slices.SortStableFunc(order, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	return order
}

// list is the texts of a list in the order of their numbers; nil when p is no list.
func (p *param) list() []string {
	if p == nil || !p.isList() {
		return nil
	}
	all := slices.Clone(p.texts)
	for _, name := range p.numbered() {
		all = append(all, p.children[name].only())
	}
	return all
}
