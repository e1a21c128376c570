package spec

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// SearchBytes is what a search index has at most.
const SearchBytes = 100_000

// SearchIndex is what a browser searches in, as compact JSON. Neighbours share the beginnings of their ids and paths, so
// of both only the end is written after the number of characters (UTF-16 units, as JavaScript counts) that are as in the
// row before. Too large an index loses the ends of titles, then rows; then it is not complete.
type SearchIndex struct {
	Version  int      `json:"version"`
	Complete bool     `json:"complete"`
	Groups   []string `json:"groups"`
	// Rows are [shared of id, rest of id, verb, shared of path, rest of path, title, number of the group].
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
	x := SearchIndex{Version: 1, Groups: []string{}, Rows: []json.RawMessage{}}
	size := 100
	var id, path string
	for n, g := range d.Groups {
		name := cut(g.Name, 60)
		size += len(jsonText(name)) + 1
		if size > SearchBytes {
			return x, false
		}
		x.Groups = append(x.Groups, name)
		for _, o := range g.Operations {
			p := cut(o.Path, 300)
			row := searchRow(id, path, o, p, cut(o.Title, title), n)
			if size += len(row) + 1; size > SearchBytes {
				return x, false
			}
			id, path = o.ID, p
			x.Rows = append(x.Rows, row)
		}
	}
	return x, true
}

func searchRow(id, path string, o *Summary, p, title string, group int) json.RawMessage {
	if title == "…" {
		title = ""
	}
	sharedID, restID := shared(id, o.ID)
	sharedPath, restPath := shared(path, p)
	return plainJSON([]any{sharedID, restID, o.Verb, sharedPath, restPath, title, group})
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
