package catalog

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
)

// projection picks parts of serialised entities: dotted paths, resolved against the keys that are really there, so that
// keys with dots work. The result keeps its nesting, in lists too: the keys of a list are its indexes, and null stands for
// what was left out before the last one asked for. nil takes everything.
type projection struct{ paths [][]string }

// parseFields reads field lists; each item may itself be a list separated by commas. Without any field it is nil.
func parseFields(values []string) (*projection, error) {
	var fields []string
	for _, f := range splitAll(values) {
		if f = strings.TrimSpace(f); f != "" && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	if len(fields) == 0 {
		return nil, nil
	}
	if len(fields) > maxFields {
		return nil, apierror.Inputf("Too many fields, at most %d are allowed", maxFields)
	}
	p := &projection{}
	for _, f := range fields {
		if strings.Contains(f, "[") {
			return nil, apierror.Inputf("Invalid field \"%s\", array type fields are not supported", f)
		}
		p.paths = append(p.paths, strings.Split(f, "."))
	}
	return p, nil
}

// maxFields keeps one request from asking for more than an entity can hold.
const maxFields = 500

// projector applies a projection to one entity after the other. Not for concurrent use.
type projector struct {
	*projection
	root source
	out  picked
	keys []step // of the path being resolved
}

// step leads from a value into its inside.
type step struct {
	key  string
	list bool // the value is a list
}

func (p *projection) projector() *projector { return &projector{projection: p} }

// append appends the projected entity to dst.
func (p *projector) append(dst, entity []byte) []byte {
	p.root.reset(entity)
	p.out.reset()
	for _, path := range p.paths {
		p.pick(path)
	}
	return p.out.append(dst)
}

// pick resolves a path: a part that is no key here is joined to the next one.
func (p *projector) pick(path []string) {
	p.keys = p.keys[:0]
	at, key := &p.root, ""
	for i, part := range path {
		if key += part; i == len(path)-1 {
			if found := at.member(key); found != nil {
				p.out.set(append(p.keys, step{key, at.list()}), found.raw)
			}
			return
		}
		if next := at.member(key); next != nil {
			p.keys = append(p.keys, step{key, at.list()})
			at, key = next, ""
		} else {
			key += "."
		}
	}
}

// source is a value of the entity; its members are read when they are first asked for.
type source struct {
	raw     []byte
	opened  bool
	members []index.Member
	inside  []source // parallel to members
}

func (s *source) reset(raw []byte) { s.raw, s.opened = raw, false }

func (s *source) list() bool { return len(s.raw) > 0 && s.raw[0] == '[' }

func (s *source) member(key string) *source {
	if !s.opened {
		s.opened = true
		read := index.Members
		if s.list() {
			read = index.Elements
		}
		s.members = read(s.members[:0], s.raw)
		s.inside = slices.Grow(s.inside[:0], len(s.members))[:len(s.members)]
		for i := range s.inside {
			s.inside[i].reset(s.members[i].Raw)
		}
	}
	for i := range s.members {
		if s.members[i].Key == key {
			return &s.inside[i]
		}
	}
	return nil
}

// picked is a node of the result: a value taken whole, or an object or list of what was picked below.
type picked struct {
	key      string
	list     bool
	raw      []byte
	children []picked
}

func (n *picked) reset() { n.raw, n.list, n.children = nil, false, n.children[:0] }

// set puts a value at the path keys. Below a value that was taken whole there is nothing to add.
func (n *picked) set(keys []step, raw []byte) {
	for _, k := range keys {
		if n.raw != nil {
			return
		}
		n.list = k.list
		n = n.child(k.key)
	}
	n.raw = raw
}

func (n *picked) child(key string) *picked {
	for i := range n.children {
		if n.children[i].key == key {
			return &n.children[i]
		}
	}
	if len(n.children) < cap(n.children) {
		n.children = n.children[:len(n.children)+1] // with the room of an earlier entity's children
	} else {
		n.children = append(n.children, picked{})
	}
	c := &n.children[len(n.children)-1]
	c.key = key
	c.reset()
	return c
}

func (n *picked) append(dst []byte) []byte {
	if n.raw != nil {
		return append(dst, n.raw...)
	}
	if n.list {
		return n.appendList(dst)
	}
	dst = append(dst, '{')
	for i := range n.children {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, n.children[i].key)
		dst = append(dst, ':')
		dst = n.children[i].append(dst)
	}
	return append(dst, '}')
}

func (n *picked) appendList(dst []byte) []byte {
	slices.SortFunc(n.children, func(a, b picked) int {
		return cmp.Or(len(a.key)-len(b.key), strings.Compare(a.key, b.key)) // indexes, so this is their order
	})
	last, _ := strconv.Atoi(n.children[len(n.children)-1].key)
	dst = append(dst, '[')
	for i, next := 0, 0; i <= last; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		if child := &n.children[next]; child.key == strconv.Itoa(i) {
			dst = child.append(dst)
			next++
		} else {
			dst = append(dst, "null"...)
		}
	}
	return append(dst, ']')
}

// appendText appends a JSON string.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(dst, jsonText(s)...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
