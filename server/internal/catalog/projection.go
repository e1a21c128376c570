package catalog

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/catalog/index"
)

// projection picks parts of serialised entities: dotted paths, resolved against the keys that are really there, so that
// keys with dots work. The result keeps its nesting; arrays are taken whole and have no inside. nil takes everything.
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
	keys []string // of the path being resolved
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
				p.out.set(append(p.keys, key), found.raw)
			}
			return
		}
		if next := at.member(key); next != nil {
			p.keys = append(p.keys, key)
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

func (s *source) member(key string) *source {
	if !s.opened {
		s.opened = true
		s.members = index.Members(s.members[:0], s.raw)
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

// picked is a node of the result: a value taken whole, or an object of what was picked below.
type picked struct {
	key      string
	raw      []byte
	children []picked
}

func (n *picked) reset() { n.raw, n.children = nil, n.children[:0] }

// set puts a value at the path keys. Below a value that was taken whole there is nothing to add.
func (n *picked) set(keys []string, raw []byte) {
	for _, key := range keys {
		if n.raw != nil {
			return
		}
		n = n.child(key)
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

// appendText appends a JSON string.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(dst, jsonText(s)...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
