package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/tool/tooltest"
)

// ciKinds are the four servers, with the least that each needs.
var ciKinds = map[string]struct {
	serve                 func(*tooltest.CI) *tooltest.CI
	settings, input       string
	run                   tooltest.Run
	id                    string
	good, bad             []string // scripts
	goodStatus, badStatus string
	log                   []string
}{
	"github": {
		tooltest.GitHub, "token: ci-token", `"repository":"acme/shop","workflow":"release.yaml","ref":"main","parameters":{"version":"1.2","big":9007199254740993,"list":[1]}`,
		tooltest.Run{ID: 100, Of: "acme/shop release.yaml", Ref: "main", Parameters: map[string]string{"version": "1.2", "big": "9007199254740993", "list": "[1]"}}, "100",
		[]string{"queued", "in_progress", "completed:success"}, []string{"completed:timed_out"}, "success", "timed_out",
		[]string{"info: The run 100 is in_progress", "info: The run 100 is success"},
	},
	"gitlab": {
		tooltest.GitLab, "token: ci-token", `"repository":"group/sub/shop","ref":"main","parameters":{"A":true}`,
		tooltest.Run{ID: 100, Of: "group/sub/shop", Ref: "main", Parameters: map[string]string{"A": "true"}}, "100",
		[]string{"pending", "running", "success"}, []string{"running", "canceled"}, "success", "canceled",
		[]string{"info: The run 100 is pending", "info: The run 100 is running", "info: The run 100 is success"},
	},
	"jenkins": {
		tooltest.Jenkins, "user: ann, token: ci-token", `"job":"team/shop","parameters":{"A":"b c&d"}`,
		tooltest.Run{ID: 100, Of: "team/shop", Parameters: map[string]string{"A": "b c&d"}}, "queue-100",
		[]string{"building", "done:SUCCESS"}, []string{"done:UNSTABLE"}, "success", "unstable",
		[]string{"info: The run queue-100 is queued: Waiting for next available executor", "info: The run 1100 is started", "info: The run 1100 is building", "info: The run 1100 is success"},
	},
	"concourse": {
		tooltest.Concourse, "user: ann, password: sesame, team: web", `"pipeline":"deploy","job":"ship"`,
		tooltest.Run{ID: 100, Of: "web/deploy/ship"}, "100",
		[]string{"started", "succeeded"}, []string{"aborted"}, "succeeded", "aborted",
		[]string{"info: The run 100 is started", "info: The run 100 is succeeded"},
	},
}

func ciAction(t *testing.T, kind string, c *tooltest.CI) action.Action {
	t.Helper()
	server := httptest.NewServer(ciKinds[kind].serve(c))
	t.Cleanup(server.Close)
	offered, _ := offer(t, fmt.Sprintf("ci: {main: {type: %s, url: '%s', %s, pollInterval: 1ms}}", kind, server.URL, ciKinds[kind].settings))
	return offered["ci:trigger"]
}

func eachCI(t *testing.T, test func(t *testing.T, kind string)) {
	t.Helper()
	for kind := range ciKinds {
		t.Run(kind, func(t *testing.T) { test(t, kind) })
	}
}

func TestCITrigger_StartsARunAndFollowsItToItsEnd(t *testing.T) {
	eachCI(t, func(t *testing.T, kind string) {
		k := ciKinds[kind]
		c := &tooltest.CI{Script: k.good}
		h, err := perform(t.Context(), ciAction(t, kind, c), action.Invocation{}, `{"server":"main",%s}`, k.input)
		if err != nil {
			t.Fatal(err, h.log)
		}
		if diff := cmp.Diff([]tooltest.Run{k.run}, c.Runs(), cmpopts.IgnoreUnexported(tooltest.Run{})); diff != "" {
			t.Error(diff)
		}
		if h.text("status") != k.goodStatus || h.text("success") != "true" || h.text("runId") != k.id || !strings.HasPrefix(h.text("url"), "http://127.0.0.1") {
			t.Errorf("outputs %s", h.outputs)
		}
		if diff := cmp.Diff(k.log, h.log[1:]); diff != "" {
			t.Error(diff)
		}
		said, _ := json.Marshal([]any{h.log, h.outputs, h.checkpoints})
		if strings.Contains(string(said), tooltest.Token) || strings.Contains(string(said), tooltest.Password) {
			t.Errorf("credentials are told: %s", said)
		}
	})
}

func TestCITrigger_ARunThatFailsFailsTheStepUnlessThatIsAllowed(t *testing.T) {
	eachCI(t, func(t *testing.T, kind string) {
		k := ciKinds[kind]
		a := ciAction(t, kind, &tooltest.CI{Script: k.bad})
		h, err := perform(t.Context(), a, action.Invocation{}, `{"server":"main",%s}`, k.input)
		if err == nil || !strings.Contains(err.Error(), "ended as "+k.badStatus) || h.text("status") != k.badStatus {
			t.Errorf("got %v", err)
		}
		h, err = perform(t.Context(), a, action.Invocation{}, `{"server":"main","allowFailure":true,%s}`, k.input)
		if err != nil || h.text("success") != "false" {
			t.Errorf("allowed: %v, %s", err, h.outputs)
		}
	})
}

func TestCITrigger_MayGoOnWithoutWaiting(t *testing.T) {
	eachCI(t, func(t *testing.T, kind string) {
		c := &tooltest.CI{}
		h, err := perform(t.Context(), ciAction(t, kind, c), action.Invocation{}, `{"server":"main","wait":false,%s}`, ciKinds[kind].input)
		if err != nil || len(c.Runs()) != 1 || h.text("success") != "false" || h.text("runId") == "" {
			t.Errorf("%v, %s", err, h.outputs)
		}
	})
}

func TestCITrigger_AHostThatDiesWhileItWaitsGoesOnWithTheSameRun(t *testing.T) {
	eachCI(t, func(t *testing.T, kind string) {
		k := ciKinds[kind]
		for moment := range len(k.log) { // after the run was started, and after each change of its status but the last
			c := &tooltest.CI{Script: k.good}
			a := ciAction(t, kind, c)
			ctx, die := context.WithCancel(t.Context())
			first := newHeard()
			first.onLog = func(string) {
				if len(first.log) > moment {
					die()
				}
			}
			input := action.Input(`{"server":"main",` + k.input + `}`)
			if err := a.Execute(ctx, action.Invocation{Input: input}, first); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			again := newHeard()
			if err := a.Execute(t.Context(), action.Invocation{Input: input, Checkpoints: first.checkpoints}, again); err != nil {
				t.Fatalf("died after %q: %v", first.log[moment], err)
			}
			if len(c.Runs()) != 1 || again.text("status") != k.goodStatus || !again.said("Going on with the run ") {
				t.Errorf("died after %q: %d runs, log %v", first.log[moment], len(c.Runs()), again.log)
			}
		}
	})
}

func TestCITrigger_AHostThatDiesWhileItAsksStartsNoSecondRun(t *testing.T) {
	eachCI(t, func(t *testing.T, kind string) {
		c := &tooltest.CI{Script: ciKinds[kind].good}
		a := ciAction(t, kind, c)
		input := action.Input(`{"server":"main",` + ciKinds[kind].input + `}`)
		first := newHeard()
		first.onKeep = func(key string) error {
			if key == keyRun {
				return errors.New("the host died")
			}
			return nil
		}
		if err := a.Execute(t.Context(), action.Invocation{Input: input}, first); err == nil {
			t.Fatal("it went on without its checkpoint")
		}
		again := newHeard()
		err := a.Execute(t.Context(), action.Invocation{Input: input, Checkpoints: first.checkpoints}, again)
		if !apierror.Has(err, apierror.Conflict) || !strings.Contains(err.Error(), "cannot know whether there is one") || len(c.Runs()) != 1 {
			t.Fatalf("%v, %d runs", err, len(c.Runs()))
		}
		// The user looked, and wants it again.
		if err := a.Execute(t.Context(), action.Invocation{Input: input, Checkpoints: again.checkpoints}, newHeard()); err != nil || len(c.Runs()) != 2 {
			t.Errorf("%v, %d runs", err, len(c.Runs()))
		}
	})
}

func TestCITrigger_AServerThatIsAwayForAMomentIsAskedAgain(t *testing.T) {
	eachCI(t, func(t *testing.T, kind string) {
		c := &tooltest.CI{Script: ciKinds[kind].good}
		a := ciAction(t, kind, c)
		h := newHeard()
		h.onLog = func(message string) {
			if strings.HasPrefix(message, "Started") {
				c.Refuse(503, 429, 502)
			}
		}
		input := action.Input(`{"server":"main",` + ciKinds[kind].input + `}`)
		if err := a.Execute(t.Context(), action.Invocation{Input: input}, h); err != nil || len(c.Runs()) != 1 {
			t.Errorf("%v, %d runs, log %v", err, len(c.Runs()), h.log)
		}
		if !h.said("503 Service Unavailable: not now") {
			t.Errorf("log %v", h.log)
		}
		h = newHeard()
		h.onLog = func(message string) {
			if strings.HasPrefix(message, "Started") {
				c.Refuse(slices.Repeat([]int{503}, 2*maxFailures+2)...)
			}
		}
		if err := a.Execute(t.Context(), action.Invocation{Input: input}, h); err == nil || !strings.Contains(err.Error(), "ask for the run") {
			t.Errorf("away for good: %v", err)
		}
	})
}

func TestCITrigger_StartingIsNotTriedTwice(t *testing.T) {
	c := &tooltest.CI{}
	a := ciAction(t, "gitlab", c)
	c.Refuse(0)
	h, err := perform(t.Context(), a, action.Invocation{}, `{"server":"main",%s}`, ciKinds["gitlab"].input)
	if err == nil || len(c.Runs()) != 1 {
		t.Errorf("the answer was lost: %v, %d runs", err, len(c.Runs()))
	}
	if string(h.checkpoints[keyAsked]) != `"answered"` {
		t.Errorf("the user was told, and may decide: %s", h.checkpoints)
	}
}

func TestCITrigger_ServersOfGitHubThatTellNoNumber(t *testing.T) {
	c := &tooltest.CI{Old: true, Script: []string{"completed:success"}}
	a := ciAction(t, "github", c)
	for range 3 {
		h, err := perform(t.Context(), a, action.Invocation{}, `{"server":"main",%s}`, ciKinds["github"].input)
		if want := fmt.Sprint(99 + len(c.Runs())); err != nil || h.text("runId") != want {
			t.Errorf("%v, run %s, want %s", err, h.text("runId"), want)
		}
	}
	if len(c.Runs()) != 3 {
		t.Errorf("%d runs", len(c.Runs()))
	}
}

func TestCITrigger_WhatCannotBeStartedIsTold(t *testing.T) {
	for _, test := range []struct{ kind, input, want string }{
		{"github", `"server":"other"`, `server: there is no "other" in callboard.scaffolder.ci`},
		{"github", `"repository":"acme/shop","ref":"main"`, "workflow: it is needed for a server of the type github"},
		{"github", `"repository":"acme","workflow":"a.yaml","ref":"main"`, `"acme" must be owner/name`},
		{"github", `"repository":"acme/shop","workflow":"a.yaml","ref":"main","job":"x"`, "job: a server of the type github has no use for it"},
		{"github", `"repository":"acme/shop","workflow":"missing.yaml","ref":"main"`, "404 Not Found: Not Found"},
		{"github", `"repository":"acme/shop","workflow":"broken.yaml","ref":"main"`, "does not have 'workflow_dispatch' trigger"},
		{"gitlab", `"repository":"group/shop","ref":"empty"`, `{"base":["Pipeline will not run`},
		{"gitlab", `"ref":"main"`, "repository: it is needed"},
		{"jenkins", `"job":"x","ref":"main"`, "ref: a server of the type jenkins has no use for it"},
		{"concourse", `"pipeline":"p","job":"j","parameters":{"a":1}`, "parameters: a server of the type concourse has no use"},
		{"concourse", `"job":"j"`, "pipeline: it is needed"},
	} {
		c := &tooltest.CI{}
		_, err := perform(t.Context(), ciAction(t, test.kind, c), action.Invocation{}, `{"server":"main",%s}`, test.input)
		if err == nil || !strings.Contains(err.Error(), test.want) || len(c.Runs()) != 0 {
			t.Errorf("%s with %s: got %v, %d runs", test.kind, test.input, err, len(c.Runs()))
		}
	}
}

func TestCITrigger_WrongCredentialsAreToldWithoutThem(t *testing.T) {
	eachCI(t, func(t *testing.T, kind string) {
		server := httptest.NewServer(ciKinds[kind].serve(&tooltest.CI{}))
		defer server.Close()
		offered, _ := offer(t, fmt.Sprintf("ci: {main: {type: %s, url: '%s', user: ann, token: hush}}", kind, server.URL))
		h, err := perform(t.Context(), offered["ci:trigger"], action.Invocation{}, `{"server":"main",%s}`, ciKinds[kind].input)
		if err == nil || !strings.Contains(err.Error(), "401 Unauthorized") || strings.Contains(fmt.Sprint(err, h.log), "hush") {
			t.Errorf("got %v", err)
		}
	})
}

func TestCITrigger_WaitingEndsWithItsTimeAndWithItsTask(t *testing.T) {
	eachCI(t, func(t *testing.T, kind string) {
		a := ciAction(t, kind, &tooltest.CI{Script: []string{"running"}})
		_, err := perform(t.Context(), a, action.Invocation{}, `{"server":"main","timeout":0.05,%s}`, ciKinds[kind].input)
		if err == nil || !strings.Contains(err.Error(), "had not ended after 50ms and goes on") {
			t.Errorf("got %v", err)
		}
		cancelled := errors.New("ann cancelled it")
		ctx, cancel := context.WithCancelCause(t.Context())
		h := newHeard()
		h.onLog = func(string) { cancel(cancelled) }
		input := action.Input(`{"server":"main",` + ciKinds[kind].input + `}`)
		if err := a.Execute(ctx, action.Invocation{Input: input}, h); !errors.Is(err, cancelled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCITrigger_AHostileLinkIsNotPutOut(t *testing.T) {
	if link := (ciRun{URL: "javascript:alert(1)"}).link(); link != "" {
		t.Error(link)
	}
}
