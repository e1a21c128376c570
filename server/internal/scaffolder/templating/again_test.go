package templating

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// What is kept of a text from one rendering to the next is never what a rendering left in it.
func TestEngine_ATextIsRenderedAgainAsIfItWereNew(t *testing.T) {
	e := newEngine(t, Options{VMs: 1})
	long := "{#" + strings.Repeat(" ", 600) + "#}" // of such a text nothing is kept
	ann, bob := json.RawMessage(`{"parameters":{"n":["a","b"],"t":"xax"}}`), json.RawMessage(`{"parameters":{"n":["c"],"t":"axxa"}}`)
	for _, text := range []string{
		`${{ parameters.n }}`, `${{ parameters.missing }}`, `${{ parameters.t | replace("x", "-") }}`,
		`{% set v = parameters.t %}{% set v = v + "!" %}${{ v }}`, `{% set v = (v or 0) + 1 %}${{ v }}`,
		`{% for i in parameters.n %}${{ loop.index }}${{ i }}{% else %}none{% endfor %}`,
		`{% macro m(x, y=parameters.t) %}[${{ x }}${{ y }}]{% endmacro %}${{ m(1) }}${{ m(2, 3) }}`,
		`{% set c = cycler("one", "two") %}${{ c.next() }}${{ c.next() }}${{ c.next() }}`,
		`{% set j = joiner(",") %}{% for i in parameters.n %}${{ j() }}${{ i }}{% endfor %}`,
		`{% set l = parameters.n %}{% if l.push("z") %}${{ l | join }}{% endif %}`,
		`{% set r = r/x/g %}${{ r.test(parameters.t) }}${{ r.test(parameters.t) }}${{ r.lastIndex }}`,
		`{% filter upper %}${{ parameters.t }}{% endfilter %}`, `{% block b %}${{ parameters.t }}{% endblock %}`, `${{ [1, {"k": parameters.t}] | dump }}`,
	} {
		for _, variables := range []json.RawMessage{ann, bob, ann, ann, bob} {
			got, want := valueOf(t, e, text, variables), valueOf(t, e, text+long, variables)
			if got != want {
				t.Errorf("%s with %s is %s, and it was %s", text, variables, got, want)
			}
		}
	}
}

func valueOf(t *testing.T, e *Engine, text string, variables json.RawMessage) string {
	t.Helper()
	template, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	result, err := e.Value(context.Background(), template, Scope{Variables: variables})
	if err != nil {
		t.Fatal(err)
	}
	return string(result.Value)
}
