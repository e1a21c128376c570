package frame

import "time"

// Type is what the values of a column are.
type Type string

// The types, and how a value is held in Go and written in JSON. Any value may be nil (null): there is none.
const (
	Time      Type = "time"      // [time.Time]; milliseconds since 1970
	Number    Type = "number"    // float64
	String    Type = "string"    // string
	Bool      Type = "bool"      // bool
	Enum      Type = "enum"      // string, one of Options
	Duration  Type = "duration"  // [time.Duration], not negative; milliseconds
	EntityRef Type = "entityRef" // string "component:default/shop"
	URL       Type = "url"       // string, absolute, http or https
)

// Column is one column of a frame.
type Column struct {
	// Name is what views and code call it, Label what people read ("" = the name).
	Name, Label string
	Type        Type
	// Unit of numbers, after UCUM: "By", "%", "s", "USD", "1". "" = a plain number.
	Unit string
	// Decimals to show; nil = the host decides.
	Decimals *int
	// Thresholds give numbers a status, in order of their values; none = numbers are just numbers.
	Thresholds []Threshold
	// Options are the values that an enum knows, in the order in which legends show them.
	Options []string
	// Values has one entry for each row, of the Go type of Type, or nil.
	Values []any
	// Links has where a click on the value leads, one for each row, "" = nowhere. Nil = no value has a link.
	Links []string
}

// Numbers is a column of numbers. NaN and infinities are refused when the frame is sent: use [Column.Add] with nil where
// there is no value.
func Numbers[N int | int32 | int64 | uint | uint32 | uint64 | float32 | float64](name string, values ...N) *Column {
	return column(name, Number, values)
}

// Times is a column of points in time, of milliseconds.
func Times(name string, values ...time.Time) *Column { return column(name, Time, values) }

// Durations is a column of lengths of time, of milliseconds.
func Durations(name string, values ...time.Duration) *Column { return column(name, Duration, values) }

// Strings is a column of texts.
func Strings(name string, values ...string) *Column { return column(name, String, values) }

// Bools is a column of yes and no.
func Bools(name string, values ...bool) *Column { return column(name, Bool, values) }

// EntityRefs is a column of entities, as "component:default/shop"; the host links them to their pages.
func EntityRefs(name string, values ...string) *Column { return column(name, EntityRef, values) }

// URLs is a column of addresses.
func URLs(name string, values ...string) *Column { return column(name, URL, values) }

// Enums is a column of values out of a few.
func Enums(name string, options []string, values ...string) *Column {
	c := column(name, Enum, values)
	c.Options = options
	return c
}

func column[T any](name string, t Type, values []T) *Column {
	c := &Column{Name: name, Type: t, Values: make([]any, len(values))}
	for i, v := range values {
		c.Values[i] = normal(v)
	}
	return c
}

// Add appends values; nil = there is none in that row.
func (c *Column) Add(values ...any) *Column {
	for _, v := range values {
		c.Values = append(c.Values, normal(v))
	}
	return c
}

// Labeled sets the text that people read.
func (c *Column) Labeled(label string) *Column {
	c.Label = label
	return c
}

// In sets the unit.
func (c *Column) In(unit string) *Column {
	c.Unit = unit
	return c
}

// Round sets the number of decimals to show.
func (c *Column) Round(decimals int) *Column {
	c.Decimals = &decimals
	return c
}

// Link sets where clicks on the values lead, one link for each row.
func (c *Column) Link(links ...string) *Column {
	c.Links = links
	return c
}
