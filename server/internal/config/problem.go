package config

import (
	"errors"
	"sort"
	"strings"
)

// Severity says whether a configuration can be used in spite of a [Problem].
type Severity uint8

// The severities.
const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string { return [...]string{"error", "warning"}[s] }

// Problem is one thing that is wrong with a configuration, and where. It never holds a secret value.
type Problem struct {
	Severity Severity
	At       Position
	// Key is the full dotted key, such as "integrations.github[0].token"; "" when the whole file is meant.
	Key     string
	Message string
}

func (p *Problem) Error() string {
	if p.Key == "" {
		return p.At.String() + ": " + p.Message
	}
	return p.At.String() + ": " + p.Key + ": " + p.Message
}

// joinProblems is all problems as one error, one line each, in the order of files and lines; nil when there are none.
func joinProblems(problems []*Problem) error {
	if len(problems) == 0 {
		return nil
	}
	sorted := sortedProblems(problems)
	errs := make([]error, len(sorted))
	for i, p := range sorted {
		errs[i] = p
	}
	return errors.Join(errs...)
}

func sortedProblems(problems []*Problem) []*Problem {
	sorted := append([]*Problem(nil), problems...)
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		if a.At.File != b.At.File {
			return a.At.File < b.At.File
		}
		if a.At.Line != b.At.Line {
			return a.At.Line < b.At.Line
		}
		return strings.Compare(a.Key, b.Key) < 0
	})
	return sorted
}
