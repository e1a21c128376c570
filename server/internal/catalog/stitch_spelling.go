package catalog

import (
	"bytes"
	"strings"
)

// spellings finds documents that may have two searchable keys that differ only in case, which [index.RowsOf] then tells
// for certain. Searchable keys are paths of member names, and of texts in arrays, joined by dots: without two spellings of
// one word between dots there cannot be two of a key. Not for concurrent use.
type spellings struct {
	words map[string]string // as written, by lower case
}

// The words that the index uses itself.
var indexWords = [...]string{"relations", "metadata", "uid", "name", "namespace"}

// maxPlainDepth is where a document is left to the index, which bounds its depth.
const maxPlainDepth = 64

// doubtful is true when the document must be looked at closely. It must be canonical JSON.
func (s *spellings) doubtful(document []byte) bool {
	clear(s.words)
	for _, w := range indexWords {
		s.words[w] = w
	}
	var arrays [maxPlainDepth + 1]bool // by depth
	depth := 0
	for at := 0; at < len(document); at++ {
		switch document[at] {
		case '{', '[':
			if depth++; depth > maxPlainDepth {
				return true
			}
			arrays[depth] = document[at] == '['
		case '}', ']':
			if depth--; depth < 0 {
				return true
			}
		case '"':
			end := endOfString(document, at)
			isKey := end < len(document) && document[end] == ':'
			isType := !isKey && bytes.HasSuffix(document[:at], []byte(`"type":`)) // of a relation, or of anything else
			if (isKey || isType || arrays[depth]) && s.ambiguous(document[at+1:end-1]) {
				return true
			}
			at = end - 1
		}
	}
	return depth != 0
}

// ambiguous adds the words of a text and tells whether one of them was there in another spelling.
func (s *spellings) ambiguous(text []byte) bool {
	if bytes.IndexByte(text, '\\') >= 0 {
		return true // its text is another one
	}
	for {
		word, rest, more := bytes.Cut(text, []byte{'.'})
		if known, ok := s.words[string(word)]; !ok || known != string(word) {
			if w := string(word); s.add(w) {
				return true
			}
		}
		if !more {
			return false
		}
		text = rest
	}
}

func (s *spellings) add(word string) bool {
	lower := strings.ToLower(word)
	known, ok := s.words[lower]
	if !ok {
		s.words[lower] = word
	}
	return ok && known != word
}
