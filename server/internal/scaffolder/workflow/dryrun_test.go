package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// building is an action that builds from the template's neighbour "in.txt".
func building(got *action.Invocation) act {
	return act{action.Description{ID: "build", SupportsDryRun: true}, func(_ context.Context, i action.Invocation, _ action.Listener) error {
		*got = i
		folder := strings.TrimSuffix(strings.TrimPrefix(i.Template.BaseURL, "file://"), "/template.yaml")
		in, err := os.ReadFile(filepath.Join(folder, "deep/in.txt"))
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(filepath.Join(i.Workspace, "out.txt"), in, 0o600),
			os.WriteFile(filepath.Join(i.Workspace, "run.sh"), []byte("#!/bin/sh\n"), 0o700))
	}}
}

func TestDryRun_FilesStandBesideTheTemplateAndTheWorkspaceComesBack(t *testing.T) {
	var got action.Invocation
	r := newRunner(t, building(&got))
	report, err := r.DryRun(t.Context(), workflow.DryRun{
		Spec: newSpec(t, `{"steps":[{"id":"b","action":"build"}],"output":{"task":"${{ context.task.id }}"}}`, `{}`), Metadata: json.RawMessage(`{"name":"x"}`),
		Files: []workflow.File{{Path: "deep/in.txt", Content: []byte("fish")}, {Path: "./a/../other.txt"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []workflow.File{{Path: "out.txt", Content: []byte("fish")}, {Path: "run.sh", Executable: true, Content: []byte("#!/bin/sh\n")}}
	if diff := cmp.Diff(want, report.DirectoryContents); diff != "" {
		t.Error(diff)
	}
	if got.Template.EntityRef != "template:default/dry-run" || string(got.Template.Entity) != `{"metadata":{"name":"x"}}` || !got.DryRun {
		t.Errorf("the action got %+v", got)
	}
	if want := `{"task":"` + got.Task + `"}`; string(report.Output) != want || !strings.HasPrefix(got.Task, "dry-run-") {
		t.Errorf("got %s, want %s", report.Output, want)
	}
	nothingLeft(t, r)
}

func nothingLeft(t *testing.T, r *workflow.Runner) {
	t.Helper()
	left, err := os.ReadDir(r.WorkingDirectory)
	if err != nil || len(left) > 0 {
		t.Errorf("%d folders are left, %v", len(left), err)
	}
}

func TestDryRun_WhatCannotBeTriedGivesExamplesAndIsNotCalled(t *testing.T) {
	called := act{action.Description{
		ID: "publish",
		Output: json.RawMessage(`{"type":"object","properties":{"url":{"type":"string"},"n":{"type":"number"},"i":{"type":"integer"},"ok":{"type":"boolean"},
			"list":{"type":"array","items":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string","examples":["first","second"]}}}},
			"any":true,"tuple":{"type":"array","items":[{"type":"number"}]},"bare":{"type":"array"},"none":{"examples":[]},"either":{"anyOf":[{"type":"string"}]}}}`),
	}, func(context.Context, action.Invocation, action.Listener) error { panic("it was called") }}
	plain := called
	plain.about = action.Description{ID: "plain"}
	odd := called
	odd.about = action.Description{ID: "odd", Output: json.RawMessage(`{"anyOf":[]}`)}
	r := newRunner(t, called, plain, odd, echo())
	report, err := r.DryRun(t.Context(), workflow.DryRun{Spec: newSpec(t, `{"steps":[{"id":"p","action":"publish","input":{"token":"${{ secrets.token }}"}},{"id":"q","action":"plain"},{"id":"r","action":"odd"}],
		"output":{"p":"${{ steps.p.output | dump }}","q":"${{ steps.q.output | dump }}","r":"${{ steps.r.output | dump }}"}}`, `{}`), Secrets: secret.Set{"token": secret.New("hush-hush")}})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, l := range report.Log {
		lines = append(lines, fmt.Sprintf("%s|%s|%s", l.Body.StepID, l.Body.Status, visible(l.Body.Message)))
	}
	var output map[string]string
	if err := json.Unmarshal(report.Output, &output); err != nil {
		t.Fatal(err)
	}
	goldentest.Compare(t, "DryRunExamples.golden", strings.Join(lines, "\n")+"\n"+output["p"]+"\n"+output["q"]+"\n"+output["r"]+"\n")
}

func TestDryRun_RefusesFilesThatAreNoneOfATemplates(t *testing.T) {
	for name, c := range map[string]struct {
		files []workflow.File
		kind  apierror.Name
	}{
		"the parent":          {[]workflow.File{{Path: "../x"}}, apierror.NotAllowed},
		"an absolute path":    {[]workflow.File{{Path: "/etc/passwd"}}, apierror.NotAllowed},
		"out and back":        {[]workflow.File{{Path: "a/../../x"}}, apierror.NotAllowed},
		"the folder itself":   {[]workflow.File{{Path: "."}}, apierror.Generic},
		"no path":             {[]workflow.File{{Path: ""}}, apierror.Generic},
		"a file as a folder":  {[]workflow.File{{Path: "a"}, {Path: "a/b"}}, apierror.Generic},
		"too many":            {make([]workflow.File, 10_001), apierror.Input},
		"too large":           {[]workflow.File{{Path: "a", Content: make([]byte, 6<<20)}, {Path: "b", Content: make([]byte, 6<<20)}}, apierror.Input},
		"a name that is long": {[]workflow.File{{Path: strings.Repeat("n", 5000)}}, apierror.Generic},
		"NUL":                 {[]workflow.File{{Path: "a\x00b"}}, apierror.Generic},
	} {
		r := newRunner(t)
		_, err := r.DryRun(t.Context(), workflow.DryRun{Spec: newSpec(t, `{"steps":[]}`, `{}`), Files: c.files})
		if err == nil || (c.kind != apierror.Generic && !apierror.Has(err, c.kind)) {
			t.Errorf("%s: got %v, want %s", name, err, c.kind)
		}
		nothingLeft(t, r)
	}
}

func TestDryRun_AFailureIsTheAnswerAndNothingIsLeft(t *testing.T) {
	r := newRunner(t, failing("fail", apierror.Conflictf("it is there")))
	_, err := r.DryRun(t.Context(), workflow.DryRun{Spec: newSpec(t, `{"steps":[{"action":"fail","input":{"x":1}}]}`, `{}`)})
	if err != nil {
		t.Errorf("an action without a dry run was called: %v", err)
	}
	spec := newSpec(t, `{"steps":[{"action":"nope"}]}`, `{}`)
	if _, err := r.DryRun(t.Context(), workflow.DryRun{Spec: spec}); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, r)
	r.WorkingDirectory = filepath.Join(r.WorkingDirectory, "a-file")
	if err := os.WriteFile(r.WorkingDirectory, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.DryRun(t.Context(), workflow.DryRun{Spec: spec}); err == nil || !strings.Contains(err.Error(), "dry run: ") {
		t.Errorf("got %v", err)
	}
}

func TestRunner_ManyRunAtOnce(t *testing.T) {
	r := newRunner(t, echo())
	var all errgroup.Group
	for i := range 8 {
		all.Go(func() error {
			secrets := secret.Set{"mine": secret.New(fmt.Sprintf("secret-number-%d", i))}
			spec := newSpec(t, `{"steps":[{"id":"a","action":"say","input":{"v":"v${{ parameters.i }}","s":"${{ secrets.mine }}"}}],"output":{"v":"${{ steps.a.output.v }}"}}`, fmt.Sprintf(`{"i":%d}`, i))
			report, err := r.DryRun(t.Context(), workflow.DryRun{Spec: spec, Secrets: secrets})
			if err != nil {
				return err
			}
			if want := fmt.Sprintf(`{"v":"v%d"}`, i); string(report.Output) != want {
				return fmt.Errorf("got %s, want %s", report.Output, want)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	nothingLeft(t, r)
}
