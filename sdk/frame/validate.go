package frame

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/excerpt"
)

// columnName keeps names out of the way of JavaScript's own ("__proto__") and of every templating language.
var columnName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 _./-]*$`)

// Points in time that every consumer can show: the years 1 to 9999.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
)

// Validate reports the first thing that is wrong with the frame, naming frame, column and row.
func (f *Frame) Validate() error {
	if err := text(f.Name, MaxName); err != nil {
		return fmt.Errorf("frame %q: name: %w", f.Name, err)
	}
	if err := f.measure(); err != nil {
		return fmt.Errorf("frame %q: %w", f.Name, err)
	}
	seen := make(map[string]bool, len(f.Columns))
	for _, c := range f.Columns {
		if seen[c.Name] {
			return fmt.Errorf("frame %q: there are two columns %q", f.Name, c.Name)
		}
		seen[c.Name] = true
		if err := c.validate(); err != nil {
			return fmt.Errorf("frame %q: column %q: %w", f.Name, c.Name, err)
		}
	}
	return nil
}

func (f *Frame) measure() error {
	rows := f.Rows()
	switch {
	case len(f.Columns) > MaxColumns:
		return fmt.Errorf("%d columns, at most %d are allowed", len(f.Columns), MaxColumns)
	case rows > MaxRows:
		return fmt.Errorf("%d rows, at most %d are allowed; answer fewer points or a coarser range", rows, MaxRows)
	case rows*len(f.Columns) > MaxCells:
		return fmt.Errorf("%d cells, at most %d are allowed", rows*len(f.Columns), MaxCells)
	}
	for i, c := range f.Columns {
		if c == nil {
			return fmt.Errorf("column %d is nil", i+1)
		}
		if len(c.Values) != rows {
			return fmt.Errorf("column %q has %d rows, the first column has %d", c.Name, len(c.Values), rows)
		}
	}
	return nil
}

func (c *Column) validate() error {
	if err := c.head(); err != nil {
		return err
	}
	for i, v := range c.Values {
		if v == nil {
			continue
		}
		if err := c.value(v); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	for i, l := range c.Links {
		if l == "" {
			continue
		}
		if err := link(l); err != nil {
			return fmt.Errorf("link of row %d: %w", i+1, err)
		}
	}
	return nil
}

// head checks everything but values.
func (c *Column) head() error {
	if !columnName.MatchString(c.Name) {
		return errors.New("a name begins with a letter and has letters, digits, blanks and _ . / -")
	}
	for _, s := range []string{c.Name, c.Label, c.Unit} {
		if err := text(s, MaxName); err != nil {
			return err
		}
	}
	if c.Decimals != nil && (*c.Decimals < 0 || *c.Decimals > 20) {
		return fmt.Errorf("%d decimals; 0 to 20 are allowed", *c.Decimals)
	}
	if c.Links != nil && len(c.Links) != len(c.Values) {
		return fmt.Errorf("%d links for %d rows", len(c.Links), len(c.Values))
	}
	if len(c.Options) > MaxOptions {
		return fmt.Errorf("%d options, at most %d are allowed", len(c.Options), MaxOptions)
	}
	for _, o := range c.Options {
		if err := text(o, MaxName); err != nil {
			return fmt.Errorf("option: %w", err)
		}
	}
	if c.Type == Enum && len(c.Options) == 0 {
		return errors.New("an enum needs options")
	}
	return c.thresholds()
}

func (c *Column) value(v any) error {
	switch c.Type {
	case Number:
		n, ok := v.(float64)
		if !ok {
			return fmt.Errorf("%T is no number", v)
		}
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return errors.New("NaN and infinity cannot be sent; use nil")
		}
	case Bool:
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("%T is no bool", v)
		}
	case Time:
		t, ok := v.(time.Time)
		if !ok {
			return fmt.Errorf("%T is no time.Time", v)
		}
		if t.Before(earliest) || t.After(latest) {
			return errors.New("a time must be in the years 1 to 9999")
		}
	case Duration:
		d, ok := v.(time.Duration)
		if !ok {
			return fmt.Errorf("%T is no time.Duration", v)
		}
		if d < 0 {
			return errors.New("a duration must not be negative")
		}
	case String, Enum, EntityRef, URL:
		s, ok := v.(string)
		if !ok {
			return fmt.Errorf("%T is no string", v)
		}
		return c.text(s)
	default:
		return fmt.Errorf("unknown type %q", c.Type)
	}
	return nil
}

func (c *Column) text(s string) error {
	switch c.Type {
	case URL:
		return link(s)
	case EntityRef:
		if _, err := entity.ParseRef(s, entity.Defaults{}); err != nil {
			return fmt.Errorf("%q is no entity ref such as component:default/shop", excerpt.Short(s))
		}
	case Enum:
		if !slices.Contains(c.Options, s) {
			return fmt.Errorf("%q is none of the options", excerpt.Short(s))
		}
	}
	return text(s, MaxText)
}

// link accepts what a browser may be sent to: http or https, a host, no user information (which hides the host).
func link(s string) error {
	if err := text(s, MaxText); err != nil {
		return err
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return fmt.Errorf("%q is no absolute http or https address", excerpt.Short(s))
	}
	return nil
}

func text(s string, limit int) error {
	if !utf8.ValidString(s) {
		return errors.New("text is not valid UTF-8")
	}
	if len(s) > limit {
		return fmt.Errorf("text has %d bytes, at most %d are allowed", len(s), limit)
	}
	return nil
}
