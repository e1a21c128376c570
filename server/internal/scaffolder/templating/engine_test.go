package templating

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if shared != nil {
			shared.Close()
		}
		os.Exit(code)
	}))
}

// shared is for the tests that need nothing special: a machine is slow to make with the race detector.
var shared *Engine

func sharedEngine(t testing.TB) *Engine {
	t.Helper()
	if shared == nil {
		var err error
		if shared, err = New(Options{VMs: 1, Integrations: stock, Timeout: patience}); err != nil {
			t.Fatal(err)
		}
	}
	return shared
}

// patience is more time than slow machines with the race detector on them need; tests of the limit set their own.
const patience = 30 * time.Second

// stock are the hosts that the reference knows without configuration.
var stock = []Integration{{"azure", "dev.azure.com"}, {"bitbucketCloud", "bitbucket.org"}, {"github", "github.com"}, {"gitlab", "gitlab.com"}}

func newEngine(t testing.TB, o Options) *Engine {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }

func mustValue(t testing.TB, e *Engine, template string, s Scope) Result {
	t.Helper()
	r, err := e.Value(context.Background(), raw(template), s)
	if err != nil {
		t.Fatalf("%s: %v", template, err)
	}
	return r
}

// sameJSON compares as JSON, in which the order of keys and the spelling of numbers count.
func sameJSON(t testing.TB, what string, got, want json.RawMessage) {
	t.Helper()
	if diff := cmp.Diff(canonical(t, want), canonical(t, got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// canonical has no spaces, and each text in the same spelling but for halves of characters, which Go cannot hold.
func canonical(t testing.TB, value json.RawMessage) string {
	t.Helper()
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	var out []byte
	for text := b.Bytes(); len(text) > 0; {
		if text[0] != '"' {
			out, text = append(out, text[0]), text[1:]
			continue
		}
		length := textLength(text)
		out, text = append(out, respelled(t, text[:length])...), text[length:]
	}
	return string(out)
}

func respelled(t testing.TB, token []byte) []byte {
	t.Helper()
	if bytes.Contains(token, []byte(`\ud`)) {
		return token
	}
	var meaning string
	if err := json.Unmarshal(token, &meaning); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(meaning)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestValue_UndefinedTakesItsKeyAwayAndLeavesAHoleInArrays(t *testing.T) {
	e := sharedEngine(t)
	s := Scope{Variables: raw(`{"a":{"b":null}}`)}
	r := mustValue(t, e, `{"gone":"${{ a.c }}","kept":"${{ a.b }}","slots":["${{ a.c.d }}",1],"${{ a }}":"${{ a }}"}`, s)
	sameJSON(t, "value", r.Value, raw(`{"kept":null,"slots":[null,1],"${{ a }}":{"b":null}}`))
	if r := mustValue(t, e, `"${{ nobody }}"`, s); r.Value != nil {
		t.Errorf("undefined as a whole: got %s", r.Value)
	}
}

func TestValue_ATextWithAnErrorStaysAsItIs(t *testing.T) {
	e := sharedEngine(t)
	for _, text := range []string{`"${{ a | nosuch }}"`, `"${{ a( }}"`, `"{% if %}"`, `"{% include 'x' %}"`, `"${{ a.b() }} and ${{ 1 }}"`} {
		sameJSON(t, "value", mustValue(t, e, text, Scope{}).Value, raw(text))
	}
}

// Static inputs never reach the virtual machine, so they must be what the machine would make of them.
func TestValue_WhatHoldsNoTagIsTheSameWithAndWithoutTheMachine(t *testing.T) {
	e := sharedEngine(t)
	for _, text := range []string{`""`, `"{{ x }}"`, `"a\n"`, `" } %} #} $ { "`, `{"a":[1,1.5,"x",null,true,{"b":"c\n\t"}]}`, `5`, `null`} {
		plain := mustValue(t, e, text, Scope{})
		rendered := mustValue(t, e, `[`+text+`,"${{ 1 }}"]`, Scope{})
		sameJSON(t, "value", rendered.Value, raw(`[`+string(plain.Value)+`,1]`))
	}
	// An escape can hide a tag.
	sameJSON(t, "escaped", mustValue(t, e, `"\u0024{{ 1 }}"`, Scope{}).Value, raw(`1`))
}

func TestValue_TellsWhatItOwesToSecrets(t *testing.T) {
	e := sharedEngine(t)
	s := Scope{
		Variables: raw(`{"parameters":{"n":"plain"},"environment":{"parameters":{"r":"north"},"secrets":{"old":"gone"}},"each":{"key":"0","value":"a-hush"}}`),
		Secrets:   raw(`{"secrets":{"token":"hush"},"environment":{"secrets":{"env":"env-hush"}}}`),
		Plain:     raw(`{"each":{"key":"0","value":"a-"}}`),
	}
	r := mustValue(t, e, `{"a":"${{ secrets.token }}","b":"x ${{ environment.secrets.env }}","c":"${{ parameters.n }}","d":"v=${{ each.value }}",
		"e":"${{ environment.secrets.old }}","f":"${{ environment.parameters.r }}","g":"${{ {secrets: [secrets.token ~ '!']} }}"}`, s)
	sameJSON(t, "value", r.Value, raw(`{"a":"hush","b":"x env-hush","c":"plain","d":"v=a-hush","f":"north","g":{"secrets":["hush!"]}}`))
	sameJSON(t, "without secrets", r.Plain, raw(`{"b":"x ","c":"plain","d":"v=a-","f":"north","g":{"secrets":["undefined!"]}}`))
	// Entries meet by position, as in the reference: without "a" all that follow meet their successor.
	want := []string{"a", "hush", "b", "x env-hush", "c", "plain", "d", "v=a-hush", "f", "north", "g", "secrets", "hush!"}
	if diff := cmp.Diff(want, r.Tainted); diff != "" {
		t.Errorf("tainted (-want +got):\n%s", diff)
	}
}

func TestValue_SecretsOfOneCallAreNotThereInTheNext(t *testing.T) {
	e := sharedEngine(t)
	variables := raw(`{"parameters":{}}`)
	with := mustValue(t, e, `"${{ secrets.a }}"`, Scope{Variables: variables, Secrets: raw(`{"secrets":{"a":"hush"}}`)})
	sameJSON(t, "with", with.Value, raw(`"hush"`))
	if without := mustValue(t, e, `"${{ secrets.a }}"`, Scope{Variables: variables}); without.Value != nil || without.Tainted != nil {
		t.Errorf("without: got %s", without.Value)
	}
}

func TestValue_TellsWhetherTheStateOfTheTaskWasAsked(t *testing.T) {
	e := sharedEngine(t)
	failed, fine := true, false
	for _, c := range []struct {
		template string
		failed   *bool
		value    string
		read     bool
	}{
		{`"${{ always() }}"`, &fine, `true`, true},
		{`"${{ failure() }}"`, &fine, `false`, true},
		{`"${{ failure() and a }}"`, &failed, `1`, true},
		{`"${{ a or failure() }}"`, &failed, `1`, false},
		{`"${{ a }}"`, &failed, `1`, false},
		{`"${{ failure() }}"`, nil, `"${{ failure() }}"`, false},
	} {
		r := mustValue(t, e, c.template, Scope{Variables: raw(`{"a":1}`), Failed: c.failed})
		sameJSON(t, c.template, r.Value, raw(c.value))
		if r.StatusRead != c.read {
			t.Errorf("%s: asked is %v", c.template, r.StatusRead)
		}
	}
}

func TestValue_EachIsOneMoreVariable(t *testing.T) {
	e := sharedEngine(t)
	s := Scope{Variables: raw(`{"parameters":{"a":"x"},"each":{"value":"old"}}`)}
	for _, item := range []string{"one", "two"} {
		s.Each = marshal(t, map[string]string{"value": item})
		r := mustValue(t, e, `["${{ each.value }} ${{ parameters.a }}","${{ each.value | upper }}"]`, s)
		sameJSON(t, item, r.Value, marshal(t, []string{item + " x", strings.ToUpper(item)}))
	}
}

func TestValue_ChangesWithinATemplateDoNotReachTheNextOne(t *testing.T) {
	e := sharedEngine(t)
	s := Scope{Variables: raw(`{"list":[1],"object":{"a":1}}`)}
	mustValue(t, e, `"{% set x = list.push(2) %}{% set object = 5 %}"`, s)
	sameJSON(t, "value", mustValue(t, e, `["${{ list }}","${{ object }}"]`, s).Value, raw(`[[1],{"a":1}]`))
}

func TestValue_IsConcurrent(t *testing.T) {
	e := newEngine(t, Options{VMs: 2})
	done := make(chan string)
	for i := range 8 {
		go func() {
			n, _ := json.Marshal(map[string]int{"n": i})
			r, err := e.Value(context.Background(), raw(`"${{ n }}"`), Scope{Variables: n})
			if err != nil {
				done <- err.Error()
				return
			}
			done <- string(r.Value)
		}()
	}
	var got []string
	for range 8 {
		got = append(got, <-done)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4", "5", "6", "7"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFiles_AnErrorFailsTheRenderingAndTellsThePlace(t *testing.T) {
	e := sharedEngine(t)
	f, err := e.Files(context.Background(), raw(`{"values":{"name":"x"}}`), FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for text, want := range map[string]string{
		"a\n${{ values.name | nosuch }}": `TemplateRenderError: Template error at line 2, column 19: Unknown template filter "nosuch"`,
		"${{ 'a' | parseRepoUrl }}":      `TemplateRenderError: Template error at line 1, column 11: Template filter "parseRepoUrl" failed: No matching integration configuration for host a, please check your integrations config`,
	} {
		if _, err := f.Render(context.Background(), text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if got, err := f.Render(context.Background(), "${{ values.name }}\n"); err != nil || got != "x\n" {
		t.Errorf("afterwards: got %q, %v", got, err)
	}
}

func TestFiles_HonoursItsOptions(t *testing.T) {
	e := sharedEngine(t)
	text := "{{ x.a }}${{ x.a }}\n  {% if true %}\ny\n  {% endif %}\n"
	for want, o := range map[string]FileOptions{
		"{{ x.a }}1\n  \ny\n  \n": {},
		"{{ x.a }}1\n  y\n  ":     {TrimBlocks: true},
		"{{ x.a }}1\n\ny\n\n":     {LstripBlocks: true},
		"1$1\ny\n":                {CookiecutterCompat: true, TrimBlocks: true, LstripBlocks: true},
	} {
		f, err := e.Files(context.Background(), raw(`{"x":{"a":1}}`), o)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Render(context.Background(), text); err != nil || got != want {
			t.Errorf("%+v: got %q, %v; want %q", o, got, err, want)
		}
	}
}

func TestFiles_EmptyTextsAndVariablesTooLargeToKeep(t *testing.T) {
	e := sharedEngine(t)
	large, _ := json.Marshal(map[string]string{"a": string(bytes.Repeat([]byte("x"), mostKept))})
	f, err := e.Files(context.Background(), large, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"${{ a | length }}": "65536", "": ""} {
		if got, err := f.Render(context.Background(), text); err != nil || got != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

// sampled chooses cases of large tables: all, but few with the race detector, which makes QuickJS forty times slower. Within
// a machine nothing runs at once.
func sampled(i int) bool { return !raced || i%30 == 0 }
