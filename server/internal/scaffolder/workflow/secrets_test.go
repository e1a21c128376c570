package workflow_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// canaries are what must not be seen.
var canaries = []string{"hush-hush-1", "p@ss w0rd=2/é", "three\nlines\nof-a-key", "env-secret-4"}

func canarySecrets() (entered, environment secret.Set) {
	return secret.Set{"a": secret.New(canaries[0]), "b": secret.New(canaries[1]), "c": secret.New(canaries[2])}, secret.Set{"e": secret.New(canaries[3])}
}

// leaking tells everybody everything in every way.
func leaking() act {
	return act{action.Description{ID: "leak"}, func(_ context.Context, i action.Invocation, l action.Listener) error {
		text := string(i.Input)
		for name, value := range i.Secrets {
			text += " " + name + "=" + value.Reveal() + " " + base64.StdEncoding.EncodeToString([]byte("u:"+value.Reveal()))
		}
		return errors.Join(l.Log("info", text), l.Output("all", json.RawMessage(`{"`+"k"+`":`+string(i.Input)+`}`)), errors.New(text))
	}}
}

func TestRun_SecretsAreNotTold(t *testing.T) {
	quiet := leaking()
	tell := quiet.do
	quiet.about.ID = "tell"
	quiet.do = func(ctx context.Context, i action.Invocation, l action.Listener) error {
		_ = tell(ctx, i, l)
		return nil
	}
	r := newRunner(t, leaking(), quiet)
	entered, environment := canarySecrets()
	r.Environment.Secrets = environment
	everything := `{"a":"${{ secrets.a }}","b":"x ${{ secrets.b }}","c":"${{ secrets.c }}","e":"${{ environment.secrets.e }}","${{ secrets.a }}":1,` +
		`"changed":"${{ secrets.a | upper | replace('HUSH', 'secretly') }}","kept":"in clear","deep":[{"x":"${{ secrets }}","y":"${{ secrets | dump }}"}]}`
	spec := newSpec(t, `{"steps":[{"id":"one","action":"tell","input":`+everything+`},
		{"id":"two","action":"tell","each":["${{ secrets.a }}",{"k":"${{ secrets.b }}"}],"if":"${{ secrets.a }}","input":{"v":"${{ each.value | dump }} ${{ each.value.k }}"}},
		{"id":"three","action":"tell","input":{"earlier":"${{ steps.one.output.all.k.changed }}","kept":"${{ steps.one.output.all.k.kept }}","loop":"${{ steps.two.output | dump }}"}},
		{"id":"four","action":"leak","if":"${{ always() }}","input":`+everything+`},
		{"id":"five","action":"nope ${{ secrets.a }}","if":"${{ always() }}"}],"output":{}}`, `{}`)
	j := &journal{}
	output, err := r.Run(t.Context(), workflow.Run{TaskID: "t1", Spec: spec, Secrets: entered}, j)
	told := outcome(&journal{history: j.messages()}, output, err)
	for _, s := range j.state.Steps {
		told += s.Error
	}
	for _, canary := range append(canaries, "secretly", "HUSH-HUSH", "hush", "w0rd", "lines") {
		if strings.Contains(told, canary) {
			t.Errorf("%q is told:\n%s", canary, told)
		}
	}
	if !strings.Contains(told, "in clear") {
		t.Errorf("what is not secret is hidden from later steps:\n%s", told)
	}
	if !strings.Contains(string(j.state.Steps["one"].Output), canaries[0]) {
		t.Errorf("later steps need what came out: %s", j.state.Steps["one"].Output)
	}
}

func TestRun_OutputsOfATemplateHoldNoSecrets(t *testing.T) {
	plain := echo()
	r := newRunner(t, plain)
	entered, environment := canarySecrets()
	r.Environment.Secrets = environment
	spec := newSpec(t, `{"steps":[{"id":"s","action":"say","input":{"a":"${{ secrets.a }}","made":"${{ secrets.a | length }}-digits"}}],
		"output":{"scope":"${{ secrets }}","env":"${{ environment.secrets }}","a":"see ${{ steps.s.output.a }}","made":"${{ steps.s.output.made }}",
		"links":[{"url":"https://x/${{ steps.s.output.a }}"}],"${{ steps.s.output.a }}":"key"}}`, `{}`)
	output, err := r.Run(t.Context(), workflow.Run{Spec: spec, Secrets: entered}, &journal{})
	const want = `{"env":{},"a":"see ***","made":"***","links":[{"url":"https://x/***"}],"${{ steps.s.output.a }}":"key"}`
	if err != nil || string(output) != want {
		t.Errorf("got %s, %v\nwant %s", output, err, want)
	}
}

func TestRun_WholeTextsThatOweSomethingToASecretAreNotTold(t *testing.T) {
	r := newRunner(t, echo())
	entered, _ := canarySecrets()
	const changed = `(secrets.a | replace('hush', 'quiet'))`
	for input, want := range map[string]string{
		`{"v":"it is ${{ ` + changed + ` }}, is it not"}`:                       `{"v":"***"}`,
		`{"v":"${{ [{k: ` + changed + `}] | groupby('k') }}"}`:                  `{"v":{"***":[{"k":"***"}]}}`,
		`{"v":"item ${{ each.value }}"}`:                                        `{"v":"***"}`,
		`{"v":"item ${{ each.key }}","w":["${{ 'x' if secrets.a else 'x' }}"]}`: `{"v":"item 0","w":["x"]}`,
	} {
		j := &journal{}
		spec := newSpec(t, `{"steps":[{"id":"s","action":"say","each":["${{ `+changed+` }}"],"input":`+input+`}]}`, `{}`)
		if _, err := r.Run(t.Context(), workflow.Run{Spec: spec, Secrets: entered}, j); err != nil {
			t.Fatal(err)
		}
		if told := j.messages()[3]; !strings.HasSuffix(told, ": "+want) {
			t.Errorf("%s: got %s, want %s", input, told, want)
		}
	}
}

func TestRun_WithoutSecretsNothingIsHidden(t *testing.T) {
	r := newRunner(t, echo())
	j := &journal{}
	spec := newSpec(t, `{"steps":[{"id":"s","action":"say","each":["***"],"input":{"a":"${{ secrets | dump }} ${{ environment.secrets | dump }} ${{ each.value }}"}}]}`, `{}`)
	if _, err := r.Run(t.Context(), workflow.Run{Spec: spec}, j); err != nil {
		t.Fatal(err)
	}
	if got := string(j.state.Steps["s"].Output); got != `{"a":["{} {} ***"]}` {
		t.Errorf("got %s", got)
	}
}

func TestRun_LargeTextsMadeOfSecretsAreToldWithoutTheSecrets(t *testing.T) {
	r := newRunner(t, echo())
	entered, _ := canarySecrets()
	j := &journal{}
	spec := newSpec(t, `{"steps":[{"id":"s","action":"say","each":["small","`+strings.Repeat("large ", 3000)+`"],"input":{"a":"${{ each.value }} ${{ secrets.a }}!"}}]}`, `{}`)
	if _, err := r.Run(t.Context(), workflow.Run{Spec: spec, Secrets: entered}, j); err != nil {
		t.Fatal(err)
	}
	told := j.messages()
	if !strings.HasSuffix(told[3], `: {"a":"***"}`) || !strings.HasSuffix(told[5], `large large  ***!"}`) {
		t.Errorf("got %s and …%s", told[3], told[5][len(told[5])-40:])
	}
}

func TestRun_ASecretThatIsSplitOverLinesIsNotTold(t *testing.T) {
	halves := act{action.Description{ID: "halves"}, func(_ context.Context, i action.Invocation, l action.Listener) error {
		s := i.Secrets["a"].Reveal()
		return errors.Join(l.Log("info", "begins "+s[:6]), l.Log("warn", s[6:]+" ends"), l.Log("info", "held "+s[:6]))
	}}
	r := newRunner(t, halves)
	entered, _ := canarySecrets()
	j := &journal{}
	if _, err := r.Run(t.Context(), workflow.Run{Spec: newSpec(t, `{"steps":[{"id":"s","action":"halves"}]}`, `{}`), Secrets: entered}, j); err != nil {
		t.Fatal(err)
	}
	told := strings.Join(j.messages(), "\n")
	if strings.Contains(told, canaries[0][6:]) || !strings.Contains(told, "begins ***") || !strings.Contains(told, "warn\x1b[39m: *** ends") || !strings.Contains(told, "held hush-h") {
		t.Errorf("told:\n%s", told)
	}
}
