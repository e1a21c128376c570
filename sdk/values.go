package sdk

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Secret is a text that does not print itself: fmt, slog and encoding/json show "[secret]". Use it for tokens and
// passwords in settings; its schema carries "x-secret".
type Secret string

const hidden = "[secret]"

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String implements [fmt.Stringer].
func (s Secret) String() string { return hidden }

// GoString implements [fmt.GoStringer].
func (s Secret) GoString() string { return hidden }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON implements [json.Marshaler].
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// Format implements [fmt.Formatter], for the verbs that would otherwise reach the text, such as %x.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// Duration is a length of time that people write as "90s", "10m" or "1h30m".
type Duration time.Duration

const durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`

// Std is the duration as the standard library's.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String implements [fmt.Stringer].
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	*d = Duration(v)
	return nil
}

const inputName = apierror.Input

func typeName(v any) string { return fmt.Sprintf("%T", v) }

// must is for what cannot fail by construction.
func must[T any](v T, err error) T {
	if err != nil {
		panic("callboard sdk: " + err.Error())
	}
	return v
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

var (
	_ json.Marshaler = Secret("")
	_ slog.LogValuer = Secret("")
	_ fmt.Formatter  = Secret("")
)
