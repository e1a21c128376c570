package templating

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const recorded = "../../conformance/testdata"

// recordedCase is a case with one request, as the reference answered it.
type recordedCase struct {
	ID    string
	Why   string
	Steps []struct {
		Request struct {
			Path string
			Body json.RawMessage
		}
		Expect struct {
			Status int
			Body   json.RawMessage
		}
		Select string
	}
}

func recordedCases(t *testing.T, file string) (all []recordedCase) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(recorded, "cases", file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var c recordedCase
		if json.Unmarshal(line, &c) == nil && len(c.Steps) > 0 { // those of another form are of other areas
			all = append(all, c)
		}
	}
	return all
}

type dryRun struct {
	Template struct {
		Spec struct {
			Steps  []dryRunStep
			Output json.RawMessage
		}
	}
	Values  json.RawMessage
	Secrets map[string]string
}

type dryRunStep struct {
	ID              string
	If, Each, Input json.RawMessage
}

// scope is what the reference shows a dry run: its outputs nothing of secrets, its steps stars in their place.
func (d dryRun) scope(t *testing.T, user json.RawMessage, ofStep bool) Scope {
	s := Scope{Failed: new(bool)}
	// The last step of a dry run, which nobody wrote, collects the workspace.
	steps := map[string]any{"<uid>": map[string]any{"output": map[string]any{}}}
	if ofStep {
		steps = map[string]any{}
		stars := map[string]string{}
		for name := range d.Secrets {
			stars[name] = "***"
		}
		s.Secrets = marshal(t, map[string]any{"secrets": stars, "environment": map[string]any{"secrets": map[string]string{"envSecret": "***"}}})
	}
	s.Variables = marshal(t, map[string]any{
		"parameters":  d.Values,
		"environment": map[string]any{"parameters": map[string]string{"region": "north-quay", "tier": "3"}, "secrets": map[string]any{}},
		"steps":       steps,
		"user":        user,
		"context":     map[string]any{"task": map[string]string{"id": "dry-run-<uid>"}},
	})
	return s
}

func marshal(t *testing.T, value any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// recordedUser is the answer to the case that shows the variable user.
func recordedUser(t *testing.T, cases []recordedCase) json.RawMessage {
	t.Helper()
	for _, c := range cases {
		var answer struct{ V json.RawMessage }
		if strings.HasSuffix(c.Why, ": ${{ user }}") && json.Unmarshal(c.Steps[0].Expect.Body, &answer) == nil {
			return answer.V
		}
	}
	t.Fatal("no case shows the user")
	return nil
}

func TestReplay_OutputsAreThoseOfTheReference(t *testing.T) {
	e := sharedEngine(t)
	replayed := 0
	cases := recordedCases(t, "scaffolder.templating.jsonl")
	user := recordedUser(t, cases)
	for i, c := range cases {
		if !sampled(i) {
			continue
		}
		step := c.Steps[0]
		var d dryRun
		if err := json.Unmarshal(step.Request.Body, &d); err != nil {
			t.Fatal(err)
		}
		template := string(d.Template.Spec.Output)
		if step.Select != "/output" || strings.Contains(template, "steps.") || strings.Contains(template, "steps[") || strings.Contains(template, `"links"`) {
			continue // what other steps did, and conditions of links, are the workflow's
		}
		replayed++
		r, err := e.Value(context.Background(), raw(template), d.scope(t, user, false))
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		sameJSON(t, c.ID+": "+c.Why, r.Value, step.Expect.Body)
	}
	if replayed < 300 && !raced {
		t.Errorf("only %d cases", replayed)
	}
}

const inputsLogged = "in dry-run mode with inputs (secrets redacted): "

// TestReplay_ConditionsAndInputsAreThoseOfTheReference reads the log of dry runs: whether a step's condition let it run, and
// with which input.
func TestReplay_ConditionsAndInputsAreThoseOfTheReference(t *testing.T) {
	e := sharedEngine(t)
	conditions, inputs := 0, 0
	cases := recordedCases(t, "scaffolder.templating.jsonl")
	user := recordedUser(t, cases)
	for i, c := range cases {
		if !sampled(i) {
			continue
		}
		var d dryRun
		if err := json.Unmarshal(c.Steps[0].Request.Body, &d); err != nil {
			t.Fatal(err)
		}
		log := logOf(c)
		for _, step := range d.Template.Spec.Steps {
			if strings.Contains(string(step.Input)+string(step.If), "steps.") || strings.Contains(c.Why, "same id") {
				continue
			}
			s := d.scope(t, user, true)
			if logged, ok := loggedInput(log, step.ID); ok && len(step.Each) == 0 && len(step.Input) > 0 {
				inputs++
				sameJSON(t, c.ID+": "+c.Why, mustValue(t, e, string(step.Input), s).Value, raw(logged))
			}
			if strings.HasPrefix(string(step.If), `"`) && len(step.Each) == 0 && len(log) > 0 {
				conditions++
				skipped := slices.ContainsFunc(log, func(l logged) bool { return l.StepID == step.ID && l.Status == "skipped" })
				if Truthy(mustValue(t, e, string(step.If), s).Value) == skipped {
					t.Errorf("%s: %s: skipped is %v", c.ID, c.Why, skipped)
				}
			}
		}
	}
	if (conditions < 20 || inputs < 27) && !raced {
		t.Errorf("only %d conditions and %d inputs", conditions, inputs)
	}
}

type logged struct{ StepID, Status, Message string }

// logOf is the log of a dry run that ended well.
func logOf(c recordedCase) (log []logged) {
	if c.Steps[0].Expect.Status != 200 {
		return nil
	}
	if json.Unmarshal(c.Steps[0].Expect.Body, &log) == nil && len(log) > 0 && log[0].Message != "" {
		return log
	}
	var whole struct{ Log []struct{ Body logged } }
	_ = json.Unmarshal(c.Steps[0].Expect.Body, &whole)
	log = nil
	for _, entry := range whole.Log {
		log = append(log, entry.Body)
	}
	return log
}

func loggedInput(log []logged, step string) (string, bool) {
	for _, l := range log {
		if _, input, ok := strings.Cut(l.Message, inputsLogged); ok && l.StepID == step {
			return input, true
		}
	}
	return "", false
}

func TestReplay_ViolationsAreThoseOfTheReference(t *testing.T) {
	e := sharedEngine(t)
	replayed := 0
	for _, c := range recordedCases(t, "scaffolder.api.jsonl") {
		step := c.Steps[len(c.Steps)-1]
		var want struct{ Errors []map[string]any }
		if json.Unmarshal(step.Expect.Body, &want) != nil || len(want.Errors) == 0 || want.Errors[0]["stack"] == nil && want.Errors[0]["property"] == nil {
			continue
		}
		replayed++
		got := violations(t, e, step.Request.Body)
		if diff := cmp.Diff(recordable(want.Errors), recordable(got)); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", c.ID, c.Why, diff)
		}
	}
	if replayed < 10 {
		t.Errorf("only %d cases", replayed)
	}
}

// violations checks what a request for a task gives: the secrets, then each page of parameters; the first that does not
// fit is told of.
func violations(t *testing.T, e *Engine, body json.RawMessage) (got []map[string]any) {
	t.Helper()
	var request struct {
		TemplateRef     string
		Template        struct{ Spec templateSpec }
		Values, Secrets json.RawMessage
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	spec := request.Template.Spec
	if request.TemplateRef != "" {
		spec = fixtureSpec(t, request.TemplateRef)
	}
	check := func(schema, value json.RawMessage, property string) {
		if len(got) > 0 || len(schema) == 0 {
			return
		}
		all, err := e.Validate(context.Background(), schema, value, property)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range spec.pages(t) {
		check(page, request.Values, "instance")
	}
	check(spec.Secrets.Schema, raw(orEmpty(request.Secrets)), "secrets")
	return got
}

type templateSpec struct {
	Parameters json.RawMessage
	Secrets    struct{ Schema json.RawMessage }
}

func (s templateSpec) pages(t *testing.T) (pages []json.RawMessage) {
	if len(s.Parameters) == 0 || s.Parameters[0] != '[' {
		return []json.RawMessage{s.Parameters}
	}
	if err := json.Unmarshal(s.Parameters, &pages); err != nil {
		t.Fatal(err)
	}
	return pages
}

// recordable leaves out what the recorded cases do not hold.
func recordable(violations []map[string]any) []map[string]any {
	for _, v := range violations {
		delete(v, "stack")
		if schema, ok := v["schema"].(map[string]any); ok {
			delete(schema, "$id")
		}
	}
	return violations
}

func fixtureSpec(t *testing.T, templateRef string) (spec templateSpec) {
	t.Helper()
	name := templateRef[strings.LastIndex(templateRef, "/")+1:]
	data, err := os.ReadFile(filepath.Join(recorded, "fixtures/catalog/templates", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var entity map[string]any
	if err := yaml.Unmarshal(data, &entity); err != nil {
		t.Fatal(err)
	}
	if data, err = json.Marshal(entity["spec"]); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}
