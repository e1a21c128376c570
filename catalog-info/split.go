package cataloginfo

import (
	"bytes"
	"strings"
)

// chunk is the text of one document with its directives and markers, and where it begins in the file.
type chunk struct {
	text         []byte
	offset, line int
	// started is the line on which the content begins: that of "---", or the first that is neither blank nor comment.
	started int
}

// splitDocuments cuts a stream at its document markers, so that a syntax error in one document leaves the others readable.
// Markers are lines that begin with "---" or "..." followed by a blank or nothing;
// YAML forbids such lines inside of any value, so no parsing is needed to find them.
func splitDocuments(data []byte) []chunk {
	var chunks []chunk
	cur := chunk{line: 1}
	begin := 0
	finish := func(end, next, nextLine int) {
		if cur.started > 0 {
			cur.text = data[begin:end]
			chunks = append(chunks, cur)
		}
		cur, begin = chunk{offset: next, line: nextLine}, next
	}
	directives := false
	for at, line := 0, 1; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := data[at:end]
		switch {
		case isMarker(text, "---"):
			if cur.started > 0 && !directives {
				finish(at, at, line)
			}
			cur.started, directives = line, false
		case isMarker(text, "..."):
			finish(at, end, line+1)
			directives = false
		case cur.started == 0 && text[0] == '%':
			cur.started, directives = line, true
		case cur.started == 0 && !isBlankOrComment(text):
			cur.started = line
		case directives && !isBlankOrComment(text) && text[0] != '%':
			directives = false
		}
		at = end
	}
	finish(len(data), len(data), 0)
	return chunks
}

func isMarker(line []byte, marker string) bool {
	if len(line) < 3 || string(line[:3]) != marker {
		return false
	}
	return len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0
}

func isBlankOrComment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t\r\n\ufeff")
	return len(line) == 0 || line[0] == '#'
}
