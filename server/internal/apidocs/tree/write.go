package tree

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Compact is the value as JSON without blanks.
func (v *Value) Compact() string {
	w := &writer{}
	w.value(v, 0)
	return w.String()
}

// Indented is the value as JSON for people, cut at most bytes; whole tells whether it was not.
func (v *Value) Indented(most int) (text string, whole bool) {
	w := &writer{indent: true, most: most}
	w.value(v, 0)
	if w.Len() > most {
		return strings.ToValidUTF8(w.String()[:most], ""), false
	}
	return w.String(), true
}

// Closed is the document as compact JSON from which no reference leads out: a viewer that follows references in a
// browser does so with the rights of whoever looks. Such a reference is kept in a description.
func (v *Value) Closed() string {
	w := &writer{closed: true}
	w.value(v, 0)
	return w.String()
}

type writer struct {
	bytes.Buffer

	indent, closed bool
	most           int // bytes after which nothing more is written; 0 = no bound
}

func (w *writer) value(v *Value, depth int) {
	switch v.Kind() {
	case Missing, Null:
		w.WriteString("null")
	case Bool, Number:
		w.WriteString(v.text)
	case String:
		w.text(v.text)
	case List:
		w.list(v, depth)
	case Object:
		w.object(v, depth)
	}
}

func (w *writer) list(v *Value, depth int) {
	w.WriteByte('[')
	for i, x := range v.Items() {
		if w.full() {
			return
		}
		w.next(i, depth+1)
		w.value(x, depth+1)
	}
	w.end(']', v, depth)
}

func (w *writer) object(v *Value, depth int) {
	w.WriteByte('{')
	i := 0
	for k, x := range v.Members() {
		if w.full() {
			return
		}
		if ref := x.Text(); w.closed && k == "$ref" && ref != "" && !strings.HasPrefix(ref, "#") {
			k, x = "description", &Value{kind: String, text: "Not part of this document: " + ref}
			if v.Get("description") != nil {
				k = "x-not-part-of-this-document"
			}
		}
		w.next(i, depth+1)
		w.text(k)
		w.WriteByte(':')
		if w.indent {
			w.WriteByte(' ')
		}
		w.value(x, depth+1)
		i++
	}
	w.end('}', v, depth)
}

func (w *writer) full() bool { return w.most > 0 && w.Len() > w.most }

func (w *writer) next(i, depth int) {
	if i > 0 {
		w.WriteByte(',')
	}
	w.line(depth)
}

func (w *writer) end(bracket byte, v *Value, depth int) {
	if v.Len() > 0 {
		w.line(depth)
	}
	w.WriteByte(bracket)
}

func (w *writer) line(depth int) {
	if w.indent {
		w.WriteByte('\n')
		for range depth {
			w.WriteString("  ")
		}
	}
}

func (w *writer) text(s string) {
	enc := json.NewEncoder(&w.Buffer)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) == nil {
		w.Truncate(w.Len() - 1) // the encoder's newline
	}
}
