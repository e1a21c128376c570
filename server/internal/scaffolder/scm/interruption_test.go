package scm_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/scaffolder/scm/scmtest"
)

// repeatables are steps that say that they may be run again after an interruption, each with an input that does much.
func repeatables(w *world) map[string]input {
	hub, lab := w.at("shop"), w.atLab("shop")
	return map[string]input{
		"github:autolinks:create":         {"repoUrl": hub, "keyPrefix": "T-", "urlTemplate": "https://t.example.com/<num>"},
		"github:branch-protection:create": {"repoUrl": hub, "requiredCommitSigning": false},
		"github:deployKey:create":         {"repoUrl": hub, "publicKey": "ssh-ed25519 AAAA", "privateKey": hidden, "deployKeyName": "deploy"},
		"github:environment:create": {
			"repoUrl": hub, "name": "prod", "customBranchPolicyNames": []string{"main"}, "environmentVariables": map[string]string{"A": "1", "B": "2"}, "secrets": map[string]string{"KEY": hidden},
		},
		"github:issues:label":           {"repoUrl": hub, "number": 1, "labels": []string{}},
		"github:pages:enable":           {"repoUrl": hub},
		"github:webhook":                {"repoUrl": hub, "webhookUrl": "https://hooks.example.com/x"},
		"publish:github:pull-request":   {"repoUrl": hub, "branchName": "x", "title": "t", "description": "d", "filesToDelete": []string{"old.txt"}},
		"github:repo:create":            {"repoUrl": w.at("new"), "topics": []string{"a"}, "repoVariables": map[string]string{"A": "1"}, "secrets": map[string]string{"S": hidden}},
		"publish:github":                {"repoUrl": w.at("new"), "topics": []string{"a"}, "repoVariables": map[string]string{"A": "1"}},
		"github:repo:push":              {"repoUrl": w.at("empty"), "protectDefaultBranch": false},
		"gitlab:projectVariable:create": {"repoUrl": lab, "projectId": "acme/shop", "key": "K", "value": hidden, "variableType": "env_var"},
		"gitlab:repo:push":              {"repoUrl": lab, "branchName": "main", "commitMessage": "m"},
		"publish:gitlab":                {"repoUrl": w.atLab("new"), "defaultBranch": "main", "branches": []any{map[string]any{"name": "dev", "create": true, "protect": true, "ref": "main"}}, "projectVariables": []any{map[string]any{"key": "A", "value": "1"}}},
		"publish:gitlab:merge-request":  {"repoUrl": lab, "branchName": "x", "title": "t", "autoMerge": true},
	}
}

// interrupted is a world in which a step has something to do.
func interrupted(t *testing.T) *world {
	w := newWorld(t, "")
	w.seed()
	w.deps.Now = func() time.Time { return time.Now().Truncate(time.Hour) } // one time for all runs: equal commits have equal hashes
	w.rebuild()
	if err := w.hub.AddRepository("acme", "empty"); err != nil {
		t.Fatal(err)
	}
	w.hub.View("acme", "shop", func(r *scmtest.GitHubRepository) { r.Issues = []*scmtest.GitHubIssue{{Number: 1, Title: "one"}} })
	w.files(map[string]string{"a": "1", "old.txt": "changed\n"})
	return w
}

// state is all that the hosts keep, without what differs from run to run.
func (w *world) state() map[string]any {
	all := map[string]any{}
	for _, name := range []string{"shop", "new", "empty"} {
		w.hub.View("acme", name, func(r *scmtest.GitHubRepository) {
			if r != nil {
				kept := *r
				kept.ID, kept.CreatedAt = 0, time.Time{}
				all["hub "+name] = kept
			}
		})
		w.lab.View("acme", name, func(p *scmtest.GitLabProject) {
			if p != nil {
				kept := *p
				kept.ID, kept.CreatedAt = 0, time.Time{}
				kept.Settings = maps.Clone(p.Settings)
				delete(kept.Settings, "namespace_id")
				all["lab "+name] = kept
			}
		})
		for _, branch := range []string{"main", "x", "dev"} {
			files, err := w.hub.Files("acme/"+name, branch)
			all["hub "+name+" "+branch] = []any{files, err == nil}
			files, err = w.lab.Files("acme/"+name, branch)
			all["lab "+name+" "+branch] = []any{files, err == nil}
		}
	}
	return all
}

func TestRepeatable_AnInterruptionAnywhereLeavesTheSameAsNone(t *testing.T) {
	if testing.Short() {
		t.Skip("each point of an action is a story with hosts of its own")
	}
	w := interrupted(t)
	steps := repeatables(w)
	for id, a := range w.actions {
		if _, ok := steps[id]; a.Description().Repeatable != ok {
			t.Errorf("%s: repeatable %v, told here %v", id, a.Description().Repeatable, ok)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(steps)) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			calm := interrupted(t)
			first := calm.do(id, repeatables(calm)[id])
			want, requests := calm.state(), len(calm.hub.Requests())+len(calm.lab.Requests())
			for _, n := range points(first.calls, 1) {
				storyOf(t, id, fmt.Sprintf("the host dies at word %d", n), want, first.outputs, func(*world) *run { return &run{refuse: n} })
			}
			for _, n := range points(requests, 2) {
				storyOf(t, id, fmt.Sprintf("the answer to request %d is lost", n), want, first.outputs, func(w *world) *run {
					w.hub.Lose(n)
					w.lab.Lose(n)
					return &run{}
				})
			}
		})
	}
}

// points are where a step of so many events is interrupted: everywhere with CALLBOARD_CHAOS=full, else at a few places.
func points(events, few int) []int {
	if os.Getenv("CALLBOARD_CHAOS") == "full" {
		few = events
	}
	var all []int
	for i := range min(few, events) {
		all = append(all, events-i*events/few)
	}
	return all
}

// storyOf interrupts a step, continues it, and compares.
func storyOf(t *testing.T, id, point string, want, outputs map[string]any, disturb func(w *world) *run) {
	t.Helper()
	w := interrupted(t)
	defer w.end()
	r := disturb(w)
	err := w.execute(r, id, repeatables(w)[id])
	if err != nil {
		r.refuse = 0
		err = w.execute(r, id, repeatables(w)[id])
	}
	if err != nil {
		t.Errorf("%s: %v\n%s", point, err, strings.Join(r.logs, "\n"))
		return
	}
	if diff := cmp.Diff(want, w.state()); diff != "" {
		t.Errorf("%s: %s", point, diff)
	}
	if len(r.outputs) != len(outputs) {
		t.Errorf("%s: outputs %v, want %v", point, r.outputs, outputs)
	}
}
