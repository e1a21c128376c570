package cataloginfo

import (
	"bytes"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/entity"
)

// Document is one YAML document of a file.
type Document struct {
	// Value is the document in JSON form: map[string]any, []any, string, bool, float64 or nil. Nothing in it is shared.
	Value any
	// Entity is Value when it is an object, else nil.
	Entity entity.Entity
	// Index counts the documents of the file from 0, empty ones included.
	Index int
	// Line is where the document begins, from 1.
	Line int

	root   *node
	source *source
}

// Read yields the entities of a file in order and, in the place of each document that is not one, a [*ReadError].
// Empty documents are passed over. The rest of the file is read after an error, unless it is the file that is refused.
// location is the "type:target" that errors name.
func Read(data []byte, location string, limits Limits) iter.Seq2[*Document, error] {
	return func(yield func(*Document, error) bool) {
		src := &source{location: location, data: data, limits: limits}
		for doc, err := range src.documents() {
			switch {
			case err != nil:
				doc = nil
			case doc.Value == nil:
				continue
			case doc.Entity == nil:
				doc, err = nil, src.notAnObject(doc)
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}

// ReadValues yields every document whatever its shape, empty ones with a nil Value, as placeholders need them.
func ReadValues(data []byte, location string, limits Limits) iter.Seq2[*Document, error] {
	return (&source{location: location, data: data, limits: limits}).documents()
}

func (s *source) notAnObject(doc *Document) error {
	kind := "object"
	switch doc.Value.(type) {
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case float64:
		kind = "number"
	}
	msg := "Expected object at root, got " + kind
	return &ReadError{Location: s.location, Line: doc.Line, Column: 1, Rule: "root", Message: msg, text: msg}
}

func (s *source) documents() iter.Seq2[*Document, error] {
	return func(yield func(*Document, error) bool) {
		if err := s.prepare(); err != nil {
			yield(nil, err)
			return
		}
		chunks := splitDocuments(s.data)
		if exceeds(len(chunks), s.limits.Documents) {
			yield(nil, s.fileError("documents", "the file holds %d documents, the limit is %d", len(chunks), s.limits.Documents))
			return
		}
		for i, c := range chunks {
			doc, err := s.document(i, c)
			if err != nil {
				if !yield(nil, err) {
					return
				}
				continue
			}
			if !yield(doc, nil) {
				return
			}
		}
	}
}

// prepare checks what concerns the file as a whole.
func (s *source) prepare() *ReadError {
	if exceeds(len(s.data), s.limits.FileBytes) {
		return s.fileError("filebytes", "the file has %d bytes, the limit is %d", len(s.data), s.limits.FileBytes)
	}
	if bytes.HasPrefix(s.data, []byte{0xff, 0xfe}) || bytes.HasPrefix(s.data, []byte{0xfe, 0xff}) {
		return s.fileError("encoding", "the file is UTF-16, save it as UTF-8")
	}
	s.data = bytes.TrimPrefix(s.data, []byte("\ufeff"))
	if !utf8.Valid(s.data) {
		s.data = []byte(DecodeUTF8(s.data))
	}
	return nil
}

func (s *source) document(index int, c chunk) (*Document, *ReadError) {
	root, err := s.parse(c)
	if err != nil {
		return nil, err
	}
	doc := &Document{Index: index, Line: c.started, root: root, source: s}
	d := &decoder{source: s, doc: doc}
	if doc.Value, err = d.decode(); err != nil {
		return nil, err
	}
	if m, ok := doc.Value.(map[string]any); ok {
		doc.Entity = m
	}
	return doc, nil
}

// Position is the line and column, from 1, of the value that a JSON pointer names. For a member that does not exist it is
// the place of its nearest ancestor, so that a missing field is shown where it should be; ok tells which.
// It counts lines from the start of the file: meant for messages, not for every value.
func (d *Document) Position(pointer string) (line, column int, ok bool) {
	n, found := d.root, true
	for n != nil && pointer != "" {
		segment, rest, more := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
		child := n.resolved().child(strings.ReplaceAll(strings.ReplaceAll(segment, "~1", "/"), "~0", "~"))
		if child == nil {
			found = false
			break
		}
		if n, pointer = child, ""; more {
			pointer = "/" + rest
		}
	}
	if n == nil {
		return d.Line, 1, false
	}
	line, column = d.source.position(n.offset)
	return line, column, found
}

// child is the member or item of that name; of duplicate names the last counts.
func (n *node) child(name string) *node {
	switch n.kind {
	case listNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.children) {
			return n.children[i]
		}
	case mapNode:
		for i := len(n.children) - 2; i >= 0; i -= 2 {
			if n.children[i].keyText() == name {
				return n.children[i+1]
			}
		}
	}
	return nil
}

// String is for messages: which document of which file.
func (d *Document) String() string { return fmt.Sprintf("document %d at line %d", d.Index+1, d.Line) }
