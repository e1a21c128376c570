package workflow

import (
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// Whole texts that were made with secrets are kept out of the log as far as these limits, since the redactor needs some
// hundred times their size. Beyond them it finds the secrets themselves, and their encodings, as everywhere.
const (
	maxTaint  = 16 << 10  // bytes of one text
	maxTaints = 128 << 10 // bytes of all texts of a run
)

// redactor takes secrets, and what templates made of them, out of what a run tells. What one step made stays known to the
// later ones, which may have got it as an output.
type redactor struct {
	*secret.Redactor

	known map[string]bool
	size  int
}

func newRedactor(sets ...secret.Set) *redactor {
	r := &redactor{secret.NewRedactor(), map[string]bool{}, 0}
	for _, set := range sets {
		for _, value := range set {
			r.Add(value)
		}
	}
	return r
}

// taint makes texts known that templates made with secrets.
func (r *redactor) taint(texts []string) {
	for _, t := range texts {
		if r.known[t] || len(t) > maxTaint || r.size+len(t) > maxTaints {
			continue
		}
		r.known[t] = true
		r.size += len(t)
		r.Add(secret.New(t))
	}
}
