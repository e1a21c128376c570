package policy

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files is a bundle in memory; names and texts alternate.
func files(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

const header = "package callboard.gateway\n"

func load(t *testing.T, rules string) *Policy {
	t.Helper()
	p, err := Load(files("p.rego", header+rules))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(change func(*Input)) Input {
	in := Input{
		Request: Request{App: "shop", API: "api:default/orders", Plan: "gold", TTLDays: 90, Environment: "staging"},
		Caller:  Caller{Ref: "user:default/ann", Groups: []string{"group:default/shop"}},
		Plan:    Plan{ID: "gold", Name: "Gold", Limits: []Limit{{Requests: 1000, WindowSeconds: 86400}}},
		App:     sdk.Entity{"metadata": map[string]any{"name": "shop"}, "spec": map[string]any{"owner": "group:default/shop"}},
		API:     sdk.Entity{"metadata": map[string]any{"name": "orders"}, "spec": map[string]any{"lifecycle": "experimental"}},
		Now:     time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC),
	}
	if change != nil {
		change(&in)
	}
	return in
}

func TestDecide_SortsWhatRulesFindBySeverity(t *testing.T) {
	for name, c := range map[string]struct {
		rules string
		input func(*Input)
		want  Decision
	}{
		"nothing found": {rules: `deny contains "no" if input.request.ttlDays > 100`},
		"texts": {
			rules: `deny contains "no" if input.request.ttlDays > 50` + "\n" + `warn contains "hm" if input.caller.groups[_] == "group:default/shop"`,
			want:  Decision{Critical: []Finding{{"deny", "no"}}, Warning: []Finding{{"warn", "hm"}}},
		},
		"both names of a severity, objects with members of their own": {
			rules: `
				deny contains {"msg": "a", "rule": "z", "link": "https://example.com"} if true
				critical contains {"msg": "b", "rule": "y"} if true
				advise contains "c" if true
				advisory contains {"msg": "d"} if true`,
			want: Decision{Critical: []Finding{{"y", "b"}, {"z", "a"}}, Advisory: []Finding{{"advise", "c"}, {"advisory", "d"}}},
		},
		"a list": {
			rules: `warning := ["b", "a"]`,
			want:  Decision{Warning: []Finding{{"warning", "a"}, {"warning", "b"}}},
		},
		"approval": {
			rules: `deny contains "x" if false` + "\n" + `approval := "required" if input.request.environment == "production"`,
			input: func(in *Input) { in.Request.Environment = "production" },
			want:  Decision{Approval: ApprovalRequired},
		},
		"approval that has no value": {
			rules: `deny contains "x" if false` + "\n" + `approval := "required" if input.request.environment == "production"`,
		},
		"entities": {
			rules: `deny contains sprintf("%s of %s", [input.app.metadata.name, input.app.spec.owner]) if input.api.spec.lifecycle == "experimental"`,
			want:  Decision{Critical: []Finding{{"deny", "shop of group:default/shop"}}},
		},
		"the clock is the request's": {
			rules: `deny contains time.format(time.now_ns()) if input.now == "2026-11-28T12:00:00Z"`,
			want:  Decision{Critical: []Finding{{"deny", "2026-11-28T12:00:00Z"}}},
		},
		"no groups and no limits can be counted": {
			rules: `deny contains "x" if { count(input.caller.groups) == 0; count(input.plan.limits) == 0 }`,
			input: func(in *Input) { in.Caller.Groups, in.Plan.Limits = nil, nil },
			want:  Decision{Critical: []Finding{{"deny", "x"}}},
		},
		"an app that is not known yet": {
			rules: `deny contains "x" if not input.app.spec.owner`,
			input: func(in *Input) { in.App = nil },
			want:  Decision{Critical: []Finding{{"deny", "x"}}},
		},
		"print does nothing": {
			rules: `deny contains "x" if print(input.request)`,
			want:  Decision{Critical: []Finding{{"deny", "x"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, c.rules).Decide(t.Context(), request(c.input))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecide_RefusesWhereARuleAnswersWhatNobodyKnows(t *testing.T) {
	const value, values = `deny := input.app.spec.v`, `deny contains v if some v in input.app.spec.v`
	approval := `deny contains "x" if false` + "\n" + `approval := input.app.spec.v`
	for name, c := range map[string]struct {
		rules string
		v     any
		want  string
	}{
		"a boolean":            {value, true, "rule deny must be a set or an array of messages, not boolean"},
		"a text":               {value, "no", "not string"},
		"an object":            {value, map[string]any{"x": "no"}, "not object"},
		"numbers":              {values, []any{1}, `a message must be a text or an object with "msg", not number`},
		"no msg":               {values, []any{map[string]any{"message": "no"}}, "a message must be a text of 1 to 2000 bytes"},
		"msg of another type":  {values, []any{map[string]any{"msg": []any{"no"}}}, "a message must be a text of 1 to 2000 bytes"},
		"empty":                {values, []any{" "}, "a message must be a text"},
		"a rule without name":  {values, []any{map[string]any{"msg": "no", "rule": 7}}, "member rule of a message must be a text"},
		"one of several":       {values, []any{"no", 7}, "not number"},
		"another approval":     {approval, "manual", `rule approval must be "auto" or "required"`},
		"approval of no text":  {approval, true, `rule approval must be "auto" or "required"`},
		"approval of two ways": {`deny contains "x" if false` + "\n" + `approval := "auto" if true` + "\n" + `approval := "required" if true`, nil, "p.rego:4: eval_conflict_error"},
		"a builtin's error":    {`deny contains "x" if to_number(input.request.reason) > 1`, nil, "p.rego:2"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, c.rules).Decide(t.Context(), request(func(in *Input) { in.App["spec"] = map[string]any{"v": c.v} }))
			if !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v, want an error with %q", got, err, c.want)
			}
			if diff := cmp.Diff(Decision{}, got); diff != "" {
				t.Errorf("something is decided all the same: %s", diff)
			}
		})
	}
}

func TestLoad_SaysWhatIsWrongAndWhere(t *testing.T) {
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"syntax":              {files("a.rego", header+"deny contains \"x\" if true\n", "sub/b.rego", header+"\ndeny contains msg {\n"), "sub/b.rego:4: rego_parse_error"},
		"language of before":  {files("a.rego", header+`deny[msg] { msg := "x" }`), "a.rego:2: rego_parse_error: `if` keyword is required"},
		"unknown variable":    {files("a.rego", header+"deny contains x if true"), "a.rego:2: rego_unsafe_var_error"},
		"recursion":           {files("a.rego", header+"deny contains \"x\" if p\np if q\nq if p"), "rego_recursion_error"},
		"network":             {rule(`http.send({"method": "get", "url": "http://127.0.0.1/"})`), "undefined function http.send"},
		"names":               {rule(`net.lookup_ip_addr("localhost")`), "undefined function net.lookup_ip_addr"},
		"environment":         {rule(`opa.runtime().env.HOME`), "undefined function opa.runtime"},
		"chance":              {rule(`rand.intn("x", 3)`), "undefined function rand.intn"},
		"fetching schemas":    {rule(`json.match_schema({}, {"$ref": "http://127.0.0.1/"})`), "undefined function json.match_schema"},
		"rules of rules":      {rule(`rego.parse_module("x", "package x")`), "undefined function rego.parse_module"},
		"signing":             {rule(`providers.aws.sign_req({}, {}, 1)`), "undefined function providers.aws.sign_req"},
		"a member's name":     {files("a.rego", header+"deny contains \"x\" if input.request.ttl > 365"), "a.rego:2: rego_type_error: undefined ref: input.request.ttl"},
		"a member's type":     {files("a.rego", header+`deny contains "x" if startswith(input.request.ttlDays, "3")`), "a.rego:2: rego_type_error"},
		"several":             {files("a.rego", header+"deny contains x if true", "b.rego", header+"deny contains y if true"), "b.rego:2"},
		"another package":     {files("a.rego", "package gateway\ndeny contains \"x\" if true"), "package callboard.gateway has none of the rules deny, critical"},
		"only approval":       {files("a.rego", header+`approval := "auto"`), "has none of the rules"},
		"a function":          {files("a.rego", header+`deny(x) := ["no"]`), "a.rego:2: deny must be a rule, not a function"},
		"a boolean":           {files("a.rego", header+`deny if true`), "a.rego:2: deny must be a set or an array of messages: write deny contains msg if { … }, not boolean"},
		"a text":              {files("a.rego", header+`warn := "no"`), "a.rego:2: warn must be a set or an array of messages"},
		"an object":           {files("a.rego", header+`deny["x"] := "no"`), "a.rego:2: deny must be a set or an array of messages"},
		"numbers":             {files("a.rego", header+`deny contains 1 if true`), "a.rego:2: deny must be a set or an array of messages"},
		"no msg":              {files("a.rego", header+`deny contains {"message": "no"} if true`), "a.rego:2: deny must be a set or an array of messages"},
		"msg of another type": {files("a.rego", header+`deny contains {"msg": 7} if true`), "a.rego:2: deny must be a set or an array of messages"},
		"numbers in a list":   {files("a.rego", header+`deny := ["no", 7]`), "a.rego:2: deny must be a set or an array of messages"},
		"another approval":    {files("a.rego", header+`deny contains "x" if true`+"\n"+`approval := "manual"`), `a.rego:3: approval must be "auto" or "required", not "manual"`},
		"approval of no text": {files("a.rego", header+`deny contains "x" if true`+"\n"+`approval if true`), `a.rego:3: approval must be "auto" or "required", not boolean`},
		"no rules":            {files("data.json", "{}", "README.md", "x"), "there is no file with rules"},
		"only tests":          {files("a_test.rego", header+`deny contains "x" if true`), "there is no file with rules"},
		"an empty file":       {files("a.rego", ""), "a.rego"},
		"data over rules":     {files("a.rego", header+`deny contains "x" if true`, "callboard/gateway/data.json", `{"deny": []}`), "conflict"},
		"data that is none":   {files("a.rego", header+`deny contains "x" if true`, "data.json", "{\n\"a\": 1,\n}"), "data.json: line 3"},
		"data that is a list": {files("a.rego", header+`deny contains "x" if true`, "data.json", `[]`), "data.json: must be an object"},
		"two objects":         {files("a.rego", header+`deny contains "x" if true`, "data.json", `{}{}`), "has more after its object"},
		"data twice":          {files("a.rego", header+`deny contains "x" if true`, "data.json", `{"a": {"b": 1}}`, "a/data.json", `{"b": 2}`), "member b is there twice"},
		"YAML":                {files("a.rego", header+`deny contains "x" if true`, "data.yaml", `a: 1`), "write it as data.json"},
		"a large file":        {files("a.rego", header+"#"+strings.Repeat("x", usual.file)), "a.rego has more than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(c.files)
			if !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func rule(condition string) fstest.MapFS {
	return files("a.rego", header+"deny contains \"x\" if "+condition)
}

func TestLoad_KeepsToItsFirstMistakes(t *testing.T) {
	var many strings.Builder
	for range 30 {
		many.WriteString("deny contains x if true\n")
	}
	_, err := Load(files("a.rego", header+many.String()))
	if err == nil || strings.Count(err.Error(), "rego_unsafe_var_error") > 11 {
		t.Errorf("got %v", err)
	}
}

func TestDefault_PassesItsOwnTests(t *testing.T) {
	folder, err := defaultFolder()
	if err != nil {
		t.Fatal(err)
	}
	results, err := Test(t.Context(), folder)
	if err != nil || len(results) < 10 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s (%s): %v", r.Name, r.Path, r.Err)
		}
	}
}

func TestDefault_DecidesOverRealInputs(t *testing.T) {
	p, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Input)
		want   []string // severity/rule
	}{
		"modest": {nil, nil},
		"without an end, of a person, in production": {func(in *Input) {
			in.Request.TTLDays, in.Request.Environment = 0, "Production"
			in.App["spec"] = map[string]any{"owner": "user:default/ann"}
		}, []string{"critical/owner-is-a-group", "critical/ttl", "approval/required"}},
		"much, deprecated": {func(in *Input) {
			in.Plan.Limits = []Limit{{Requests: 100, WindowSeconds: 1}}
			in.API["spec"] = map[string]any{"lifecycle": "deprecated"}
		}, []string{"warning/deprecated", "warning/quota-needs-a-reason"}},
		"a year": {func(in *Input) { in.Request.TTLDays = 365 }, []string{"advisory/long-ttl"}},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := p.Decide(t.Context(), request(c.change))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, summary(d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func summary(d Decision) []string {
	var s []string
	for _, f := range d.Critical {
		s = append(s, "critical/"+f.Rule)
	}
	for _, f := range d.Warning {
		s = append(s, "warning/"+f.Rule)
	}
	for _, f := range d.Advisory {
		s = append(s, "advisory/"+f.Rule)
	}
	if d.Approval != "" {
		s = append(s, "approval/"+string(d.Approval))
	}
	return s
}

func TestDigest_ChangesWithAnyFile(t *testing.T) {
	base := files("a.rego", header+`deny contains "x" if true`, "data.json", `{"n": 1}`)
	digests := map[string]bool{}
	for _, change := range []func(fstest.MapFS){
		func(fstest.MapFS) {},
		func(f fstest.MapFS) { f["data.json"] = &fstest.MapFile{Data: []byte(`{"n": 2}`)} },
		func(f fstest.MapFS) { f["b.rego"] = &fstest.MapFile{Data: []byte(header)} },
		func(f fstest.MapFS) { f["b.rego"], f["a.rego"] = f["a.rego"], nil; delete(f, "a.rego") },
	} {
		fsys := maps.Clone(base)
		change(fsys)
		for range 2 {
			p, err := Load(fsys)
			if err != nil {
				t.Fatal(err)
			}
			digests[p.Digest()] = true
		}
	}
	if len(digests) != 4 {
		t.Errorf("4 bundles have %d digests", len(digests))
	}
}

func TestDecide_EndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load(t, `deny contains "x" if true`).Decide(ctx, request(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
