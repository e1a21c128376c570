package tree

import (
	"net/url"
	"strconv"
	"strings"
)

// Pointer names a value of a document by the way to it, in a form that is one segment of a URL's path and stays readable:
// components.schemas.Pet. In a key, "~" is written "~0", "/" "~1" and "." "~2"; an empty key is "~3".
type Pointer string

// mostPointer bounds a pointer: what is longer is no address that browsers and proxies pass on.
const mostPointer = 4096

var (
	escapeKey   = strings.NewReplacer("~", "~0", "/", "~1", ".", "~2", `\`, "~4")
	unescapeKey = strings.NewReplacer("~0", "~", "~1", "/", "~2", ".", "~3", "", "~4", `\`)
)

// To is the pointer to a member or item inside of what p names.
func (p Pointer) To(keys ...string) Pointer {
	var b strings.Builder
	b.WriteString(string(p))
	for _, key := range keys {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		if key == "" {
			b.WriteString("~3")
		}
		b.WriteString(escapeKey.Replace(key))
	}
	return Pointer(b.String())
}

// Item is the pointer to an item of a list.
func (p Pointer) Item(i int) Pointer { return p.To(strconv.Itoa(i)) }

// Keys are the steps of the way.
func (p Pointer) Keys() []string {
	if p == "" {
		return nil
	}
	keys := strings.Split(string(p), ".")
	for i, k := range keys {
		keys[i] = unescapeKey.Replace(k)
	}
	return keys
}

// Fits reports whether the pointer is short enough for an address.
func (p Pointer) Fits() bool { return p != "" && len(p) <= mostPointer }

// Local reads the reference of a "$ref" into the same document: "#/components/schemas/Pet".
func Local(ref string) (Pointer, bool) {
	rest, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return "", false
	}
	var p Pointer
	for step := range strings.SplitSeq(rest, "/") {
		if plain, err := url.PathUnescape(step); err == nil {
			step = plain
		}
		p = p.To(strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	return p, true
}

// Find follows a pointer, nil when it leads nowhere.
func (v *Value) Find(p Pointer) *Value {
	if len(p) > mostPointer {
		return nil
	}
	for _, key := range p.Keys() {
		if v.Kind() == List {
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(v.items) {
				return nil
			}
			v = &v.items[i]
			continue
		}
		v = v.Get(key)
	}
	return v
}
