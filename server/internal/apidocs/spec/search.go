package spec

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// SearchBytes is what a search index has at most.
const SearchBytes = 100_000

// SearchIndex is what a browser searches in, as compact JSON: all operations and, of documents that list them, all types. Neighbours share the beginnings of their ids and paths, so
// of both only the end is written after the number of characters (UTF-16 units, as JavaScript counts) that are as in the
// row before. Too large an index loses the ends of titles, then rows; then it is not complete.
type SearchIndex struct {
	Version  int      `json:"version"`
	Complete bool     `json:"complete"`
	Groups   []string `json:"groups"`
	// Rows are [shared of id, rest of id, verb, shared of path, rest of path, title, number of the group]. The verb "type" is
	// that of rows whose id is a schema's.
	Rows []json.RawMessage `json:"operations"`
}

// titleLengths are tried in turn until an index fits.
var titleLengths = []int{120, 60, 40, 24, 0}

// Search makes the search index.
func (d *Document) Search() []byte {
	var out []byte
	for _, most := range titleLengths {
		index, complete := d.rows(most)
		index.Complete = complete
		if out = plainJSON(index); complete {
			break
		}
	}
	return out
}

// rows makes an index with titles of at most that many bytes; it stops where there is no room.
func (d *Document) rows(title int) (SearchIndex, bool) {
	x := &rowWriter{SearchIndex: SearchIndex{Version: 1, Groups: []string{}, Rows: []json.RawMessage{}}, title: title, size: 100}
	for _, g := range d.Groups {
		name := cut(g.Name, 60)
		x.size += len(jsonText(name)) + 1
		x.Groups = append(x.Groups, name)
		for _, o := range g.Operations {
			if !x.add(o.ID, o.Verb, o.Path, o.Title) {
				return x.SearchIndex, false
			}
		}
		for _, s := range g.Schemas {
			if !x.add(string(s.ID), "type", s.Name, s.Text) {
				return x.SearchIndex, false
			}
		}
	}
	return x.SearchIndex, true
}

// rowWriter writes rows, each after the one before.
type rowWriter struct {
	SearchIndex

	title, size int
	id, path    string
}

// add writes a row of the last group. false = there is no room.
func (x *rowWriter) add(id, verb, path, title string) bool {
	path = cut(path, 300)
	if title = cut(title, x.title); title == "…" {
		title = ""
	}
	sharedID, restID := shared(x.id, id)
	sharedPath, restPath := shared(x.path, path)
	row := plainJSON([]any{sharedID, restID, verb, sharedPath, restPath, title, len(x.Groups) - 1})
	if x.size += len(row) + 1; x.size > SearchBytes {
		return false
	}
	x.id, x.path = id, path
	x.Rows = append(x.Rows, row)
	return true
}

// shared is how many UTF-16 units s begins with that are as in former, and the rest of s.
func shared(former, s string) (units int, rest string) {
	at := 0
	for at < len(s) && at < len(former) {
		r, n := utf8.DecodeRuneInString(s[at:])
		if q, _ := utf8.DecodeRuneInString(former[at:]); q != r {
			break
		}
		at += n
		units += utf16Len(r)
	}
	return units, s[at:]
}

func utf16Len(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// Matching are the operations that hold every word of a search, by group; groups without one are left out.
func (d *Document) Matching(search string) []Group {
	words := strings.Fields(strings.ToLower(cut(search, 200)))
	if len(words) == 0 {
		return d.Groups
	}
	var out []Group
	for _, g := range d.Groups {
		found := Group{ID: g.ID, Name: g.Name}
		for _, o := range g.Operations {
			if holds(o.Verb+" "+o.Path+" "+o.Title+" "+o.ID, words) {
				found.Operations = append(found.Operations, o)
			}
		}
		for _, s := range g.Schemas {
			if holds(s.Name+" "+s.Text, words) {
				found.Schemas = append(found.Schemas, s)
			}
		}
		if len(found.Operations)+len(found.Schemas) > 0 {
			out = append(out, found)
		}
	}
	return out
}

func holds(text string, words []string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
