package workflow

import (
	"context"
	"encoding/json"

	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

// Whole texts that were made with secrets are kept out of the log as far as these limits, since the redactor needs some
// hundred times their size. Beyond them it finds the secrets themselves, and their encodings, as everywhere.
const (
	maxTaint  = 16 << 10  // bytes of one text
	maxTaints = 128 << 10 // bytes of all texts that one redactor knows
)

// redactor takes secrets, and what templates made of them, out of what a run tells.
type redactor struct {
	*secret.Redactor

	known []secret.Value
	taken map[string]bool
	size  int
}

func newRedactor(values ...secret.Value) *redactor {
	return &redactor{secret.NewRedactor(values...), values, map[string]bool{}, 0}
}

// taint makes texts known that templates made with secrets.
func (r *redactor) taint(texts []string) {
	for _, t := range texts {
		if r.taken[t] || len(t) > maxTaint || r.size+len(t) > maxTaints {
			continue
		}
		r.taken[t] = true
		r.size += len(t)
		r.known = append(r.known, secret.New(t))
		r.Add(secret.New(t))
	}
}

// render is [templating.Language.Value].
//
// What it makes with secrets is not told. In the lines of the step that is all which the language calls tainted; as in the
// reference that is more than it needs to be, since the members of an object meet by position there, and without a secret
// one may be missing. What later steps and the output of the task do not tell is only what is certain.
func (x *execution) render(ctx context.Context, template json.RawMessage, s templating.Scope) (templating.Result, error) {
	failed := len(x.failures) > 0
	s.Failed = &failed
	result, err := x.Language.Value(ctx, template, s)
	if len(result.Tainted) == 0 {
		return result, err
	}
	x.redactor.taint(different(result.Value, result.Plain))
	if x.lines == x.redactor {
		x.lines = newRedactor(x.redactor.known...)
	}
	x.lines.taint(result.Tainted)
	return result, err
}

// different are the texts in value that plain does not have at their place.
func different(value, plain json.RawMessage) []string {
	var v, p any
	if json.Unmarshal(value, &v) != nil || (len(plain) > 0 && json.Unmarshal(plain, &p) != nil) {
		return nil
	}
	return compare(nil, v, p)
}

func compare(found []string, value, plain any) []string {
	switch v := value.(type) {
	case string:
		if value != plain {
			found = append(found, v)
		}
	case []any:
		other, _ := plain.([]any)
		for i, item := range v {
			var counterpart any
			if i < len(other) {
				counterpart = other[i]
			}
			found = compare(found, item, counterpart)
		}
	case map[string]any:
		other, _ := plain.(map[string]any)
		for key, item := range v {
			found = compare(found, item, other[key])
		}
	}
	return found
}
