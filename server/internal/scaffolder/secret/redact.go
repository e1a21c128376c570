package secret

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

// Mask is what stands in place of a secret.
const Mask = "***"

// Redactor is the second net: it takes secrets out of texts that users see, whatever wrote them. It finds each one as it
// is, in any case, backwards, in base64 (both alphabets, at any place of a longer text, so that Basic credentials are
// found too), in hex, and as URLs, JSON, HTML, Go and shells write it; each line of a secret of several lines; and all of
// these with any blanks and line breaks within, and quoted any number of times. It does not find parts of a secret, or what is encrypted or compressed.
//
// It is one pass over the text, however many secrets there are. Safe for concurrent use.
type Redactor struct {
	mu       sync.RWMutex
	patterns map[string]bool
	machine  *automaton // nil = to be built
}

// NewRedactor knows values.
func NewRedactor(values ...Value) *Redactor {
	r := &Redactor{patterns: map[string]bool{}}
	r.Add(values...)
	return r
}

// Redactor knows the values of the set.
func (s Set) Redactor() *Redactor {
	r := NewRedactor()
	for _, v := range s {
		r.Add(v)
	}
	return r
}

// Add makes r know further values, such as texts that were made from secrets. Values of one character are not secrets.
func (r *Redactor) Add(values ...Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range values {
		for _, form := range forms(v.text) {
			for _, p := range []string{pattern(form), pattern(unescaped(form))} {
				if len(p) >= minLength && !r.patterns[p] {
					r.patterns[p] = true
					r.machine = nil
				}
			}
		}
	}
}

// pattern is a form as the scanner sees texts.
func pattern(form string) string {
	var b strings.Builder
	for i := range len(form) {
		if !blank(form[i]) {
			b.WriteByte(fold[form[i]])
		}
	}
	return b.String()
}

func (r *Redactor) automaton() *automaton {
	r.mu.RLock()
	machine := r.machine
	r.mu.RUnlock()
	if machine != nil {
		return machine
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machine == nil {
		r.machine = newAutomaton(r.patterns)
	}
	return r.machine
}

// Redact is text with [Mask] in place of each secret.
func (r *Redactor) Redact(text string) string {
	s := scanner{machine: r.automaton()}
	s.feed(text)
	return mask(text, s.found)
}

// RedactJSON redacts every string, key and number within a JSON value, which stays one. What is not JSON is redacted as text.
func (r *Redactor) RedactJSON(value json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var out bytes.Buffer
	if !json.Valid(value) || r.copyJSON(&out, d) != nil { // it bounds the depth as well
		text, _ := json.Marshal(r.Redact(string(value))) // a string always marshals
		return text
	}
	return out.Bytes()
}

// copyJSON copies one value token by token, so that the order of keys stays.
func (r *Redactor) copyJSON(out *bytes.Buffer, d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, isDelim := token.(json.Delim)
	if !isDelim {
		return r.copyScalar(out, token)
	}
	out.WriteString(open.String())
	for first := true; d.More(); first = false {
		if !first {
			out.WriteByte(',')
		}
		if open == '{' {
			if err := r.copyJSON(out, d); err != nil { // the key
				return err
			}
			out.WriteByte(':')
		}
		if err := r.copyJSON(out, d); err != nil {
			return err
		}
	}
	end, err := d.Token()
	if err != nil {
		return err
	}
	out.WriteString(end.(json.Delim).String()) //nolint:forcetypeassert // what follows the last member is its end
	return nil
}

func (r *Redactor) copyScalar(out *bytes.Buffer, token json.Token) error {
	if number, ok := token.(json.Number); ok && r.Redact(number.String()) != number.String() {
		token = Mask
	}
	if text, ok := token.(string); ok {
		token = r.Redact(text)
	}
	data, err := jsvalue.JSON(token)
	out.Write(data)
	return err
}

// span is a piece of text, by offsets.
type span struct{ from, to int }

// mask replaces spans, which are in order and do not overlap.
func mask(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.from])
		b.WriteString(Mask)
		at = s.to
	}
	b.WriteString(text[at:])
	return b.String()
}
