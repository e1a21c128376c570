package spec

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// index gathers operations by group while a document is read.
type index struct {
	doc     *Document
	groups  map[string]int // by name
	ids     map[string]int // how often an id was asked for
	refused int
}

func newIndex(format string) *index {
	return &index{doc: &Document{Format: format, operations: map[string]found{}}, groups: map[string]int{}, ids: map[string]int{}}
}

// group is the group of that name, made when there is none. When there are too many it is the last one.
func (x *index) group(name string) *Group {
	name = short(name)
	if i, ok := x.groups[name]; ok {
		return &x.doc.Groups[i]
	}
	if len(x.doc.Groups) >= mostGroups {
		return &x.doc.Groups[mostGroups-1]
	}
	x.groups[name] = len(x.doc.Groups)
	x.doc.Groups = append(x.doc.Groups, Group{ID: x.unique("group-" + name), Name: name})
	return &x.doc.Groups[len(x.doc.Groups)-1]
}

// add puts an operation into a group. wanted is what its id is made of.
func (x *index) add(group, wanted string, s Summary, load func(*Operation)) {
	if len(x.doc.operations) >= mostOperations {
		x.refused++
		return
	}
	g := x.group(group)
	s.ID = x.unique(wanted)
	s.Path, s.Title = short(s.Path), short(firstLine(s.Title))
	g.Operations = append(g.Operations, &s)
	x.doc.operations[s.ID] = found{&s, g.Name, load}
}

// unique makes an id of letters, digits and -_. that no other operation or group has. The second of a name gets "-2".
func (x *index) unique(wanted string) string {
	id := slug(wanted)
	for {
		x.ids[id]++
		n := x.ids[id]
		if n == 1 {
			return id
		}
		if next := id + "-" + strconv.Itoa(n); x.ids[next] == 0 {
			x.ids[next]++
			return next
		}
	}
}

// slug makes a text fit for a path and for an anchor.
func slug(text string) string {
	var b strings.Builder
	dash := false
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		default:
			dash = true
		}
		if b.Len() >= 120 {
			break
		}
	}
	if id := strings.Trim(b.String(), ".-"); id != "" {
		return id
	}
	return "unnamed"
}

// done drops empty groups and answers the document.
func (x *index) done() *Document {
	kept := x.doc.Groups[:0]
	for _, g := range x.doc.Groups {
		if len(g.Operations)+len(g.Schemas) > 0 {
			kept = append(kept, g)
		}
	}
	x.doc.Groups = kept
	if x.refused > 0 {
		x.notef("%d operations are not shown: %d are the most", x.refused, mostOperations)
	}
	return x.doc
}

// beyond tells of members of a list of operations that are not looked at.
func (x *index) beyond(name string, n int) {
	if n > mostOperations {
		x.notef("%d of the %s are not shown: %d are the most", n-mostOperations, name, mostOperations)
	}
}

func (x *index) notef(format string, args ...any) {
	x.doc.Notes = noted(x.doc.Notes, format, args...)
}

// noted adds a note unless there are enough.
func noted(notes []string, format string, args ...any) []string {
	switch {
	case len(notes) < mostNotes:
		return append(notes, cut(fmt.Sprintf(format, args...), 500))
	case len(notes) == mostNotes:
		return append(notes, "There is more that is not shown")
	default:
		return notes
	}
}

// cut is the text with at most that many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}

func short(text string) string { return cut(text, mostName) }
func long(text string) string  { return cut(text, mostText) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}
