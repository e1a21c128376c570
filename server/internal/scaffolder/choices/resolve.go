package choices

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

const (
	keyword  = "valuesRef"
	maxRefs  = 50 // in one page of a form
	maxDepth = 64
	atOnce   = 8 // fetches
)

// Resolve gives schema back with the choices of this moment in place of each valuesRef. A list that cannot be had is no
// error: its field is made read-only and says why. p is who asks for the form.
func (s *Resolver) Resolve(ctx context.Context, p *principal.Principal, schema json.RawMessage) (json.RawMessage, error) {
	return s.rewrite(ctx, p, schema, question{age: maxCache, asked: func(string) bool { return true }, failed: explain})
}

// Fresh is [Resolver.Resolve] for checking values: lists are at most ten seconds old, only those of fields that have a
// value are asked for, and one that cannot be had is a ServiceUnavailableError that names the field.
func (s *Resolver) Fresh(ctx context.Context, p *principal.Principal, schema, values json.RawMessage) (json.RawMessage, error) {
	var document any
	if err := json.Unmarshal(values, &document); err != nil {
		return nil, apierror.Inputf("The values are not JSON: %s", err)
	}
	named := map[string]bool{}
	nameKeys(document, named)
	return s.rewrite(ctx, p, schema, question{
		age: freshness, asked: func(field string) bool { return field == "" || named[field] },
		failed: func(o object, field string, err error) (object, error) { return o, unavailable(field, err) },
	})
}

// question is what a schema is rewritten for.
type question struct {
	age time.Duration // how old a list may be
	// asked says for which fields there must be a list; the others take any value.
	asked func(field string) bool
	// failed gives what stands in the place of a schema whose choices cannot be had.
	failed func(o object, field string, err error) (object, error)
}

// nameKeys collects the keys of all objects in a value.
func nameKeys(value any, into map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			into[key] = true
			nameKeys(item, into)
		}
	case []any:
		for _, item := range v {
			nameKeys(item, into)
		}
	}
}

// explain makes a field say why it has no choices.
func explain(o object, _ string, err error) (object, error) {
	o = o.set("ui:help", jsvalue.Quote(fmt.Sprintf("The choices cannot be loaded: %s. Reload the page to try again.", err)))
	return o.set("ui:readonly", json.RawMessage("true")), nil
}

// ask is a valuesRef that was found in a schema, and what came of it.
type ask struct {
	field     string
	reference json.RawMessage
	wanted    bool
	choices   []choice
	err       error
}

func (s *Resolver) rewrite(ctx context.Context, p *principal.Principal, schema json.RawMessage, q question) (json.RawMessage, error) {
	if !bytes.Contains(schema, []byte(`"`+keyword+`"`)) {
		return schema, nil
	}
	var asks []*ask
	if _, err := walk(schema, "", 0, func(o object, field string) (object, error) {
		asks = append(asks, &ask{field: field, reference: o.get(keyword), wanted: q.asked(field)})
		return o, nil
	}); err != nil {
		return nil, err
	}
	if len(asks) > maxRefs {
		return nil, apierror.Inputf("The schema has %d fields with %s; at most %d are read", len(asks), keyword, maxRefs)
	}
	s.answer(ctx, p, asks, q.age)
	next := 0
	return walk(schema, "", 0, func(o object, field string) (object, error) {
		a := asks[next]
		next++
		o = o.without(keyword)
		switch {
		case !a.wanted:
			return o, nil
		case a.err != nil:
			return q.failed(o, field, a.err)
		}
		return o.offer(a.choices), nil
	})
}

func (s *Resolver) answer(ctx context.Context, p *principal.Principal, asks []*ask, age time.Duration) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, a := range asks {
		if !a.wanted {
			continue
		}
		g.Go(func() error {
			var r reference
			if r, a.err = readReference(a.reference); a.err == nil {
				a.choices, a.err = s.choices(ctx, p, r, age)
			}
			return nil
		})
	}
	_ = g.Wait() // errors stay with their fields
}

// visitor gives what stands in the place of a schema that has a valuesRef. field is the name of the field.
type visitor func(o object, field string) (object, error)

// fieldsOf are the keywords whose objects map names to schemas; there valuesRef is the name of a field like any other.
var fieldsOf = map[string]bool{"properties": true, "patternProperties": true, "definitions": true, "$defs": true, "dependencies": true, "dependentSchemas": true}

// walk calls visit for every schema in value that has a valuesRef, in the order of the text, and puts what it gives in
// its place.
func walk(value json.RawMessage, field string, depth int, visit visitor) (json.RawMessage, error) {
	if depth > maxDepth {
		return nil, apierror.Inputf("The schema is nested more than %d levels deep", maxDepth)
	}
	switch jsvalue.First(value) {
	case '{':
		o, err := readObject(value)
		if err != nil {
			return nil, fmt.Errorf("read a schema: %w", err)
		}
		if jsvalue.First(o.get(keyword)) == '{' {
			if o, err = visit(o, field); err != nil {
				return nil, err
			}
		}
		return o.each(func(m jsvalue.Member) (json.RawMessage, error) {
			if fieldsOf[m.Key] && jsvalue.First(m.Value) == '{' {
				return walkFields(m.Value, depth+1, visit)
			}
			return walk(m.Value, field, depth+1, visit)
		})
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(value, &items); err != nil {
			return nil, fmt.Errorf("read a schema: %w", err)
		}
		for i := range items {
			var err error
			if items[i], err = walk(items[i], field, depth+1, visit); err != nil {
				return nil, err
			}
		}
		return jsvalue.JSON(items)
	}
	return value, nil
}

func walkFields(value json.RawMessage, depth int, visit visitor) (json.RawMessage, error) {
	fields, err := readObject(value)
	if err != nil {
		return nil, fmt.Errorf("read a schema: %w", err)
	}
	return fields.each(func(m jsvalue.Member) (json.RawMessage, error) { return walk(m.Value, m.Key, depth+1, visit) })
}
