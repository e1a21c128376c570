package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// stories are templates and what they run with. What the journal is told of each, and how it ends, is in a golden file.
var stories = []struct{ name, spec, values string }{
	{"OutputsPassOn", `{"steps":[{"action":"say","input":{"text":"hello ${{ parameters.name }}","n":"${{ parameters.n }}"}},
		{"id":"second","name":"Second","action":"say","input":{"again":"${{ steps['step-1'].output.text }}!","n":"${{ steps['step-1'].output.n }}"}}],
		"output":{"text":[{"title":"T","content":"${{ steps.second.output.again }}"}],"n":"${{ steps.second.output.n }}","none":"${{ steps.none.output.x }}"}}`,
		`{"name":"ann","n":5}`},
	{"Conditions", `{"steps":[{"id":"no","action":"say","if":false},{"id":"yes","action":"say","if":true},{"id":"empty","action":"say","if":""},
		{"id":"list","action":"say","if":"${{ parameters.list }}"},{"id":"object","action":"say","if":"${{ parameters.object }}"},
		{"id":"zero","action":"say","if":"${{ parameters.zero }}"},{"id":"missing","action":"say","if":"${{ parameters.missing }}"},
		{"id":"broken","action":"say","if":"${{ parameters.zero | nosuch }}"},{"id":"text","action":"say","if":"false"}]}`,
		`{"list":[],"object":{},"zero":0}`},
	{"EachOfAnArray", `{"steps":[{"id":"loop","action":"say","each":"${{ parameters.list }}","if":"${{ each.value != 'skip' }}","input":{"k":"${{ each.key }}","v":"${{ each.value }}"}}],
		"output":{"vs":"${{ steps.loop.output.v | dump }}"}}`,
		`{"list":["a","skip",null,["x",null,["y",{}]],{"o":1},2.5,true]}`},
	{"EachOfAnObject", `{"steps":[{"id":"loop","action":"say","each":{"b":"${{ parameters.n }}","10":"ten","2":"two"},"input":{"v":"${{ each.key }}=${{ each.value }}"}}]}`, `{"n":1}`},
	{"EachOfNothing", `{"steps":[{"id":"loop","action":"say","each":"${{ parameters.none }}"},{"id":"later","action":"say"}]}`, `{}`},
	{"EachOfAText", `{"steps":[{"id":"loop","action":"say","each":"abc"}]}`, `{}`},
	{"EachOfAnEmptyArray", `{"steps":[{"id":"loop","action":"say","each":[],"input":{"x":1}}],"output":{"o":"${{ steps.loop.output | dump }}"}}`, `{}`},
	{"AfterAFailure", `{"steps":[{"id":"boom","name":"Boom","action":"fail"},{"id":"plain","action":"say"},{"id":"true","action":"say","if":"${{ true }}"},{"id":"yes","action":"say","if":true},
		{"id":"always","action":"say","if":"${{ always() }}"},{"id":"on","action":"say","if":"${{ failure() }}","input":{"failed":"${{ failure() }}"}},
		{"id":"not","action":"say","if":"${{ not always() }}"},{"id":"lazy","action":"say","if":"${{ true or always() }}"},
		{"id":"again","name":"Again","action":"fail","if":"${{ always() }}"}]}`, `{}`},
	{"UnknownAction", `{"steps":[{"id":"x","action":"no:such\u0000\u001b[31m"}]}`, `{}`},
	{"InvalidInput", `{"steps":[{"id":"x","action":"strict","input":{"message":{"a":1},"more":1}}]}`, `{}`},
	{"NothingOfALoopRunsWhenOneInputIsInvalid", `{"steps":[{"id":"x","action":"strict","each":["a",2],"input":{"message":"${{ each.value }}"}}]}`, `{}`},
	{"TheSameIDTwice", `{"steps":[{"id":"a","action":"say","input":{"n":1}},{"id":"a","action":"say","input":{"n":2}},{"id":"a (2)","action":"say"}],"output":{"n":"${{ steps.a.output.n }}"}}`, `{}`},
	{"Panic", `{"steps":[{"id":"x","action":"panic"},{"id":"y","action":"say","if":"${{ failure() }}"}]}`, `{}`},
	{"ErrorsThatWrapOthers", `{"steps":[{"id":"x","action":"wrap"}]}`, `{}`},
	{"Lines", `{"steps":[{"id":"x","action":"lines"}]}`, `{}`},
	{"LinksWithConditions", `{"steps":[],"output":{"links":[{"title":"a","if":"${{ parameters.yes }}","url":"https://a"},{"title":"b","if":"${{ parameters.no }}"},{"title":"c","if":"${{ parameters.missing }}"},
		{"title":"d","if":[]},{"title":"e","if":{}},"text",null],"text":[{"if":false}],"other":[{"if":false}]}}`, `{"yes":true,"no":false}`},
	{"Checkpoints", `{"steps":[{"id":"x","action":"reach"},{"id":"y","action":"reach","each":["a","b"]}]}`, `{}`},
	{"NoSteps", `{"steps":[]}`, `{}`},
	{"TheUserAndTheTask", `{"steps":[{"id":"x","action":"say","input":{"who":"${{ user.ref }}","kind":"${{ user.entity.kind }}","task":"${{ context.task.id }}","region":"${{ environment.parameters.region }}"}}]}`, `{}`},
}

func storyActions() []action.Action {
	return []action.Action{
		echo(),
		failing("fail", apierror.NotFoundf("there is no ship")),
		failing("wrap", fmt.Errorf("fetch the chart: %w", apierror.NotAllowedf("the chart is secret"))),
		act{action.Description{ID: "strict", Input: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{"message":{"type":"string"}}}`)},
			func(context.Context, action.Invocation, action.Listener) error { return errors.New("it was called") }},
		act{action.Description{ID: "panic"}, func(context.Context, action.Invocation, action.Listener) error { panic("a secret of the program") }},
		act{action.Description{ID: "lines"}, func(_ context.Context, _ action.Invocation, l action.Listener) error {
			return errors.Join(l.Log("info", "i"), l.Log("warn", "w"), l.Log("error", "e"), l.Log("debug", "d"), l.Log("loud", "other\nlines"))
		}},
		act{action.Description{ID: "reach", Repeatable: true}, func(_ context.Context, _ action.Invocation, l action.Listener) error {
			return errors.Join(l.Checkpoint("made", json.RawMessage(`{"id":7}`)), l.Output("id", json.RawMessage(`7`)), l.Output("id", json.RawMessage(`8`)))
		}},
	}
}

func TestRun_TellsWhatItDoesInTheReferencesWords(t *testing.T) {
	r := newRunner(t, storyActions()...)
	r.Environment.Parameters = json.RawMessage(`{"region":"north"}`)
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			spec := newSpec(t, story.spec, story.values)
			spec.User = &workflow.User{Ref: "user:default/ann", Entity: json.RawMessage(`{"kind":"User"}`)}
			j := &journal{}
			output, err := r.Run(t.Context(), workflow.Run{TaskID: "t1", Spec: spec}, j)
			goldentest.Compare(t, story.name+".golden", outcome(j, output, err))
		})
	}
}

// outcome is all that came of a run.
func outcome(j *journal, output json.RawMessage, err error) string {
	text := strings.Join(j.history, "\n") + "\n"
	if err != nil {
		return text + "failed: " + visible(err.Error()) + "\n"
	}
	return text + "output: " + string(output) + "\n"
}

// rules is a gate that refuses one action with one input.
type rules struct{ id, input string }

func (r rules) Allows(id string, input json.RawMessage) error {
	if id == r.id && string(input) == r.input {
		return apierror.NotAllowedf("Unauthorized action: %s. The action is not allowed.", id)
	}
	return nil
}

func TestRun_NothingOfALoopRunsWhenOneIterationIsNotAllowed(t *testing.T) {
	r := newRunner(t, echo())
	var asked []string
	ann := &principal.Principal{Kind: principal.User, Subject: "user:default/ann"}
	r.Authorize = func(_ context.Context, p *principal.Principal, ids []string) (workflow.Gate, error) {
		asked = append(asked, p.Subject+" "+strings.Join(ids, ","))
		return rules{"say", `{"v":"b"}`}, nil
	}
	j := &journal{}
	spec := newSpec(t, `{"steps":[{"id":"loop","action":"say","each":["a","b"],"input":{"v":"${{ each.value }}"}},{"id":"x","action":"other"},{"id":"y","action":"say"}]}`, `{}`)
	output, err := r.Run(t.Context(), workflow.Run{TaskID: "t1", Spec: spec, Initiator: ann}, j)
	goldentest.Compare(t, "NotAllowed.golden", outcome(j, output, err))
	if got := strings.Join(asked, ";"); got != "user:default/ann other,say" {
		t.Errorf("asked for %q", got)
	}
}

func TestRun_WithoutADecisionNothingRuns(t *testing.T) {
	r := newRunner(t, echo())
	r.Authorize = func(context.Context, *principal.Principal, []string) (workflow.Gate, error) {
		return nil, apierror.New(apierror.ServiceUnavailable, "the policy is away")
	}
	j := &journal{}
	_, err := r.Run(t.Context(), workflow.Run{Spec: newSpec(t, `{"steps":[{"action":"say"}]}`, `{}`)}, j)
	if !apierror.Has(err, apierror.ServiceUnavailable) || len(j.state.Steps) != 0 {
		t.Errorf("got %v with %v", err, j.history)
	}
}

func TestRun_ADebugHostShowsLinesOfLevelDebug(t *testing.T) {
	r := newRunner(t, storyActions()...)
	r.Logger = slog.New(slog.NewTextHandler(&strings.Builder{}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	j := &journal{}
	if _, err := r.Run(t.Context(), workflow.Run{Spec: newSpec(t, `{"steps":[{"action":"lines"}]}`, `{}`)}, j); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(j.messages(), "\n"), "\x1b[34mdebug\x1b[39m: d") {
		t.Errorf("got %q", j.messages())
	}
}

func TestRun_APanicIsTheOperatorsToRead(t *testing.T) {
	r := newRunner(t, storyActions()...)
	var log strings.Builder
	r.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	j := &journal{}
	_, err := r.Run(t.Context(), workflow.Run{TaskID: "t1", Spec: newSpec(t, `{"steps":[{"id":"x","action":"panic"}]}`, `{}`)}, j)
	if err == nil || strings.Contains(strings.Join(append(j.history, err.Error()), "\n"), "of the program") {
		t.Errorf("users read %v, %q", err, j.history)
	}
	for _, part := range []string{`"task":"t1"`, `"step":"x"`, `"action":"panic"`, "a secret of the program", "story_test.go"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %q: %s", part, log.String())
		}
	}
}

func TestRun_PluginsGetNoCredentials(t *testing.T) {
	got := map[string]action.Invocation{}
	spy := func(id string) act {
		return act{action.Description{ID: id}, func(_ context.Context, i action.Invocation, _ action.Listener) error {
			got[id] = i
			return nil
		}}
	}
	r := newRunner(t, spy("own"))
	if err := r.Actions.Set("plugin:sentry", []action.Action{spy("theirs")}); err != nil {
		t.Fatal(err)
	}
	spec := newSpec(t, `{"steps":[{"id":"a","name":"A","action":"own"},{"id":"b","name":"B","action":"theirs","input":{"token":"${{ secrets.token }}"}}]}`, `{}`)
	spec.User = &workflow.User{Ref: "user:default/ann", Entity: json.RawMessage(`{"kind":"User"}`)}
	spec.TemplateInfo = &workflow.TemplateInfo{EntityRef: "template:default/x", BaseURL: "https://a/template.yaml", Entity: json.RawMessage(`{"metadata":{}}`)}
	ann := &principal.Principal{Kind: principal.User, Subject: "user:default/ann"}
	_, err := r.Run(t.Context(), workflow.Run{
		TaskID: "t1", Spec: spec, Initiator: ann, Workspace: "/w", Secrets: secret.Set{"token": secret.New("hush-hush"), "other": secret.New("still")},
	}, &journal{})
	if err != nil {
		t.Fatal(err)
	}
	if own := got["own"]; own.Initiator != ann || own.Secrets["other"].Reveal() != "still" || own.Workspace != "/w" || own.Template.BaseURL != "https://a/template.yaml" {
		t.Errorf("the host's action got %+v", own)
	}
	theirs := got["theirs"]
	if theirs.Initiator != nil || len(theirs.Secrets) != 0 || string(theirs.Input) != `{"token":"hush-hush"}` {
		t.Errorf("the plugin's action got %+v with %s", theirs, string(theirs.Input))
	}
	if theirs.User != "user:default/ann" || string(theirs.UserEntity) != `{"kind":"User"}` || theirs.StepName != "B" || theirs.Step != "b" || theirs.Task != "t1" {
		t.Errorf("the plugin's action got %+v", theirs)
	}
}
