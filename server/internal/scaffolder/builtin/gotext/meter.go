package gotext

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
)

// meter bounds one rendering. The first limit that is hit stays, so that no template goes on by catching it.
type meter struct {
	ctx   context.Context //nolint:containedctx // one rendering is the meter's whole life
	out   bytes.Buffer
	steps int // of limit
	limit int
	depth int
	err   error
}

func (m *meter) fail(format string, args ...any) error {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
	}
	return m.err
}

// spend counts work, and ends the rendering when there was too much, or when its context ended.
func (m *meter) spend(steps int) error {
	if m.err != nil {
		return m.err
	}
	if m.steps += steps; m.steps > m.limit || steps < 0 {
		return m.fail("it takes more than %d steps", m.limit)
	}
	if m.ctx != nil && m.ctx.Err() != nil {
		return m.fail("%w", context.Cause(m.ctx))
	}
	return nil
}

// step begins a round of a loop, enter and leave surround the body of a template. They print nothing.
func (m *meter) step() (string, error) { return "", m.spend(1) }

func (m *meter) enter() (string, error) {
	if m.depth++; m.depth > maxNested {
		return "", m.fail("templates call each other more than %d levels deep", maxNested)
	}
	return "", m.spend(1)
}

func (m *meter) leave() (string, error) {
	m.depth--
	return "", m.spend(1)
}

// value passes a value on that is about to be printed or kept in a variable.
func (m *meter) value(v any) (any, error) { return v, m.charge(v) }

// charge counts the work that going through values means, and refuses values that are too large or too deep.
func (m *meter) charge(values ...any) error {
	before := m.steps
	for _, v := range values {
		if err := m.measure(v); err != nil {
			return err
		}
	}
	if m.steps == before {
		return m.spend(1)
	}
	return nil
}

func (m *meter) measure(value any) error {
	w := weight{}
	if err := w.add(reflect.ValueOf(value), 0); err != nil {
		return m.fail("%w", err)
	}
	return m.spend(w.bytes / 64)
}

// Write implements io.Writer for the template.
func (m *meter) Write(data []byte) (int, error) {
	if m.out.Len()+len(data) > maxOutput {
		return 0, m.fail("its result is larger than %d bytes", maxOutput)
	}
	if err := m.spend(0); err != nil {
		return 0, err
	}
	return m.out.Write(data)
}

// weight adds up what printing a value would go through: what is in it twice counts twice.
type weight struct{ bytes int }

func (w *weight) add(v reflect.Value, depth int) error {
	if depth > maxNested {
		return fmt.Errorf("a value has more than %d levels", maxNested)
	}
	w.bytes += 16
	switch v.Kind() {
	case reflect.String:
		w.bytes += v.Len()
	case reflect.Interface, reflect.Pointer:
		return w.add(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			w.bytes += v.Len()
			break
		}
		for i := range v.Len() {
			if err := w.add(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if err := w.add(entries.Key(), depth+1); err != nil {
				return err
			}
			if err := w.add(entries.Value(), depth+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		// Structs come from Sprig alone, and hold texts at most. The rest of them, such as the zone of a time, is shared
		// by the process and not to be read without its locks.
		for _, f := range v.Fields() {
			if f.Kind() == reflect.String {
				w.bytes += f.Len()
			}
		}
	default: // numbers and the like have no size to speak of
	}
	if w.bytes > maxValue {
		return fmt.Errorf("a value is larger than %d bytes", maxValue)
	}
	return nil
}
