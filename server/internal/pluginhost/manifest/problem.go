package manifest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Error is one rule that a manifest breaks, and where.
type Error struct {
	// Plugin is "" while the manifest's id is not known.
	Plugin ID
	File   string
	// Line counts from 1; 0 = the whole file is meant.
	Line int
	// Path is the field, such as "needs.egress[0]".
	Path string
	// Rule says what is wrong and what would be right.
	Rule string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line))
	}
	if e.Plugin != "" {
		b.WriteString(": plugin " + string(e.Plugin))
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	return b.String() + ": " + e.Rule
}

// Errors are all the rules that one manifest breaks, in the order of lines.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the first of them.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	return e
}
