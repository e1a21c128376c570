package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/excerpt"
)

// MarshalJSON implements [json.Marshaler]; it refuses a frame that is not valid.
func (f *Frame) MarshalJSON() ([]byte, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	return f.encode(), nil
}

// UnmarshalJSON implements [json.Unmarshaler] as [Decode] does.
func (f *Frame) UnmarshalJSON(data []byte) error {
	decoded, err := Decode(data)
	if err != nil {
		return err
	}
	*f = *decoded
	return nil
}

// Decode reads the JSON form of a frame, which may come from anywhere: the result is valid. Members that this version
// does not know are ignored.
func Decode(data []byte) (*Frame, error) {
	switch {
	case len(data) > MaxEncoded:
		return nil, fmt.Errorf("frame: %d bytes, at most %d are allowed", len(data), MaxEncoded)
	case !utf8.Valid(data):
		return nil, errors.New("frame: not valid UTF-8")
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("frame: %w", err)
	}
	if len(doc.Columns) > MaxColumns {
		return nil, fmt.Errorf("frame %q: %d columns, at most %d are allowed", excerpt.Short(doc.Name), len(doc.Columns), MaxColumns)
	}
	f := &Frame{Name: doc.Name, Columns: make([]*Column, len(doc.Columns))}
	for i := range doc.Columns {
		c, err := doc.Columns[i].column()
		if err != nil {
			return nil, fmt.Errorf("frame %q: column %q: %w", excerpt.Short(doc.Name), excerpt.Short(doc.Columns[i].Name), err)
		}
		f.Columns[i] = c
	}
	return f, f.Validate()
}

type document struct {
	Name    string           `json:"name"`
	Columns []documentColumn `json:"columns"`
}

type documentColumn struct {
	Name     string          `json:"name"`
	Label    string          `json:"label,omitempty"`
	Type     Type            `json:"type"`
	Unit     string          `json:"unit,omitempty"`
	Decimals *int            `json:"decimals,omitempty"`
	Options  []string        `json:"options,omitempty"`
	Values   json.RawMessage `json:"values"`
	Links    []string        `json:"links,omitempty"`

	Thresholds []Threshold `json:"thresholds,omitempty"`
}

func (d *documentColumn) column() (*Column, error) {
	c := &Column{Name: d.Name, Label: d.Label, Type: d.Type, Unit: d.Unit, Decimals: d.Decimals, Options: d.Options, Links: d.Links, Thresholds: d.Thresholds}
	if len(c.Links) == 0 {
		c.Links = nil
	}
	var err error
	switch d.Type {
	case Number:
		c.Values, err = values(d.Values, func(n float64) (any, error) { return n, nil })
	case Bool:
		c.Values, err = values(d.Values, func(b bool) (any, error) { return b, nil })
	case Time:
		c.Values, err = values(d.Values, timeOf)
	case Duration:
		c.Values, err = values(d.Values, durationOf)
	case String, Enum, EntityRef, URL:
		c.Values, err = values(d.Values, func(s string) (any, error) { return s, nil })
	default:
		return nil, fmt.Errorf("unknown type %q", excerpt.Short(string(d.Type)))
	}
	return c, err
}

// values decodes an array in which null means that there is no value.
func values[T any](data json.RawMessage, convert func(T) (any, error)) ([]any, error) {
	if len(data) == 0 {
		return []any{}, nil
	}
	var raw []*T
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	out := make([]any, len(raw))
	for i, v := range raw {
		if v == nil {
			continue
		}
		x, err := convert(*v)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		out[i] = x
	}
	return out, nil
}

func timeOf(ms float64) (any, error) {
	// Beyond these bounds time.UnixMilli would wrap around, to a time that Validate accepts.
	if ms < float64(earliest.UnixMilli()) || ms > float64(latest.UnixMilli()) {
		return nil, errors.New("a time must be in the years 1 to 9999")
	}
	return time.UnixMilli(int64(ms)).UTC(), nil
}

func durationOf(ms float64) (any, error) {
	if ms < 0 || ms > float64(math.MaxInt64/int64(time.Millisecond)) {
		return nil, errors.New("a duration must be 0 to 292 years")
	}
	return whole(time.Duration(math.Round(ms * float64(time.Millisecond)))), nil
}

// encode writes a valid frame.
func (f *Frame) encode() []byte {
	doc := document{Name: f.Name, Columns: make([]documentColumn, len(f.Columns))}
	for i, c := range f.Columns {
		doc.Columns[i] = documentColumn{
			Name: c.Name, Label: c.Label, Type: c.Type, Unit: c.Unit, Decimals: c.Decimals, Options: c.Options,
			Values: encodeJSON(c.wire()), Links: c.Links, Thresholds: c.Thresholds,
		}
	}
	return encodeJSON(doc)
}

// wire gives values their JSON form.
func (c *Column) wire() []any {
	if c.Type != Time && c.Type != Duration {
		return append([]any{}, c.Values...)
	}
	out := make([]any, len(c.Values))
	for i, v := range c.Values {
		switch v := v.(type) {
		case time.Time:
			out[i] = v.UnixMilli()
		case time.Duration:
			out[i] = float64(whole(v)) / float64(time.Millisecond)
		}
	}
	return out
}

// encodeJSON leaves < > & as they are: the receiver escapes for whatever it renders into.
func encodeJSON(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("frame: a valid frame cannot fail to encode: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

var (
	_ json.Marshaler   = (*Frame)(nil)
	_ json.Unmarshaler = (*Frame)(nil)
)
