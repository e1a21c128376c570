// Package secret keeps what must not be seen: values that cannot be printed by accident, a seal for their rest in the
// database, and a redactor as the second net for texts that users see. It knows nothing of tasks.
package secret

import "encoding/json"

// Value is a secret. fmt, slog and encoding/json write three stars for it; Reveal is the only way out.
type Value struct{ text string }

// New makes text a secret.
func New(text string) Value { return Value{text} }

// Reveal is the secret itself, for the one call that needs it.
func (v Value) Reveal() string { return v.text }

// String implements [fmt.Stringer].
func (Value) String() string { return "***" }

// GoString implements [fmt.GoStringer].
func (Value) GoString() string { return "***" }

// MarshalText keeps secrets out of structured logs and of JSON.
func (Value) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Set is secrets by name. It prints without their values.
type Set map[string]Value

// Reveal is the whole set as a JSON object, for the template language and for sealing.
func (s Set) Reveal() json.RawMessage {
	plain := make(map[string]string, len(s))
	for name, v := range s {
		plain[name] = v.Reveal()
	}
	data, _ := json.Marshal(plain) // a map of strings always marshals
	return data
}
