package templating

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// seeds are the hostile cases that end on their own, and ordinary texts.
func seeds(f *testing.F) (texts []string) {
	for i, c := range hostileCases(f) {
		if c.Limited || !sampled(i) {
			continue
		}
		for _, source := range []json.RawMessage{c.Value, c.File} {
			var text string
			if json.Unmarshal(source, &text) == nil {
				texts = append(texts, text)
			}
		}
	}
	return append(texts,
		"${{ parameters.name }}", "a ${{ parameters.name }}b${{each.value}}", "${{ parameters.n | default(1) }}", "${{ parameters['name'] }}",
		"{% for x in parameters.list %}${{ x }}{% endfor %}", "${{ parameters.name if parameters.n > 1 else 'x' }}", "{%- set a = 1 -%} ${{- a }}")
}

const fuzzedVariables = `{"parameters":{"name":"tug","n":5,"list":["a",{"b":null}],"x":{"y":"z\"\n"}},"each":{"key":"0","value":"v"}}`

// FuzzValue: every template ends within the limits, with JSON or with an error that is the client's, and the engine works on.
func FuzzValue(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text)
	}
	e := newEngine(f, Options{VMs: 1, Integrations: stock, Timeout: 200 * time.Millisecond})
	patient := sharedEngine(f)
	f.Fuzz(func(t *testing.T, text string) {
		template, err := json.Marshal([]string{text})
		if err != nil {
			t.Skip()
		}
		r, err := e.Value(context.Background(), template, Scope{Variables: raw(fuzzedVariables), Failed: new(bool)})
		if err != nil {
			checkClientError(t, err)
		} else if !json.Valid(r.Value) {
			t.Errorf("%q: no JSON: %q", text, r.Value)
		}
		checkUsable(t, patient)
	})
}

// FuzzFile is the same for files, where errors of the template are told.
func FuzzFile(f *testing.F) {
	for i, text := range seeds(f) {
		f.Add(text, i%2 == 0, i%3 == 0, i%5 == 0)
	}
	e := newEngine(f, Options{VMs: 1, Integrations: stock, Timeout: 200 * time.Millisecond})
	f.Fuzz(func(t *testing.T, text string, cookiecutter, trim, lstrip bool) {
		files, err := e.Files(context.Background(), raw(fuzzedVariables), FileOptions{cookiecutter, trim, lstrip})
		if err != nil {
			t.Fatal(err)
		}
		out, err := files.Render(context.Background(), text)
		if err != nil {
			checkClientError(t, err)
		} else if hasNoSign(text) && out != text {
			t.Errorf("%q: got %q", text, out)
		}
	})
}

func checkClientError(t *testing.T, err error) {
	t.Helper()
	var wire *apierror.Error
	if !errors.As(err, &wire) || wire.HTTPStatus() != 400 && wire.Name != renderError || wire.Message == "" {
		t.Errorf("got %v", err)
	}
}

// FuzzDirect: what is rendered without a machine is what the machine makes of it.
func FuzzDirect(f *testing.F) {
	for _, text := range seeds(f) {
		template, err := json.Marshal(map[string]any{"a": text, "b": []string{text}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(template), fuzzedVariables)
	}
	f.Add(`{"a":1.0,"b":-0,"c":1e3,"2":1,"1":2,"":3}`, `{}`)
	f.Add(`"${{ parameters.a.b }}"`, `{"parameters":{"a":{"b":"\u003c\"}"}}}`)
	f.Add(`["${{ steps.if.x }}","${{ user.constructor }}"]`, `{"steps":{"if":{"x":"a"}},"user":{"constructor":"b"}}`)
	e := newEngine(f, Options{VMs: 1, Timeout: time.Second})
	f.Fuzz(func(t *testing.T, template, variables string) { compareDirect(t, e, template, variables) })
}

func compareDirect(t *testing.T, e *Engine, template, variables string) {
	t.Helper()
	s := Scope{Variables: raw(variables)}
	r, ok := direct(raw(template), s)
	if !ok {
		return
	}
	machine, err := e.machineValue(context.Background(), raw(template), s)
	if err != nil {
		if string(r.Value) == template {
			return // a static input looks nothing up, so it does not tell what is wrong with the variables
		}
		t.Fatalf("%s with %s: the machine says %v", template, variables, err)
	}
	if canonical(t, r.Value) != canonical(t, machine.Value) {
		t.Errorf("%s with %s:\ndirect  %s\nmachine %s", template, variables, r.Value, machine.Value)
	}
}
