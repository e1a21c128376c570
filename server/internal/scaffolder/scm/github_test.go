package scm_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/scmtest"
)

func TestPublishGitHub_MakesARepositoryWithAllThatItsInputSays(t *testing.T) {
	w := newWorld(t, "scaffolder: {defaultAuthor: {name: Platform, email: platform@example.com}, defaultCommitMessage: begin}\n")
	w.files(map[string]string{"app/main.go": "package main\n", "app/run.sh": "#!/bin/sh\n", "app/.gitignore": "bin/\n", "app/bin/x": "x", "other": "y"})
	r := w.do("publish:github", input{
		"repoUrl": w.at("shop"), "token": annsToken, "description": "Our shop", "homepage": "https://shop.example.com", "repoVisibility": "internal", "access": "acme/core", "sourcePath": "app",
		"collaborators": []any{map[string]any{"access": "push", "user": "user:default/bob"}, map[string]any{"access": "pull", "team": "ops"}, map[string]any{"access": "push", "user": "nobody"}},
		"topics":        []string{"Go", "shop"}, "repoVariables": map[string]string{"REGION": "eu"}, "secrets": map[string]string{"TOKEN": hidden},
		"oidcCustomization": map[string]any{"useDefault": false, "includeClaimKeys": []string{"repo"}}, "customProperties": map[string]any{"tier": "1"}, "subscribe": true,
		"hasWiki": false, "allowAutoMerge": true, "requiredApprovingReviewCount": 2, "requiredCommitSigning": true, "requiredStatusCheckContexts": []string{"ci"},
	})
	page := w.hub.URL + "/acme/shop"
	id, author, message, err := w.hub.Commit("acme/shop", "main")
	if err != nil || !strings.HasPrefix(author, "Platform <platform@example.com> ") || message != "begin\n" {
		t.Errorf("commit %s by %s: %q, %v", id, author, message, err)
	}
	if diff := cmp.Diff(map[string]any{"remoteUrl": page + ".git", "repoContentsUrl": page + "/blob/main", "commitHash": id}, r.outputs); diff != "" {
		t.Error(diff)
	}
	files, err := w.hub.Files("acme/shop", "main")
	if diff := cmp.Diff(map[string]string{"main.go": "package main\n", "run.sh 100755": "#!/bin/sh\n", ".gitignore": "bin/\n"}, files); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]string{"warn: Skipping push access for nobody, Not Found - https://docs.github.com/rest", "info: Pushing 3 files to " + page + ".git, branch main"}, r.said()); diff != "" {
		t.Error(diff)
	}
	w.hub.View("acme", "shop", func(repo *scmtest.GitHubRepository) {
		protection := repo.Protections["main"]
		reviews, _ := protection["required_pull_request_reviews"].(map[string]any)
		got := map[string]any{
			"visibility": repo.Settings["visibility"], "wiki": repo.Settings["has_wiki"], "projects": repo.Settings["has_projects"], "squash": repo.Settings["squash_merge_commit_title"], "auto": repo.Settings["allow_auto_merge"],
			"properties": repo.Settings["custom_properties"], "description": repo.Settings["description"], "collaborators": repo.Collaborators, "teams": repo.Teams, "topics": repo.Topics,
			"variables": repo.Variables, "secrets": repo.Secrets, "oidc": repo.OIDC, "subscribed": repo.Subscribed, "reviews": reviews["required_approving_review_count"],
			"checks": protection["required_status_checks"], "restrictions": protection["restrictions"], "admins": protection["enforce_admins"], "signed": repo.SignedBranches,
		}
		want := map[string]any{
			"visibility": "internal", "wiki": false, "projects": nil, "squash": "COMMIT_OR_PR_TITLE", "auto": true, "properties": map[string]any{"tier": "1"}, "description": "Our shop",
			"collaborators": map[string]string{"bob": "push"}, "teams": map[string]string{"core": "admin", "ops": "pull"}, "topics": []string{"go", "shop"},
			"variables": map[string]string{"REGION": "eu"}, "secrets": map[string]string{"TOKEN": hidden}, "oidc": map[string]any{"use_default": false, "include_claim_keys": []any{"repo"}},
			"subscribed": true, "reviews": 2.0, "checks": map[string]any{"strict": true, "contexts": []any{"ci"}}, "restrictions": nil, "admins": true, "signed": []string{"main"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPublishGitHub_OneOwnsTheRepositoryWithoutAnOrganization(t *testing.T) {
	w := newWorld(t, "")
	w.files(map[string]string{"a": "1"})
	w.do("publish:github", input{"repoUrl": w.hub.Host() + "?owner=ann&repo=notes", "token": annsToken, "access": "bob", "protectDefaultBranch": false, "defaultBranch": "trunk", "repoVisibility": "public"})
	w.hub.View("ann", "notes", func(r *scmtest.GitHubRepository) {
		if r.Settings["private"] != false || r.Settings["visibility"] != nil || r.Collaborators["bob"] != "admin" || len(r.Protections) != 0 {
			t.Errorf("got %+v", r)
		}
	})
	if files, err := w.hub.Files("ann/notes", "trunk"); err != nil || len(files) != 1 {
		t.Errorf("files %v, %v", files, err)
	}
}

func TestPublishGitHub_SaysWhyItFails(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.hub.AddOrganization("other")
	for name, test := range map[string]struct {
		in   input
		name apierror.Name
		says string
	}{
		"a name that is taken":        {input{"repoUrl": w.at("shop")}, apierror.Input, "Failed to create the Organization repository acme/shop, Repository creation failed.: {"},
		"somebody else's account":     {input{"repoUrl": w.hub.Host() + "?owner=other&repo=x"}, apierror.NotFound, "Failed to create the Organization repository other/x, Not Found"},
		"an owner that is not there":  {input{"repoUrl": w.hub.Host() + "?owner=zoe&repo=x"}, apierror.NotFound, "Not Found"},
		"a team that is not there":    {input{"repoUrl": w.at("x"), "access": "acme/zoo"}, apierror.NotFound, "team: zoo was not found within GitHub"},
		"a token that is not valid":   {input{"repoUrl": w.at("x"), "token": "canary-bad"}, apierror.Authentication, "Bad credentials"},
		"a host that is not known":    {input{"repoUrl": "git.example.com?owner=acme&repo=x"}, apierror.Input, "No matching integration configuration for host git.example.com"},
		"a host of another kind":      {input{"repoUrl": w.atLab("x")}, apierror.Input, "No integration for host"},
		"no owner":                    {input{"repoUrl": w.hub.Host() + "?repo=x"}, apierror.Input, "missing owner"},
		"a folder outside":            {input{"repoUrl": w.at("y"), "sourcePath": "../.."}, apierror.NotAllowed, "outside its parent"},
		"a branch that is an option":  {input{"repoUrl": w.at("z"), "defaultBranch": "--force"}, apierror.Input, "must not begin with a dash"},
		"a path instead of a name":    {input{"repoUrl": w.hub.Host() + "?owner=acme&repo=../x"}, apierror.Input, "names must not be dots"},
		"a public host without token": {input{"repoUrl": "github.com?owner=acme&repo=x"}, apierror.Input, "No token available for host: github.com, with owner acme, and repo x."},
	} {
		t.Run(name, func(t *testing.T) {
			err := w.in(t).fails("publish:github", test.in)
			if !apierror.Has(err, test.name) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %s: %v", apierror.NameOf(err), err)
			}
		})
	}
}

func TestGitHub_UsersBringTheirOwnCredentialsWhenTheyMust(t *testing.T) {
	w := newWorld(t, "scaffolder: {requireScmUserCredentials: true}\n")
	w.seed()
	for _, id := range []string{"github:repo:create", "publish:github:pull-request", "github:issues:create"} {
		if err := w.fails(id, input{"repoUrl": w.at("shop")}); !strings.Contains(err.Error(), "No user credentials provided for host "+w.hub.Host()) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := w.fails("publish:gitlab", input{"repoUrl": w.atLab("x"), "token": annsToken, "setUserAsOwner": true}); !strings.Contains(err.Error(), "cannot be used when scaffolder.requireScmUserCredentials is enabled") {
		t.Error(err)
	}
	w.do("github:issues:create", input{"repoUrl": w.at("shop"), "token": annsToken, "title": "x"})
}

func TestGitHub_AnAppActsWhereItIsInstalled(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w.hub.AddApp("17", &key.PublicKey, "acme", "canary-installation-token")
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	w.configure(fmt.Sprintf("integrations:\n  github:\n    - host: %q\n      apiBaseUrl: %q\n      apps: [{appId: 17, clientId: x, clientSecret: x, webhookSecret: x, privateKey: %q}]\n", w.hub.Host(), w.hub.API(), text))
	w.do("github:autolinks:create", input{"repoUrl": w.at("shop"), "keyPrefix": "T-", "urlTemplate": "https://t.example.com/<num>"})
	w.hub.View("acme", "shop", func(r *scmtest.GitHubRepository) {
		if len(r.Autolinks) != 1 {
			t.Error("there is no autolink")
		}
	})
	if err := w.fails("github:autolinks:create", input{"repoUrl": w.hub.Host() + "?owner=bob&repo=x", "keyPrefix": "T-", "urlTemplate": "x"}); !strings.Contains(err.Error(), "No token available") {
		t.Error(err)
	}
}

func TestGitHubRepoCreateAndPush_AreTheTwoHalves(t *testing.T) {
	w := newWorld(t, "")
	w.files(map[string]string{"a": "1"})
	r := w.do("github:repo:create", input{"repoUrl": w.at("shop"), "workflowAccess": "organization", "topics": []string{}})
	if r.outputs["remoteUrl"] != w.hub.URL+"/acme/shop.git" || len(r.outputs) != 1 {
		t.Errorf("outputs %v", r.outputs)
	}
	r = w.do("github:repo:push", input{"repoUrl": w.at("shop"), "gitAuthorName": "Ann", "requiredLinearHistory": true})
	id, author, message, err := w.hub.Commit("acme/shop", "main")
	if err != nil || r.outputs["commitHash"] != id || !strings.HasPrefix(author, "Ann <scaffolder@backstage.io> ") || message != "initial commit\n" {
		t.Errorf("commit %s by %s: %q, %v", id, author, message, err)
	}
	w.hub.View("acme", "shop", func(repo *scmtest.GitHubRepository) {
		if repo.WorkflowAccess != "organization" || repo.Protections["main"]["required_linear_history"] != true {
			t.Errorf("got %+v", repo)
		}
	})
	w.files(map[string]string{"a": "2"})
	if err := w.fails("github:repo:push", input{"repoUrl": w.at("shop")}); !apierror.Has(err, apierror.Conflict) || !strings.Contains(err.Error(), "[rejected]") {
		t.Errorf("a push over a commit: %v", err)
	}
}

func TestGitHub_DoesNotPushToAnotherHostThanTheOneItWasTold(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.hub.Plan(scmtest.Answer{Method: "GET", Path: "/repos/acme/shop", Status: 200, Body: `{"clone_url":"` + w.lab.URL + `/acme/shop.git","html_url":"x"}`})
	err := w.fails("github:repo:push", input{"repoUrl": w.at("shop")})
	if !apierror.Has(err, apierror.NotAllowed) || !strings.Contains(err.Error(), "nothing was pushed") || len(w.lab.Requests()) > 0 {
		t.Errorf("got %v, %v", err, w.lab.Requests())
	}
}

func TestBranchProtection_IsForTheDefaultBranchOrAnother(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.do("github:branch-protection:create", input{"repoUrl": w.at("shop"), "restrictions": map[string]any{"users": []string{"ann"}, "teams": []string{}}, "blockCreations": true})
	if err := w.hub.Seed("acme/shop", "release/1", map[string]string{"a": "1"}); err != nil {
		t.Fatal(err)
	}
	w.hub.Plan(scmtest.Answer{Method: "PUT", Path: "/branches/release%2F1/protection", Status: 404, Body: `{"message":"Branch not found"}`})
	w.do("github:branch-protection:create", input{"repoUrl": w.at("shop"), "branch": "release/1", "enforceAdmins": false})
	w.hub.View("acme", "shop", func(r *scmtest.GitHubRepository) {
		if r.Protections["main"]["block_creations"] != true || r.Protections["release/1"]["enforce_admins"] != false {
			t.Errorf("got %v", r.Protections)
		}
	})
	w.hub.Plan(scmtest.Answer{Method: "PUT", Path: "/protection", Status: 403, Body: `{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature."}`})
	r := w.do("github:branch-protection:create", input{"repoUrl": w.at("shop")})
	if diff := cmp.Diff([]string{"warn: Branch protection was not enabled as it requires GitHub Pro for private repositories"}, r.said()); diff != "" {
		t.Error(diff)
	}
}

func TestGitHubSettings_EachIsAtTheHostAfterwards(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	repo := w.at("shop")
	key := w.do("github:deployKey:create", input{"repoUrl": repo, "publicKey": "ssh-ed25519 AAAA", "privateKey": hidden, "deployKeyName": "deploy to eu"})
	w.do("github:pages:enable", input{"repoUrl": repo, "buildType": "legacy", "sourcePath": "/docs"})
	w.do("github:webhook", input{"repoUrl": repo, "webhookUrl": "https://hooks.example.com/x", "webhookSecret": hidden, "events": []string{"push", "pull_request"}, "contentType": "json", "insecureSsl": true})
	again := w.do("github:webhook", input{"repoUrl": repo, "webhookUrl": "https://hooks.example.com/x"})
	dispatched := w.do("github:actions:dispatch", input{"repoUrl": repo, "workflowId": "build.yaml", "branchOrTagName": "main", "workflowInputs": map[string]string{"env": "eu"}, "returnWorkflowRunDetails": true})
	issue := w.do("github:issues:create", input{"repoUrl": repo, "title": "Set up", "body": "Please", "assignees": []string{"bob"}, "labels": []string{"todo"}, "milestone": 3})
	w.do("github:issues:label", input{"repoUrl": repo, "number": 1, "labels": []string{"urgent"}})
	missing := w.do("github:issues:label", input{"repoUrl": repo, "number": 9, "labels": []string{"urgent"}})
	w.hub.View("acme", "shop", func(r *scmtest.GitHubRepository) {
		want := scmtest.GitHubRepository{
			Secrets:    map[string]string{"DEPLOY_TO_EU_PRIVATE_KEY": hidden},
			Keys:       []map[string]any{{"title": "deploy to eu", "key": "ssh-ed25519 AAAA"}},
			Pages:      map[string]any{"build_type": "legacy", "source": map[string]any{"branch": "main", "path": "/docs"}},
			Hooks:      []map[string]any{{"config": map[string]any{"url": "https://hooks.example.com/x", "content_type": "json", "secret": hidden, "insecure_ssl": "1"}, "events": []any{"push", "pull_request"}, "active": true}},
			Dispatches: []map[string]any{{"workflow": "build.yaml", "ref": "main", "inputs": map[string]any{"env": "eu"}, "return_run_details": true}},
			Issues:     []*scmtest.GitHubIssue{{Number: 1, Title: "Set up", Body: "Please", Labels: []string{"todo", "urgent"}, Assignees: []string{"bob"}, Milestone: 3.0}},
		}
		got := scmtest.GitHubRepository{Secrets: r.Secrets, Keys: r.Keys, Pages: r.Pages, Hooks: r.Hooks, Dispatches: r.Dispatches, Issues: r.Issues}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	page := w.hub.URL + "/acme/shop"
	outputs := []any{key.outputs, dispatched.outputs, issue.outputs}
	want := []any{
		map[string]any{"privateKeySecretName": "DEPLOY_TO_EU_PRIVATE_KEY"},
		map[string]any{"workflowRunId": 7.0, "workflowRunUrl": w.hub.API() + "/runs/7", "workflowRunHtmlUrl": page + "/actions/runs/7"},
		map[string]any{"issueUrl": page + "/issues/1", "issueNumber": 1.0},
	}
	if diff := cmp.Diff(want, outputs); diff != "" {
		t.Error(diff)
	}
	if last := again.said()[1]; !strings.HasPrefix(last, "warn: Failed: create webhook 'https://hooks.example.com/x' on repo: 'shop', Validation Failed: {") {
		t.Errorf("a second hook: %s", last)
	}
	if last := missing.said()[1]; !strings.HasPrefix(last, "warn: Failed: adding labels to issue: '9' on repo: 'shop', Not Found") {
		t.Errorf("a label of no issue: %s", last)
	}
}

func TestEnvironment_HasPoliciesVariablesSecretsAndReviewers(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	in := input{
		"repoUrl": w.at("shop"), "name": "prod/eu", "deploymentBranchPolicy": map[string]any{"protected_branches": false, "custom_branch_policies": true}, "customBranchPolicyNames": []string{"main", "release/*"},
		"customTagPolicyNames": []string{"v*"}, "environmentVariables": map[string]string{"REGION": "eu"}, "secrets": map[string]string{"KEY": hidden}, "waitTimer": 5, "preventSelfReview": true,
		"reviewers": []string{"user:default/bob", "group:default/core", "user:default/zoe", "component:default/x", "user:default/none"},
	}
	w.do("github:environment:create", in)
	r := w.do("github:environment:create", in) // of an environment that is there, with a variable that is there
	bob := w.hub.UserID("bob")
	w.hub.View("acme", "shop", func(r *scmtest.GitHubRepository) {
		e := r.Environments["prod/eu"]
		if e == nil {
			t.Fatal("there is no environment")
		}
		reviewers, _ := e.Settings["reviewers"].([]any)
		if len(reviewers) != 2 || fmt.Sprint(reviewers[0]) != fmt.Sprintf("map[id:%d type:User]", bob) || !strings.HasSuffix(fmt.Sprint(reviewers[1]), "type:Team]") {
			t.Errorf("reviewers %v", reviewers)
		}
		delete(e.Settings, "reviewers")
		policies := map[string]bool{}
		for _, p := range e.Policies {
			policies[p] = true
		}
		got := []any{e.Settings, policies, len(e.Policies), e.Variables, e.Secrets}
		want := []any{
			map[string]any{"deployment_branch_policy": map[string]any{"protected_branches": false, "custom_branch_policies": true}, "wait_timer": 5.0, "prevent_self_review": true},
			map[string]bool{"branch main": true, "branch release/*": true, "tag v*": true}, 3, map[string]string{"REGION": "eu"}, map[string]string{"KEY": hidden},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	if diff := cmp.Diff([]string{"error: User not found: Not Found - https://docs.github.com/rest"}, r.said()); diff != "" {
		t.Error(diff)
	}
}

func TestGitHub_DryRunsChangeNothing(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	before := len(w.hub.Requests())
	for id, in := range map[string]input{
		"github:issues:create":        {"repoUrl": w.at("shop"), "title": "x"},
		"github:webhook":              {"repoUrl": w.at("shop"), "webhookUrl": "https://x"},
		"publish:github:pull-request": {"repoUrl": w.at("shop"), "branchName": "b", "title": "x", "description": "y"},
	} {
		if !w.actions[id].Description().SupportsDryRun {
			t.Errorf("%s cannot be tried", id)
		}
		r := &run{dry: true}
		if err := w.execute(r, id, in); err != nil || len(r.logs) == 0 {
			t.Errorf("%s: %v, %v", id, err, r.logs)
		}
	}
	if after := len(w.hub.Requests()); after != before {
		t.Errorf("%d requests were made", after-before)
	}
}

func TestPublishGitHub_PushesByTheAPIWhereThereIsNoGit(t *testing.T) {
	w := newWorld(t, "")
	t.Setenv("PATH", t.TempDir())
	w.files(map[string]string{"a": "1", "run": "#!/bin/sh\n", "logo": "\x89PNG\x00\xff"})
	r := w.do("publish:github", input{"repoUrl": w.at("shop"), "gitAuthorName": "Ann", "gitAuthorEmail": "ann@example.com"})
	files, err := w.hub.Files("acme/shop", "main")
	if diff := cmp.Diff(map[string]string{"a": "1", "run 100755": "#!/bin/sh\n", "logo": "\x89PNG\x00\xff"}, files); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if id, author, message, err := w.hub.Commit("acme/shop", "main"); err != nil || r.outputs["commitHash"] != id || !strings.HasPrefix(author, "Ann <ann@example.com> ") || message != "initial commit\n" {
		t.Errorf("commit by %s: %q, %v", author, message, err)
	}
	w.do("github:repo:push", input{"repoUrl": w.at("shop"), "defaultBranch": "second"})
	w.files(map[string]string{"a": "2"})
	if err := w.fails("github:repo:push", input{"repoUrl": w.at("shop")}); !apierror.Has(err, apierror.Conflict) {
		t.Errorf("a push over a commit: %v", err)
	}
	if err := w.fails("publish:gitlab", input{"repoUrl": w.atLab("shop")}); !strings.Contains(err.Error(), "pushing needs git on this host") {
		t.Error(err)
	}
}

func TestPublishGitHub_PushesByTheAPIWhereGitCannotGetThrough(t *testing.T) {
	w := newWorld(t, "")
	w.files(map[string]string{"a": "1"})
	w.hub.Plan(scmtest.Answer{Path: "/info/refs", Drop: true, Times: 100})
	w.do("publish:github", input{"repoUrl": w.at("shop")})
	if files, err := w.hub.Files("acme/shop", "main"); err != nil || len(files) != 1 {
		t.Errorf("files %v, %v", files, err)
	}
}
