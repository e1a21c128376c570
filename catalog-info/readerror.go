package cataloginfo

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ReadError is why a document, or a whole file, could not be read. It names the place; its text is the reference's
// wherever the reference has one.
type ReadError struct {
	// Location is the "type:target" that was read.
	Location string
	// Line and Column count from 1, columns in characters; 0 = the file as a whole.
	Line, Column int
	// Rule says what was violated: "syntax", "root", "encoding", or the name of the limit in lower case ("depth", …).
	Rule string
	// Message is what is wrong, without the place.
	Message string

	text string
}

// Error is what the reference would report, on several lines for syntax errors.
func (e *ReadError) Error() string { return e.text }

// Place is "file.yaml:3:7", to be clicked on.
func (e *ReadError) Place() string {
	_, target, _ := strings.Cut(e.Location, ":")
	if e.Line == 0 {
		return target
	}
	return fmt.Sprintf("%s:%d:%d", target, e.Line, e.Column)
}

// source is a file's text while it is read.
type source struct {
	location string
	data     []byte
	limits   Limits
}

// fileError concerns the file as a whole.
func (s *source) fileError(rule, format string, args ...any) *ReadError {
	msg := fmt.Sprintf(format, args...)
	return &ReadError{
		Location: s.location, Rule: rule, Message: msg,
		text: fmt.Sprintf("Failed to parse YAML at %s, %s", s.location, msg),
	}
}

// errorAtOffset is an error with the line it is in and a mark below the column.
func (s *source) errorAtOffset(offset int, rule, format string, args ...any) *ReadError {
	msg := fmt.Sprintf(format, args...)
	line, column := s.position(offset)
	return &ReadError{
		Location: s.location, Line: line, Column: column, Rule: rule, Message: msg,
		text: fmt.Sprintf("YAML error at %s, YAMLParseError: %s at line %d, column %d:\n\n%s\n",
			s.location, msg, line, column, s.frame(line, column)),
	}
}

// position is the line and column of an offset, from 1, columns in characters.
func (s *source) position(offset int) (line, column int) {
	before := s.data[:min(offset, len(s.data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}

// frameWidth is the reference's: longer lines are cut around the column.
const frameWidth = 80

// frame shows the line with a mark below the column, and the line before when the mark is at the line's start.
func (s *source) frame(line, column int) string {
	text, col := s.line(line), column-1
	if col >= 60 && len(text) > frameWidth {
		cut := min(col-39, len(text)-(frameWidth-1))
		text = append([]rune("…"), text[cut:]...)
		col -= cut - 1
	}
	shown := shorten(text)
	if line > 1 && strings.Trim(string(text[:min(col, len(text))]), " ") == "" {
		shown = shorten(s.line(line-1)) + "\n" + shown
	}
	return shown + "\n" + strings.Repeat(" ", col) + "^"
}

func shorten(text []rune) string {
	if len(text) > frameWidth {
		return string(text[:frameWidth-1]) + "…"
	}
	return string(text)
}

// line is the text of the nth line.
func (s *source) line(n int) []rune {
	rest := s.data
	for ; n > 1; n-- {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return nil
		}
		rest = rest[i+1:]
	}
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	return []rune(strings.TrimRight(string(rest), "\r"))
}
