package tool

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

// stack is terraform in a test: the actions, a task's folder, and what terraform was given.
type stack struct {
	actions map[string]action.Action
	dataDir string
	run     action.Invocation
	calls   string
}

func fakeStack(t *testing.T, settings string, files map[string]string) *stack {
	t.Helper()
	ledger := filepath.Join(t.TempDir(), "calls")
	offered, d := offer(t, "terraform: {path: "+impersonate(t, "terraform")+", environment: {FAKE_CALLS: "+ledger+", FAKE_SECRET: hush-environment}"+settings+"}")
	return &stack{offered, d.DataDir, action.Invocation{Task: "t1", User: "user:default/ann", Workspace: workspaceWith(t, files)}, ledger}
}

func (s *stack) perform(t *testing.T, id, input string, args ...any) (*heard, error) {
	t.Helper()
	return perform(t.Context(), s.actions[id], s.run, input, args...)
}

func (s *stack) plan(t *testing.T) (h *heard, id, hash string) {
	t.Helper()
	h, err := s.perform(t, "terraform:plan", `{"variables":{"size":3,"password":"hush-variable"}}`)
	if err != nil {
		t.Fatal(err, h.log)
	}
	return h, h.text("planId"), h.text("planHash")
}

var mainTF = map[string]string{"main.tf": `resource "store" "main" {}`}

func TestTerraform_AppliesThePlanThatWasApprovedOnce(t *testing.T) {
	s := fakeStack(t, "", mainTF)
	h, id, hash := s.plan(t)
	if h.text("summary") != `{"add":1,"change":0,"destroy":0}` || h.text("changed") != "true" || !strings.Contains(h.text("text"), "store.main will be created") {
		t.Errorf("outputs %s %s %s", h.text("summary"), h.text("changed"), h.text("text"))
	}
	if !h.said("is kept for 7 days. Its hash is " + hash) {
		t.Errorf("log %v", h.log)
	}
	h, err := s.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, id, hash)
	if err != nil || h.text("outputs") != `{"address":"https://shop.test"}` {
		t.Fatalf("%v, outputs %s, log %v", err, h.text("outputs"), h.log)
	}
	if state, _ := os.ReadFile(filepath.Join(s.run.Workspace, "terraform.tfstate")); string(state) != "size 3" {
		t.Errorf("the state is %s", state)
	}
	for _, id := range []string{id, strings.Repeat("0", 32)} {
		_, err = s.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, id, hash)
		if want := map[bool]apierror.Name{true: apierror.NotFound, false: apierror.Conflict}[id[0] == '0' && id[1] == '0']; !apierror.Has(err, want) {
			t.Errorf("again: %v, want %s", err, want)
		}
	}
}

func TestTerraform_APlanIsAppliedByALaterTaskAfterARestart(t *testing.T) {
	s := fakeStack(t, ", approval: true", mainTF)
	_, id, hash := s.plan(t)
	if _, err := s.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, id, hash); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("the task that planned applied: %v", err)
	}
	if _, err := s.perform(t, "terraform:destroy", `{"confirm":true}`); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("something was destroyed that nobody saw: %v", err)
	}
	later := *s
	later.run.Task, later.run.Workspace = "t2", workspaceWith(t, mainTF)
	shown, err := later.perform(t, "terraform:show", `{"planId":"%s"}`, id)
	if err != nil || shown.text("planHash") != hash || shown.text("createdBy") != "user:default/ann" || !shown.said("store.main will be created") {
		t.Errorf("shown: %v, %v", err, shown.outputs)
	}
	if _, err := later.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, id, hash); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(s.run.Workspace, "terraform.tfstate")); err == nil {
		t.Error("it was applied in the other task's folder")
	}
}

func TestTerraform_WhatWasNotApprovedIsNotApplied(t *testing.T) {
	s := fakeStack(t, "", mainTF)
	_, id, hash := s.plan(t)
	for name, change := range map[string]func() (planID, planHash string){
		"another hash":   func() (string, string) { return id, strings.Repeat("a", 64) },
		"no hash":        func() (string, string) { return id, "" },
		"another plan":   func() (string, string) { _, other, _ := s.plan(t); return other, strings.Repeat("b", 64) },
		"a path":         func() (string, string) { return "../" + id, hash },
		"a changed file": func() (string, string) { s.write(t, "main.tf", "resource {}"); return id, hash },
		"a new file": func() (string, string) {
			s.write(t, "main.tf", mainTF["main.tf"])
			s.write(t, "more.tf", "")
			return id, hash
		},
	} {
		planID, planHash := change()
		if _, err := s.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, planID, planHash); err == nil {
			t.Errorf("%s was applied", name)
		}
	}
	for _, c := range calls(t, s.calls) {
		if c.Args[0] == "apply" {
			t.Errorf("terraform was called: %v", c.Args)
		}
	}
	s.remove(t, "more.tf")
	s.write(t, "main.tf", mainTF["main.tf"])
	if _, err := s.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, id, hash); err != nil {
		t.Errorf("refusals used the plan up: %v", err)
	}
}

func (s *stack) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.run.Workspace, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *stack) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.run.Workspace, name)); err != nil {
		t.Fatal(err)
	}
}

func TestTerraform_TwoWhoApplyAPlanAtOnceAreOne(t *testing.T) {
	s := fakeStack(t, "", mainTF)
	_, id, hash := s.plan(t)
	var all sync.WaitGroup
	results := make([]error, 4)
	for i := range results {
		run := *s
		run.run.Workspace = workspaceWith(t, mainTF)
		all.Go(func() {
			_, results[i] = run.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, id, hash)
		})
	}
	all.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !apierror.Has(err, apierror.Conflict) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d applied it", won)
	}
}

func TestTerraform_AnApplyThatIsCancelledMayFinishWhatItBegan(t *testing.T) {
	s := fakeStack(t, "", map[string]string{"main.tf": "", "slow.tf": ""})
	_, id, hash := s.plan(t)
	cancelled := errors.New("ann cancelled it")
	ctx, cancel := context.WithCancelCause(t.Context())
	h := newHeard()
	h.onLog = func(message string) {
		if message == "store.main: Creating..." {
			cancel(cancelled)
		}
	}
	run := s.run
	run.Input = action.Input(`{"planId":"` + id + `","planHash":"` + hash + `"}`)
	if err := s.actions["terraform:apply"].Execute(ctx, run, h); !errors.Is(err, cancelled) {
		t.Errorf("got %v", err)
	}
	if state, _ := os.ReadFile(filepath.Join(s.run.Workspace, "terraform.tfstate")); string(state) != "size 3" {
		t.Errorf("the state is %q", state)
	}
}

func TestTerraform_IsGivenNothingOfTheHostAndNothingSecretAsArgument(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "host")
	t.Setenv("TF_CLI_ARGS", "-destroy")
	s := fakeStack(t, ", providers: {mirror: /var/lib/mirror}", mainTF)
	if _, err := s.perform(t, "terraform:plan", `{"variables":{"password":"hush-variable"},"backendConfig":{"key":"hush-backend"},"targets":["store.main"]}`); err != nil {
		t.Fatal(err)
	}
	all := calls(t, s.calls)
	var names []string
	for _, c := range all {
		names = append(names, c.Args[0])
		if arguments := strings.Join(c.Args, " "); strings.Contains(arguments, "hush") {
			t.Errorf("a secret is an argument: %s", arguments)
		}
		var env []string
		for name := range c.Env {
			env = append(env, name)
		}
		slices.Sort(env)
		want := []string{"CHECKPOINT_DISABLE", "FAKE_CALLS", "FAKE_SECRET", "HOME", "LANG", "PATH", "TF_CLI_CONFIG_FILE", "TF_DATA_DIR", "TF_INPUT", "TF_IN_AUTOMATION", "TMPDIR"}
		if diff := cmp.Diff(want, env); diff != "" {
			t.Error(diff)
		}
		if rc := c.Files["terraform.rc"]; !strings.Contains(rc, `path = "/var/lib/mirror"`) || strings.Contains(rc, "direct") {
			t.Errorf("terraform's configuration: %s", rc)
		}
		if strings.HasPrefix(c.Env["TF_DATA_DIR"], s.run.Workspace+"/") || c.Dir != s.run.Workspace {
			t.Errorf("data in %s, working in %s", c.Env["TF_DATA_DIR"], c.Dir)
		}
	}
	if diff := cmp.Diff([]string{"init", "plan", "show", "show"}, names); diff != "" {
		t.Error(diff)
	}
	if all[0].Files["backend.tfbackend.json"] != `{"key":"hush-backend"}` || all[1].Files["variables.tfvars.json"] != `{"password":"hush-variable"}` || !slices.Contains(all[1].Args, "-target=store.main") {
		t.Errorf("files %v and %v", all[0].Files, all[1])
	}
}

func TestTerraform_NothingSensitiveIsPutOutOrLeftBehind(t *testing.T) {
	s := fakeStack(t, "", mainTF)
	h, id, hash := s.plan(t)
	if strings.Contains(h.text("json"), "hush") || !strings.Contains(h.text("json"), "(sensitive value)") {
		t.Errorf("json: %s", h.text("json"))
	}
	s.write(t, "broken.tf", "")
	broken, err := s.perform(t, "terraform:plan", `{}`)
	if err == nil || !broken.said("error: Error: Unsupported argument ***") {
		t.Errorf("a broken configuration: %v, %v", err, broken.log)
	}
	s.remove(t, "broken.tf")
	apply, err := s.perform(t, "terraform:apply", `{"planId":"%s","planHash":"%s"}`, id, hash)
	if err != nil {
		t.Fatal(err)
	}
	said, _ := json.Marshal([]any{h.log, h.outputs, broken.log, broken.outputs, apply.log, apply.outputs})
	if strings.Contains(string(said), "hush") {
		t.Errorf("a secret was told: %s", said)
	}
	s.plan(t) // this one is kept
	for _, root := range []string{s.dataDir, filepath.Dir(s.run.Workspace)} {
		_ = filepath.WalkDir(root, func(path string, _ os.DirEntry, _ error) error {
			if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), "hush") {
				t.Errorf("%s holds a secret", path)
			}
			return nil
		})
	}
	if left, _ := os.ReadDir(filepath.Dir(s.run.Workspace)); len(left) != 1 {
		t.Errorf("beside the workspace there is still %v", left)
	}
}

func TestTerraform_DestroysWhenConfirmed(t *testing.T) {
	s := fakeStack(t, "", mainTF)
	if _, err := s.perform(t, "terraform:destroy", `{"confirm":false}`); !apierror.Has(err, apierror.Input) {
		t.Errorf("unconfirmed: %v", err)
	}
	h, err := s.perform(t, "terraform:destroy", `{"confirm":true,"variables":{"size":3}}`)
	if err != nil || h.text("summary") != `{"add":0,"change":0,"destroy":1}` {
		t.Errorf("%v, %v", err, h.outputs)
	}
	if h, err := s.perform(t, "terraform:show", `{}`); err != nil || !strings.Contains(h.text("text"), "store.main is gone") {
		t.Errorf("afterwards: %v, %v", err, h.outputs)
	}
}

func TestTerraform_DryRunsPlanOnlyWhereTheOperatorWantsIt(t *testing.T) {
	if fakeStack(t, "", nil).actions["terraform:plan"].Description().SupportsDryRun {
		t.Error("whoever may dry run a template runs terraform")
	}
	s := fakeStack(t, ", dryRun: true", mainTF)
	for id, want := range map[string]bool{"terraform:plan": true, "terraform:show": true, "terraform:apply": false, "terraform:destroy": false} {
		if s.actions[id].Description().SupportsDryRun != want {
			t.Errorf("%s: %v", id, !want)
		}
	}
	s.run.DryRun = true
	h, err := s.perform(t, "terraform:plan", `{"variables":{"size":1}}`)
	if err != nil || h.outputs["planId"] != nil || h.text("changed") != "true" {
		t.Errorf("%v, %v", err, h.outputs)
	}
	if kept, _ := os.ReadDir(filepath.Join(s.dataDir, "scaffolder", "plans")); len(kept) != 0 {
		t.Errorf("kept: %v", kept)
	}
}

func TestTerraform_StaysInTheWorkspace(t *testing.T) {
	s := fakeStack(t, "", mainTF)
	if err := os.Symlink("/etc", filepath.Join(s.run.Workspace, "link")); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"..", "/etc", "link", "missing", "main.tf", "."} {
		if _, err := s.perform(t, "terraform:plan", `{"workingDirectory":"%s"}`, folder); err == nil {
			t.Errorf("%s was planned", folder)
		}
	}
}

func TestPlans_OldOnesAreForgottenAndChangedOnesRefused(t *testing.T) {
	_, d := offer(t, "{}")
	now := time.Now()
	p := plans{filepath.Join(d.DataDir, "plans"), d.Sealer, time.Hour, func() time.Time { return now }}
	first, err := p.put(planRecord{Plan: []byte("one")})
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.put(planRecord{Plan: []byte("two")})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.path(first.ID, planExt), p.path(second.ID, planExt)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.get(second.ID); err == nil {
		t.Error("a plan was taken for another one")
	}
	now = now.Add(2 * time.Hour)
	third, err := p.put(planRecord{Plan: []byte("three")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.get(second.ID); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("an old plan: %v", err)
	}
	if got, err := p.get(third.ID); err != nil || string(got.Plan) != "three" {
		t.Errorf("a new plan: %v", err)
	}
}

func TestReadPlan_MasksWhatTerraformMarks(t *testing.T) {
	shown, err := readPlan([]byte(`{"variables":{"p":{"value":"hush"}},"resource_changes":[
		{"mode":"managed","address":"a","change":{"actions":["delete","create"],"before":{"n":9007199254740993,"key":"hush","list":[{"p":"hush"},{"p":"seen"}]},"after":{"key":null},
		 "before_sensitive":{"key":true,"list":[{"p":true},{}],"absent":true},"after_sensitive":{"key":true}}},
		{"mode":"managed","address":"b","change":{"actions":["update"],"before":"hush","after":"hush","before_sensitive":true,"after_sensitive":true}},
		{"mode":"managed","address":"c","change":{"actions":["no-op"],"before_sensitive":{"x":{"y":true}},"before":[]}}],
		"output_changes":{"o":{"actions":["create"],"after":"hush","after_sensitive":true}}}`))
	if err != nil || shown.Summary != (planSummary{1, 1, 1}) || !shown.Changed {
		t.Errorf("got %+v, %v", shown.Summary, err)
	}
	if text := string(shown.JSON); strings.Contains(text, "hush") || !strings.Contains(text, "seen") || !strings.Contains(text, "9007199254740993") {
		t.Error(text)
	}
	if shown, err := readPlan([]byte(`{"resource_changes":[{"mode":"managed","change":{"actions":["no-op"]}}]}`)); err != nil || shown.Changed {
		t.Errorf("nothing changes: %+v, %v", shown, err)
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(`{"resource_changes":[{"change":{"actions":["create"],"after":{"a":[1]},"after_sensitive":{"a":[true]}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		shown, err := readPlan(data)
		if err == nil && !json.Valid(shown.JSON) {
			t.Errorf("%s became %s", data, shown.JSON)
		}
	})
}
