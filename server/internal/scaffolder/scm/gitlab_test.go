package scm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/scmtest"
)

func TestPublishGitLab_MakesAProjectWithAllThatItsInputSays(t *testing.T) {
	w := newWorld(t, "")
	w.files(map[string]string{"a": "1", "run": "#!/bin/sh\n"})
	bob := w.lab.AddUser("bob")
	r := w.do("publish:gitlab", input{
		"repoUrl": w.atLab("shop"), "token": annsToken, "repoVisibility": "internal", "defaultBranch": "main", "topics": []string{"go"}, "settings": map[string]any{"description": "Our shop", "visibility": "public"},
		"setUserAsOwner": true, "ownerUsername": "bob", "branches": []any{map[string]any{"name": "dev", "create": true, "protect": true, "ref": "main"}},
		"projectVariables": []any{map[string]any{"key": "TOKEN", "value": hidden, "masked": true}}, "gitAuthorEmail": "ann@example.com",
	})
	id, author, message, err := w.lab.Commit("acme/shop", "main")
	if err != nil || !strings.HasPrefix(author, "Scaffolder <ann@example.com> ") || message != "initial commit\n" {
		t.Errorf("commit by %s: %q, %v", author, message, err)
	}
	w.lab.View("acme", "shop", func(p *scmtest.GitLabProject) {
		page := w.lab.URL + "/acme/shop"
		want := map[string]any{"remoteUrl": page, "repoContentsUrl": page + "/-/blob/main", "projectId": float64(p.ID), "created": true, "commitHash": id}
		if diff := cmp.Diff(want, r.outputs); diff != "" {
			t.Error(diff)
		}
		if p.Settings["visibility"] != "public" || p.Settings["description"] != "Our shop" || p.Members[bob] != 50 || len(p.Members) != 2 {
			t.Errorf("settings %v, members %v", p.Settings, p.Members)
		}
		variable := map[string]any{"key": "TOKEN", "value": hidden, "masked": true, "protected": false, "raw": false, "masked_and_hidden": false, "variable_type": "env_var", "environment_scope": "*"}
		if diff := cmp.Diff([]map[string]any{variable}, p.Variables); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"dev"}, p.Protected); diff != "" {
			t.Error(diff)
		}
	})
	if files, err := w.lab.Files("acme/shop", "dev"); err != nil || !cmp.Equal(files, map[string]string{"a": "1", "run 100755": "#!/bin/sh\n"}) {
		t.Errorf("files %v, %v", files, err)
	}
}

func TestPublishGitLab_AProjectThatIsThere(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.files(map[string]string{"a": "1"})
	r := w.do("publish:gitlab", input{"repoUrl": w.atLab("shop"), "skipExisting": true})
	if r.outputs["created"] != false || r.outputs["repoContentsUrl"] != w.lab.URL+"/acme/shop/-/blob/main" {
		t.Errorf("outputs %v", r.outputs)
	}
	if files, err := w.lab.Files("acme/shop", "main"); err != nil || files["a"] != "" {
		t.Errorf("it was changed: %v, %v", files, err)
	}
	if err := w.fails("publish:gitlab", input{"repoUrl": w.atLab("shop")}); !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), `name: ["has already been taken"]`) {
		t.Errorf("got %v", err)
	}
	if r := w.do("publish:gitlab", input{"repoUrl": w.atLab("bare"), "sourcePath": false, "ownerUsername": "nobody"}); r.outputs["created"] != true || r.outputs["commitHash"] != nil ||
		!strings.Contains(strings.Join(r.logs, "\n"), "Could not find GitLab user with username 'nobody'") {
		t.Errorf("outputs %v, %v", r.outputs, r.logs)
	}
	for says, in := range map[string]input{
		"The namespace zoo is not found":             {"repoUrl": w.lab.Host() + "?owner=zoo&repo=x"},
		"signCommit":                                 {"repoUrl": w.atLab("x"), "signCommit": true},
		"403 Forbidden":                              {"repoUrl": w.lab.Host() + "?owner=bob&repo=x"},
		"401 Unauthorized":                           {"repoUrl": w.atLab("x"), "token": "canary-bad"},
		"Branch creation failed for dev. Invalid re": {"repoUrl": w.atLab("y"), "branches": []any{map[string]any{"name": "dev", "create": true, "ref": "none"}}},
	} {
		if err := w.fails("publish:gitlab", in); !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}

func TestMergeRequest_HasTheFilesThatDiffer(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	approver := w.lab.AddUser("zoe")
	w.lab.View("acme", "shop", func(p *scmtest.GitLabProject) { p.Approvers = []int64{approver} })
	w.files(map[string]string{"README.md": "our shop\n", "old.txt": "old\n", "new": "1"})
	r := w.do("publish:gitlab:merge-request", input{
		"repoUrl": w.atLab("shop"), "branchName": "x", "title": "Add x", "description": "d", "assignee": "ann", "reviewers": []string{"bob", "nobody"}, "labels": []string{"a", "b"},
		"removeSourceBranch": true, "assignReviewersFromApprovalRules": true, "autoMerge": true,
	})
	want := map[string]any{"projectid": "acme/shop", "projectPath": "acme/shop", "targetBranchName": "main", "mergeRequestUrl": w.lab.URL + "/acme/shop/-/merge_requests/1"}
	if diff := cmp.Diff(want, r.outputs); diff != "" {
		t.Error(diff)
	}
	files, err := w.lab.Files("acme/shop", "x")
	if diff := cmp.Diff(map[string]string{"README.md": "our shop\n", "old.txt": "old\n", "docs/a.md": "a\n", "new": "1"}, files); diff != "" || err != nil {
		t.Error(diff, err)
	}
	w.lab.View("acme", "shop", func(p *scmtest.GitLabProject) {
		m := p.MergeRequests[0]
		if m.Body["labels"] != "a,b" || m.Body["remove_source_branch"] != true || m.Body["assignee_id"] == nil || m.Merge["auto_merge"] != true {
			t.Errorf("made %v, merged %v", m.Body, m.Merge)
		}
		if list, _ := m.Changed["reviewer_ids"].([]any); len(list) != 2 {
			t.Errorf("reviewers %v", m.Changed)
		}
	})
	if !strings.Contains(strings.Join(r.logs, "\n"), "warn: Failed to find gitlab user id for nobody: there is none of that name. Proceeding") || w.waited == 0 {
		t.Errorf("logs %v", r.logs)
	}
	err = w.fails("publish:gitlab:merge-request", input{"repoUrl": w.atLab("shop"), "branchName": "x", "title": "t"})
	if !strings.Contains(err.Error(), "Additionally, there is a Merge Request for this branch: "+w.lab.URL+"/acme/shop/-/merge_requests/1") {
		t.Error(err)
	}
}

func TestMergeRequest_WithItsOwnCommitAction(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.files(map[string]string{"docs/a.md": "changed"})
	w.do("publish:gitlab:merge-request", input{"repoUrl": w.atLab("shop"), "branchName": "gone", "title": "t", "targetPath": "docs", "commitAction": "delete"})
	files, err := w.lab.Files("acme/shop", "gone")
	if diff := cmp.Diff(map[string]string{"README.md": "shop\n", "old.txt": "old\n"}, files); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := w.fails("publish:gitlab:merge-request", input{"repoUrl": w.atLab("shop"), "branchName": "again", "title": "t", "commitAction": "create"}); !strings.Contains(err.Error(), "A file with this name already exists") {
		t.Error(err)
	}
	if err := w.lab.Seed("acme/shop", "ready", map[string]string{"x": "1"}); err != nil {
		t.Fatal(err)
	}
	// The seed's branch does not begin at main, which is of no account to a request.
	r := w.do("publish:gitlab:merge-request", input{"repoUrl": w.atLab("shop"), "branchName": "ready", "title": "only the request", "commitAction": "skip"})
	if diff := cmp.Diff([]string{"info: Using existing branch ready without modification."}, r.said()); diff != "" {
		t.Error(diff)
	}
}

func TestGitLabRepoPush_CommitsToABranchThatItMakes(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.files(map[string]string{"old.txt": "old\n", "x": "1"})
	in := input{"repoUrl": w.atLab("shop"), "branchName": "dev", "commitMessage": "more"}
	// The branch is not there when files are compared, so all of them are made; the one that is there is an error then.
	if err := w.fails("gitlab:repo:push", in); !strings.Contains(err.Error(), "Committing the changes to dev failed.") {
		t.Error(err)
	}
	r := w.do("gitlab:repo:push", in)
	if id, _, message, err := w.lab.Commit("acme/shop", "dev"); err != nil || r.outputs["commitHash"] != id || message != "more" {
		t.Errorf("%v: %q, %v", r.outputs, message, err)
	}
	again := w.do("gitlab:repo:push", in)
	if again.outputs["commitHash"] != nil || !strings.Contains(strings.Join(again.logs, ""), "No file changes to commit to acme/shop on branch 'dev'") {
		t.Errorf("%v, %v", again.outputs, again.logs)
	}
	in["allowEmpty"] = true
	if empty := w.do("gitlab:repo:push", in); empty.outputs["commitHash"] == nil {
		t.Errorf("outputs %v", empty.outputs)
	}
}

func TestGitLabProject_VariablesPipelinesAndIssues(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.lab.AddGroup("acme/teams")
	epic, other := w.lab.AddEpic("acme"), w.lab.AddEpic("acme/teams")
	var id int64
	w.lab.View("acme", "shop", func(p *scmtest.GitLabProject) { id = p.ID })
	w.do("gitlab:projectVariable:create", input{"repoUrl": w.atLab("shop"), "projectId": id, "key": "K", "value": hidden, "variableType": "file", "variableProtected": true})
	if err := w.fails("gitlab:projectVariable:create", input{"repoUrl": w.atLab("shop"), "projectId": "acme/shop", "key": "K", "value": "x", "variableType": "file"}); !strings.Contains(err.Error(), "has already been taken") {
		t.Error(err)
	}
	pipeline := w.do("gitlab:pipeline:trigger", input{"repoUrl": w.atLab("shop"), "projectId": id, "tokenDescription": "once", "branch": "main", "variables": map[string]string{"env": "eu"}})
	issue := w.do("gitlab:issues:create", input{"repoUrl": w.atLab("shop"), "title": "Set up", "createdAt": "2026-01-02T03:04:05Z", "epicId": epic, "labels": "a,b", "weight": 2})
	far := w.do("gitlab:issues:create", input{"repoUrl": w.atLab("shop"), "projectId": id, "title": "x", "epicId": other})
	w.lab.View("acme", "shop", func(p *scmtest.GitLabProject) {
		if len(p.Triggers) != 0 || len(p.Pipelines) != 1 || cmp.Diff(map[string]any{"env": "eu"}, p.Pipelines[0]["variables"]) != "" || pipeline.outputs["pipelineUrl"] == nil {
			t.Errorf("triggers %v, pipelines %v, %v", p.Triggers, p.Pipelines, pipeline.outputs)
		}
		if v := p.Variables[0]; v["variable_type"] != "file" || v["protected"] != true || v["environment_scope"] != "*" {
			t.Errorf("variable %v", v)
		}
		if i := p.Issues[0]; i["epic_id"] != float64(epic) || i["created_at"] != "2026-01-02T03:04:05.000Z" || issue.outputs["issueIid"] != 1.0 {
			t.Errorf("issue %v, %v", i, issue.outputs)
		}
		if p.Issues[1]["epic_id"] != nil || !strings.Contains(strings.Join(far.logs, ""), "Chosen epic is not within the Project Scope") {
			t.Errorf("issue %v, %v", p.Issues[1], far.logs)
		}
	})
	w.lab.Plan(scmtest.Answer{Method: "POST", Path: "/trigger/pipeline", Status: 400, Body: `{"message":{"base":["no stages"]}}`})
	if err := w.fails("gitlab:pipeline:trigger", input{"repoUrl": w.atLab("shop"), "projectId": id, "tokenDescription": "once", "branch": "main"}); !strings.Contains(err.Error(), `base: ["no stages"]`) {
		t.Error(err)
	}
	w.lab.View("acme", "shop", func(p *scmtest.GitLabProject) {
		if len(p.Triggers) != 0 {
			t.Errorf("a trigger is left: %v", p.Triggers)
		}
	})
	for says, in := range map[string]input{
		"Failed to create GitLab issue: InputError: Could not find epic scope: Epic with id 99999 not found": {"repoUrl": w.atLab("shop"), "title": "x", "epicId": 99999},
		"Failed to create GitLab issue: 404 Project Not Found":                                               {"repoUrl": w.atLab("none"), "title": "x"},
		"Error converting input date": {"repoUrl": w.atLab("shop"), "title": "x", "dueDate": "tomorrow"},
	} {
		if err := w.fails("gitlab:issues:create", in); !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}
