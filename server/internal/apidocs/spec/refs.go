package spec

import (
	"iter"
	"strings"

	"github.com/callboard/callboard/server/internal/apidocs/tree"
)

// place is a value of a document with the way to it.
type place struct {
	v  *tree.Value
	at tree.Pointer
}

func (p place) to(keys ...string) place {
	v := p.v
	for _, k := range keys {
		v = v.Get(k)
	}
	return place{v, p.at.To(keys...)}
}

// items are at most that many items of the list p.
func (p place) items(most int) []place {
	var out []place
	for i, v := range p.v.Items() {
		if i == most {
			break
		}
		out = append(out, place{v, p.at.Item(i)})
	}
	return out
}

// members are at most that many members of the object p, with their names.
func (p place) members(most int) iter.Seq2[string, place] {
	return func(yield func(string, place) bool) {
		n := 0
		for k, v := range p.v.Members() {
			if n++; n > most || !yield(k, place{v, p.at.To(k)}) {
				return
			}
		}
	}
}

// refs follows references within a document.
type refs struct{ root *tree.Value }

// mostHops bounds a chain of references; a circle is longer.
const mostHops = 16

// follow goes where the references of p lead. away is a reference that leads out of the document, or to nothing.
func (r refs) follow(p place) (end place, away string) {
	for range mostHops {
		ref := p.v.Get("$ref").Text()
		if ref == "" {
			return p, ""
		}
		at, local := tree.Local(ref)
		if !local {
			return place{}, ref
		}
		v := r.root.Find(at)
		if v == nil {
			return place{}, ref
		}
		p = place{v, at}
	}
	return place{}, p.v.Get("$ref").Text()
}

// named is the name of what a pointer leads to when it is one of the document's named parts, else "".
func named(at tree.Pointer) string {
	keys := at.Keys()
	switch {
	case len(keys) == 3 && keys[0] == "components", len(keys) == 2 && keys[0] == "definitions", len(keys) == 2 && keys[0] == "parameters":
		return short(keys[len(keys)-1])
	default:
		return ""
	}
}

// refName is what a reference that leads out of the document is called.
func refName(ref string) string {
	name := ref[strings.LastIndexAny(ref, "/#")+1:]
	if name == "" {
		name = ref
	}
	return short(name)
}
