// Package frame is the data of widgets: a named table whose columns have a type, a unit and values. Plugins make frames,
// the host draws them. A frame is data and nothing else: no markup, no styles, links to http and https only.
//
//	f := frame.New("issues",
//		frame.Strings("title", "Login fails", "Cart is slow").Link("https://…/1", "https://…/2"),
//		frame.Numbers("events", 120, 7),
//		frame.Times("last seen", t1, t2),
//	)
//
// [Frame.MarshalJSON] and [Decode] are the JSON form, which PROTOCOL.md describes. Both refuse a frame that [Frame.Validate]
// refuses, so that what was decoded can be drawn without further checks.
package frame

import (
	"fmt"
	"iter"
	"time"
)

// What a frame may hold. The host refuses more; a plugin learns it before sending.
const (
	MaxColumns = 64
	MaxRows    = 100_000
	MaxCells   = 1_000_000
	MaxText    = 16 << 10 // bytes of one text value or link
	MaxName    = 100      // bytes of a name, label or unit
	MaxOptions = 200      // values of an enum
	MaxEncoded = 8 << 20  // bytes of the JSON form
)

// Frame is a table, stored by columns. All columns are equally long.
type Frame struct {
	// Name tells the frames of one widget apart; the view decides which names it knows. May be empty.
	Name    string
	Columns []*Column
}

// New returns a frame of these columns. Mistakes are found by [Frame.Validate], which the SDK calls before sending.
func New(name string, columns ...*Column) *Frame { return &Frame{Name: name, Columns: columns} }

// Rows is the number of rows: the length of the first column.
func (f *Frame) Rows() int {
	if len(f.Columns) == 0 || f.Columns[0] == nil {
		return 0
	}
	return len(f.Columns[0].Values)
}

// Column finds a column by name; nil = there is none.
func (f *Frame) Column(name string) *Column {
	for _, c := range f.Columns {
		if c != nil && c.Name == name {
			return c
		}
	}
	return nil
}

// Append adds one row: a value for each column, nil for none. It converts Go's number types; anything else that does not
// fit is found by [Frame.Validate].
func (f *Frame) Append(values ...any) *Frame {
	for i, c := range f.Columns {
		var v any
		if i < len(values) {
			v = values[i]
		}
		c.Values = append(c.Values, normal(v))
	}
	return f
}

// Slice is the frame of the rows [from, to), sharing the values.
func (f *Frame) Slice(from, to int) *Frame {
	part := &Frame{Name: f.Name, Columns: make([]*Column, len(f.Columns))}
	for i, c := range f.Columns {
		cut := *c
		cut.Values = c.Values[from:to:to]
		if c.Links != nil {
			cut.Links = c.Links[from:to:to]
		}
		part.Columns[i] = &cut
	}
	return part
}

// Join adds the rows of the next part of a frame that was sent in several. The parts must have the same columns.
func (f *Frame) Join(next *Frame) error {
	if next.Name != f.Name || len(next.Columns) != len(f.Columns) {
		return fmt.Errorf("join frame %q: the next part has another name or other columns", f.Name)
	}
	for i, c := range f.Columns {
		if n := next.Columns[i]; n.Name != c.Name || n.Type != c.Type || (n.Links == nil) != (c.Links == nil) {
			return fmt.Errorf("join frame %q: column %q is another one in the next part", f.Name, c.Name)
		}
	}
	if rows := f.Rows() + next.Rows(); rows > MaxRows || rows*len(f.Columns) > MaxCells {
		return fmt.Errorf("join frame %q: more than %d rows or %d cells", f.Name, MaxRows, MaxCells)
	}
	for i, c := range f.Columns {
		c.Values = append(c.Values, next.Columns[i].Values...)
		c.Links = append(c.Links, next.Columns[i].Links...)
	}
	return nil
}

// Parts encodes the frame as JSON texts of at most limit bytes each, split by rows, which a receiver joins again with
// [Frame.Join]. A single row that is longer than limit is an error.
func (f *Frame) Parts(limit int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := f.Validate(); err != nil {
			yield(nil, err)
			return
		}
		text := f.encode()
		if len(text) > MaxEncoded {
			yield(nil, fmt.Errorf("frame %q: %d bytes as JSON, at most %d are allowed; answer fewer points or shorter texts", f.Name, len(text), MaxEncoded))
			return
		}
		f.parts(text, limit, yield)
	}
}

// parts halves the rows until each half fits: no estimate can be wrong, and only frames that are too long pay for it.
func (f *Frame) parts(text []byte, limit int, yield func([]byte, error) bool) bool {
	if len(text) <= limit {
		return yield(text, nil)
	}
	rows := f.Rows()
	if rows <= 1 {
		yield(nil, fmt.Errorf("frame %q: a row takes %d bytes as JSON, at most %d can be sent; shorten its texts", f.Name, len(text), limit))
		return false
	}
	first, second := f.Slice(0, rows/2), f.Slice(rows/2, rows)
	return first.parts(first.encode(), limit, yield) && second.parts(second.encode(), limit, yield)
}

// normal gives a value the Go type in which columns hold it.
func normal(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	case uint:
		return float64(v)
	case uint32:
		return float64(v)
	case uint64:
		return float64(v)
	case float32:
		return float64(v)
	case time.Time:
		return v.UTC().Truncate(time.Millisecond)
	case time.Duration:
		return whole(v)
	}
	return v
}

// whole drops parts of a millisecond from durations of 13 days and more, which a float64 of milliseconds cannot hold
// without changing them a little each time.
func whole(d time.Duration) time.Duration {
	if d >= 1<<50 {
		return d.Truncate(time.Millisecond)
	}
	return d
}
