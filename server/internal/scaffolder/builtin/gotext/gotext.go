// Package gotext renders Go templates that strangers wrote: text/template with the Sprig functions, less those that read
// the host's environment or ask the network. text/template cannot be interrupted and has no limits, so a template is
// rewritten before it runs: every loop, every call and every output passes a [meter].
package gotext

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"text/template"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Limits of one text.
const (
	maxText   = 1 << 20         // bytes of a template
	maxTags   = 20_000          // pairs of braces in a template: they may be in each other, and are read recursively
	maxOutput = 10 << 20        // bytes of a result
	maxValue  = 4 << 20         // bytes of one value on the way
	maxSteps  = 1_000_000       // loop rounds, calls, and the work that calls announce
	maxNested = 100             // templates within templates, and levels of a value
	maxTime   = 5 * time.Second // of one text
)

// Renderer renders texts that all see the same values. Each text gets them anew, as it may change them by set and unset.
// Not for concurrent use.
type Renderer struct {
	values    json.RawMessage
	meter     *meter
	functions template.FuncMap
	steps     int
	time      time.Duration
}

// New is a renderer of an object of values, nil = none.
func New(values json.RawMessage) (*Renderer, error) {
	if values == nil {
		values = json.RawMessage("{}")
	}
	m := &meter{}
	r := &Renderer{values: values, meter: m, functions: m.functions(), steps: maxSteps, time: maxTime}
	_, err := r.dot()
	return r, err
}

// dot reads the values as templates want them: whole numbers are integers.
func (r *Renderer) dot() (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(r.values))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, apierror.Inputf("values must be an object")
	}
	if err := (&meter{limit: maxSteps}).measure(object); err != nil {
		return nil, apierror.Inputf("values: %v", err)
	}
	return numbers(object).(map[string]any), nil //nolint:forcetypeassert // an object stays one
}

func numbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = numbers(member)
		}
	case []any:
		for i, item := range v {
			v[i] = numbers(item)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	}
	return value
}

// Render renders one text. A value that is not there, a mistake in the template and a limit are InputErrors; when ctx ends
// its cause is answered.
func (r *Renderer) Render(ctx context.Context, text string) (string, error) {
	if len(text) > maxText {
		return "", apierror.Inputf("a Go template must not be larger than %d bytes", maxText)
	}
	if strings.Count(text, "{{") > maxTags {
		return "", apierror.Inputf("a Go template must not have more than %d tags", maxTags)
	}
	if strings.Contains(text, reserved) {
		return "", apierror.Inputf("a Go template must not contain %s", reserved)
	}
	dot, err := r.dot()
	if err != nil {
		return "", err
	}
	limited, cancel := context.WithTimeoutCause(ctx, r.time, fmt.Errorf("it takes longer than %s", r.time))
	defer cancel()
	m := r.meter
	*m = meter{ctx: limited, limit: r.steps}
	t, err := template.New("template").Option("missingkey=error").Funcs(r.functions).Parse(text)
	if err != nil {
		return "", apierror.Inputf("Go template: %s", message(err))
	}
	if err := rewrite(t, r.functions); err != nil {
		return "", apierror.Inputf("Go template: %s", message(err))
	}
	if err := t.Execute(m, dot); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if m.err != nil {
			err = m.err
		}
		return "", apierror.Inputf("Go template: %s", message(err))
	}
	return m.out.String(), nil
}

// Close is for the stamps that it is used by; there is nothing to give up.
func (*Renderer) Close() {}

// message is an error without the name that all templates have here.
func message(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "), "template:")
}

func (m *meter) functions() template.FuncMap {
	all := allowed()
	for name, f := range all {
		all[name] = m.guard(name, f)
	}
	maps.Copy(all, template.FuncMap{stepName: m.step, enterName: m.enter, leaveName: m.leave, valueName: m.value})
	return all
}
