package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
)

// doubling is a text that grows to two to the power of n.
func doubling(n int) string {
	var b strings.Builder
	fmt.Fprint(&b, "deny contains x0 if {\n\tx0 := \"0123456789abcdef\"\n")
	for i := range n {
		fmt.Fprintf(&b, "\tx%d := concat(\"\", [x%d, x%d])\n", i+1, i, i)
	}
	fmt.Fprintf(&b, "\tcount(x%d) > 0\n}", n)
	return b.String()
}

func TestDecide_EndsWhateverTheRulesDo(t *testing.T) {
	for name, c := range map[string]struct {
		rules  string
		limits limits
		want   string
	}{
		"a comprehension without an end": {
			`deny contains "x" if count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); some c in numbers.range(1, 3000); a + b + c < 0]) > 1`,
			limits{50 * time.Millisecond, 1 << 40}, "takes too long",
		},
		"a range without an end": {
			`deny contains "x" if count(numbers.range(1, 1000000000000)) > 1`,
			limits{50 * time.Millisecond, 1 << 40}, "takes too long",
		},
		"memory": {
			`deny contains "x" if count({a | some a in numbers.range(1, 1000000000000)}) > 1`,
			limits{time.Minute, 16 << 20}, "takes too much memory",
		},
		"a text that doubles": {
			doubling(60), limits{time.Minute, 16 << 20}, "takes too much memory",
		},
		"more findings than anybody reads": {
			`deny contains sprintf("%d", [n]) if some n in numbers.range(1, 101)`,
			defaultLimits, "rule deny has 101 messages, more than 100",
		},
		"a message that nobody reads": {
			`deny contains sprintf("%2001d", [1]) if true`,
			defaultLimits, "a message must be a text of 1 to 2000 bytes",
		},
		"a name that nobody reads": {
			`deny contains {"msg": "x", "rule": sprintf("%201d", [1])} if true`,
			defaultLimits, "member rule of a message must be a text of 1 to 200 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := load(t, c.rules)
			p.limits = c.limits
			_, err := p.Decide(t.Context(), request(nil))
			if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDecide_RefusesInputsWithoutBounds(t *testing.T) {
	p := load(t, `deny contains "x" if false`)
	in := request(func(in *Input) { in.API["spec"] = map[string]any{"definition": strings.Repeat("x", maxInput)} })
	if _, err := p.Decide(t.Context(), in); !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), "is the API's definition that large?") {
		t.Errorf("got %v", err)
	}
}

func TestDecide_ServesManyAtOnce(t *testing.T) {
	p := load(t, `deny contains input.request.reason if count([1 | some n in numbers.range(1, 100); n > 0]) == 100`)
	p.limits.time = time.Minute // of a busy machine
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			want := fmt.Sprint("reason ", n)
			d, err := p.Decide(t.Context(), request(func(in *Input) { in.Request.Reason = want }))
			if err != nil || len(d.Critical) != 1 || d.Critical[0].Message != want {
				t.Errorf("%d: %+v, %v", n, d, err)
			}
		})
	}
	all.Wait()
}

// A builtin that does not look up from its work keeps its place; when all places are taken, decisions fail at once
// rather than pile up.
func TestBound_LeavesBehindWhatDoesNotStop(t *testing.T) {
	slots, release, short := make(chan struct{}, 2), make(chan struct{}), limits{10 * time.Millisecond, 1 << 40}
	stuck := func(context.Context) (int, error) {
		<-release
		return 0, nil
	}
	for range 2 {
		if _, err := bound(t.Context(), slots, short, stuck); !errors.Is(err, errTooLong) {
			t.Fatalf("got %v", err)
		}
	}
	quick := func(context.Context) (int, error) { return 7, nil }
	if _, err := bound(t.Context(), slots, short, quick); err == nil || !strings.Contains(err.Error(), "2 decisions are not done") {
		t.Errorf("got %v", err)
	}
	close(release)
	if got, err := bound(t.Context(), slots, limits{time.Minute, 1 << 40}, quick); got != 7 || err != nil {
		t.Errorf("after they end: %d, %v", got, err)
	}
}

func TestBound_TurnsAPanicIntoAnError(t *testing.T) {
	_, err := bound(t.Context(), make(chan struct{}, 1), defaultLimits, func(context.Context) (int, error) { panic("out of range") })
	if err == nil || !strings.Contains(err.Error(), "out of range") {
		t.Errorf("got %v", err)
	}
}

// The schema is the contract, and Input is what keeps it: neither may have a member that the other lacks.
func TestInputSchema_HasTheMembersOfInput(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(inputSchema, &schema); err != nil {
		t.Fatal(err)
	}
	compareMembers(t, "input", schema, reflect.TypeFor[Input]())
}

func compareMembers(t *testing.T, at string, schema map[string]any, typ reflect.Type) {
	t.Helper()
	if typ.Kind() == reflect.Slice {
		compareMembers(t, at+"[]", schema["items"].(map[string]any), typ.Elem())
		return
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return
	}
	properties := schema["properties"].(map[string]any)
	if schema["additionalProperties"] != false || len(properties) != typ.NumField() {
		t.Errorf("%s has %d members in the schema and %d in Go", at, len(properties), typ.NumField())
	}
	for f := range typ.Fields() {
		name := f.Tag.Get("json")
		member, ok := properties[name].(map[string]any)
		if !ok {
			t.Errorf("the schema lacks %s.%s", at, name)
			continue
		}
		compareMembers(t, at+"."+name, member, f.Type)
	}
}

func FuzzLoad_NeverPanics(f *testing.F) {
	for _, seed := range []string{`deny contains "x" if true`, "deny contains msg {", doubling(3), "deny contains x if x := input.app[_]", "\x00", `warn["x"] := 1`} {
		f.Add(header + seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Load(files("p.rego", text))
		if err != nil {
			return
		}
		p.limits = limits{100 * time.Millisecond, 64 << 20}
		_, _ = p.Decide(t.Context(), request(nil))
	})
}
