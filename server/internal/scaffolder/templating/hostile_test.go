package templating

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
)

// hostileCase is a line of testdata/hostile.jsonl: a value, a file or a schema, and what must become of it.
type hostileCase struct {
	Name             string
	Value, File      json.RawMessage
	Schema, Instance json.RawMessage

	Stays     bool            // the template comes out as it is
	Undefined bool            // it comes to nothing
	Limited   bool            // it stays, or an InputError names the limit; which one depends on the machine
	Error     string          // what the error holds
	Gives     json.RawMessage // the value, or the stacks of the violations
}

func hostileCases(t testing.TB) (all []hostileCase) {
	t.Helper()
	data, err := os.ReadFile("testdata/hostile.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var c hostileCase
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// run answers what the case gave.
func (c hostileCase) run(e *Engine) (json.RawMessage, error) {
	ctx := context.Background()
	switch {
	case c.Value != nil:
		r, err := e.Value(ctx, c.Value, Scope{Variables: raw(`{"parameters":{}}`)})
		return r.Value, err
	case c.File != nil:
		var text string
		if err := json.Unmarshal(c.File, &text); err != nil {
			return nil, err
		}
		f, err := e.Files(ctx, nil, FileOptions{})
		if err != nil {
			return nil, err
		}
		out, err := f.Render(ctx, text)
		data, _ := json.Marshal(out)
		return data, err
	}
	violations, err := e.Validate(ctx, c.Schema, c.Instance, "instance")
	stacks := []string{}
	for _, v := range violations {
		stacks = append(stacks, v.Stack)
	}
	data, _ := json.Marshal(stacks)
	return data, err
}

func TestHostile_EndsWithinTheLimitsAndTheMachineIsUsableAfterwards(t *testing.T) {
	patient := sharedEngine(t)
	quick := newEngine(t, Options{VMs: 1, Integrations: stock, Timeout: 100 * time.Millisecond})
	for i, c := range hostileCases(t) {
		if !sampled(i) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			e := patient
			if c.Limited {
				e = quick
			}
			got, err := c.run(e)
			c.check(t, got, err)
			checkUsable(t, patient)
		})
	}
}

func (c hostileCase) check(t *testing.T, got json.RawMessage, err error) {
	t.Helper()
	switch {
	case c.Error != "":
		if err == nil || !strings.Contains(err.Error(), c.Error) {
			t.Errorf("got %s, %v; want the error %q", got, err, c.Error)
		}
	case c.Limited && err != nil:
		if !isLimit(err) {
			t.Errorf("got %v, which names no limit", err)
		}
	case err != nil:
		t.Errorf("got %v", err)
	case c.Limited, c.Stays:
		if len(c.Value) == 0 {
			t.Errorf("got %s, and no error", got)
		} else if diff := cmp.Diff(decoded(t, c.Value), decoded(t, got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	case c.Undefined:
		if got != nil {
			t.Errorf("got %s, want nothing", got)
		}
	default:
		sameJSON(t, "value", got, c.Gives)
	}
}

// isLimit: the language has limits of its own on nesting and work, which fail a file.
func isLimit(err error) bool {
	var e *apierror.Error
	if !errors.As(err, &e) || e.HTTPStatus() != 400 && e.Name != renderError {
		return false
	}
	return strings.Contains(e.Message, ": more than ") || e.Name == "TemplateLimitError"
}

func decoded(t *testing.T, value json.RawMessage) (v any) {
	t.Helper()
	if err := json.Unmarshal(value, &v); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return v
}

// checkUsable: sums are right, and no prototype was changed.
func checkUsable(t testing.TB, e *Engine) {
	t.Helper()
	r := mustValue(t, e, `["${{ 1 + 1 }}","${{ {}.polluted }}","${{ [].polluted }}","${{ 'a'.polluted }}"]`, Scope{})
	sameJSON(t, "afterwards", r.Value, raw(`[2,null,null,null]`))
	if violations, err := e.Validate(context.Background(), raw(`{"required":["polluted"]}`), raw(`{}`), "instance"); err != nil || len(violations) != 1 {
		t.Errorf("afterwards: %v, %v", violations, err)
	}
}

func TestHostile_LargeAndDeepInputsEndWithinTheLimits(t *testing.T) {
	if raced {
		t.Skip("one machine after the other, for minutes")
	}
	e, patient := newEngine(t, Options{VMs: 1, Timeout: 100 * time.Millisecond}), sharedEngine(t)
	long := fmt.Sprintf(`{"a":%q,"b":%q}`, strings.Repeat("a", 1<<20), strings.Repeat("a", 1<<19)+"b")
	for _, c := range []struct{ name, template, variables, limit string }{
		{"parentheses", quoted("${{ ", "(", 10000, "1", ")", " }}"), "", "time"},
		{"blocks", quoted("", "{% if true %}", 10000, "", "{% endif %}", ""), "", "time"},
		{"braces", quoted("", "{", 1<<21, "", "", "${{ 1 }}"), "", "time"},
		{"tags without end", quoted("", "${{", 1<<19, "", "", ""), "", "time"},
		{"variables", `"${{ a }}"`, nested(`{"a":`, 100000, "1", "}"), "nested too deeply|time"},
		{"lists of a value", nested(`[`, 100000, `"${{ 1 }}"`, "]"), "", "nested too deeply|time"},
		{"a million of keys", `"${{ k1 }}"`, manyKeys(1000000), "memory|time"},
		{"characters", `"${{ a | list }}"`, long, "memory|time"},
		{"text in text", `"${{ a.includes(b) }}"`, long, "time"},
		{"text from its end", `"${{ a.lastIndexOf(b) }}"`, long, "time"},
		{"text in halves", `"${{ a.split(b) }}"`, long, "time"},
		{"text replaced", `"${{ a.replace(b, '') }}"`, long, "time"},
		{"text in a list", `"${{ [b, b, b, b, b, b, b, b].includes(a) }}"`, long, "time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := e.Value(context.Background(), raw(c.template), Scope{Variables: raw(c.variables)})
			if !endsWell(r, err, c.template, c.limit) {
				t.Errorf("got %.80s, %v", r.Value, err)
			}
			checkUsable(t, patient)
		})
	}
}

// endsWell: with one of the limits, or, where time is one, with what a faster machine comes to.
func endsWell(r Result, err error, template, limits string) bool {
	if err == nil {
		return strings.Contains(limits, "time") && len(r.Value) < len(template)+100
	}
	for limit := range strings.SplitSeq(limits, "|") {
		if strings.Contains(err.Error(), limit) && strings.HasPrefix(err.Error(), "InputError: template: ") {
			return true
		}
	}
	return false
}

func quoted(before, open string, n int, middle, end, after string) string {
	data, _ := json.Marshal(before + nested(open, n, middle, end) + after)
	return string(data)
}

func nested(open string, n int, middle, end string) string {
	return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":%d,`, i, i)
	}
	return "{" + b.String() + `"z":1}`
}
