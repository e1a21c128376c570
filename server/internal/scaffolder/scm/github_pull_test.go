package scm_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/scmtest"
)

func TestPullRequest_IsTheWorkspaceOnTopOfTheTargetBranch(t *testing.T) {
	w := newWorld(t, "scaffolder: {defaultAuthor: {name: Platform}}\n")
	w.seed()
	w.files(map[string]string{"new.txt": "new\n", "README.md": "our shop\n", "run": "#!/bin/sh\n", "logo": "\x89PNG\x00\xff", ".gitignore": "tmp\n", "tmp": "x", ".git/config": "x"})
	if err := os.Symlink("new.txt", filepath.Join(w.workspace, "latest")); err != nil {
		t.Fatal(err)
	}
	r := w.do("publish:github:pull-request", input{
		"repoUrl": w.at("shop"), "branchName": "feature/x", "title": "Add x", "description": "It is needed", "filesToDelete": []string{"old.txt", "never-there"}, "draft": true,
		"reviewers": []string{"bob"}, "teamReviewers": []string{"core", "core"}, "assignees": []string{"ann"}, "token": annsToken,
	})
	if diff := cmp.Diff(map[string]any{"targetBranchName": "main", "remoteUrl": w.hub.URL + "/acme/shop/pull/1", "pullRequestNumber": 1.0}, r.outputs); diff != "" {
		t.Error(diff)
	}
	files, err := w.hub.Files("acme/shop", "feature/x")
	want := map[string]string{"README.md": "our shop\n", "docs/a.md": "a\n", "new.txt": "new\n", "run 100755": "#!/bin/sh\n", "logo": "\x89PNG\x00\xff", "latest 120000": "new.txt", ".gitignore": "tmp\n"}
	if diff := cmp.Diff(want, files); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, author, message, err := w.hub.Commit("acme/shop", "feature/x"); err != nil || !strings.HasPrefix(author, "Platform <scaffolder@backstage.io> ") || message != "Add x" {
		t.Errorf("commit by %s: %q, %v", author, message, err)
	}
	w.hub.View("acme", "shop", func(r *scmtest.GitHubRepository) {
		want := []*scmtest.GitHubIssue{{
			Number: 1, Title: "Add x", Body: "It is needed", Pull: true, Draft: true, Head: "acme:feature/x", Base: "main", Reviewers: []string{"bob"}, TeamReviewers: []string{"core"}, Assignees: []string{"ann"},
		}}
		if diff := cmp.Diff(want, r.Issues); diff != "" {
			t.Error(diff)
		}
	})
	if diff := cmp.Diff([]string{"info: Added users [bob] and teams [core] as reviewers to Pull request 1", "info: Added assignees [ann] to Pull request 1"}, r.said()); diff != "" {
		t.Error(diff)
	}
}

func TestPullRequest_OfAFolderIntoAFolder(t *testing.T) {
	w := newWorld(t, "scaffolder: {defaultCommitMessage: from the portal}\n")
	w.seed()
	w.files(map[string]string{"out/b.md": "b\n", "elsewhere": "x"})
	w.do("publish:github:pull-request", input{"repoUrl": w.at("shop"), "branchName": "x", "title": "t", "description": "d", "sourcePath": "out", "targetPath": "docs", "filesToDelete": []string{"a.md"}, "forceEmptyGitAuthor": true})
	files, err := w.hub.Files("acme/shop", "x")
	if diff := cmp.Diff(map[string]string{"README.md": "shop\n", "old.txt": "old\n", "docs/b.md": "b\n"}, files); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, author, message, _ := w.hub.Commit("acme/shop", "x"); !strings.HasPrefix(author, "host <host@users") || message != "from the portal" {
		t.Errorf("commit by %s: %q", author, message)
	}
	for _, folder := range []string{"../x", "..", "a/../../x"} {
		err := w.fails("publish:github:pull-request", input{"repoUrl": w.at("shop"), "branchName": "y", "title": "t", "description": "d", "sourcePath": "out", "targetPath": folder})
		if !apierror.Has(err, apierror.NotAllowed) || !strings.Contains(err.Error(), "leads out of the repository") {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

func TestPullRequest_AnOpenOneIsChangedOnlyWhenItShallBe(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.files(map[string]string{"a": "1"})
	in := input{"repoUrl": w.at("shop"), "branchName": "x", "title": "one", "description": "d"}
	w.do("publish:github:pull-request", in)
	err := w.fails("publish:github:pull-request", in)
	if !apierror.Has(err, apierror.Conflict) || !strings.Contains(err.Error(), "Pull request creation failed; caused by ConflictError: Pull request already exists: "+w.hub.URL+"/acme/shop/pull/1. Set update=true") {
		t.Errorf("got %v", err)
	}
	w.files(map[string]string{"a": "2"})
	in["update"], in["title"] = true, "two"
	if r := w.do("publish:github:pull-request", in); r.outputs["pullRequestNumber"] != 1.0 {
		t.Errorf("outputs %v", r.outputs)
	}
	if files, err := w.hub.Files("acme/shop", "x"); err != nil || files["a"] != "2" {
		t.Errorf("files %v, %v", files, err)
	}
	w.hub.View("acme", "shop", func(r *scmtest.GitHubRepository) {
		if len(r.Issues) != 1 || r.Issues[0].Title != "two" {
			t.Errorf("issues %v", r.Issues)
		}
	})
}

func TestPullRequest_WithoutChangesIsMadeOnlyWhenItShallBe(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.files(map[string]string{"old.txt": "old\n"})
	r := w.do("publish:github:pull-request", input{"repoUrl": w.at("shop"), "branchName": "x", "title": "t", "description": "d", "createWhenEmpty": false})
	if diff := cmp.Diff([]string{"info: No changes to commit, pull request was not created"}, r.said()); diff != "" || len(r.outputs) != 0 {
		t.Error(diff, r.outputs)
	}
	if r := w.do("publish:github:pull-request", input{"repoUrl": w.at("shop"), "branchName": "x", "title": "t", "description": "d"}); r.outputs["pullRequestNumber"] != 1.0 {
		t.Errorf("outputs %v", r.outputs)
	}
}

func TestPullRequest_ComesFromAForkWhereTheUserMayNotPush(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	w.hub.AddToken("canary-bob", scmtest.Token{User: "bob", Scopes: []string{"repo"}})
	w.files(map[string]string{"a": "1"})
	w.do("publish:github:pull-request", input{"repoUrl": w.at("shop"), "branchName": "x", "title": "t", "description": "d", "token": "canary-bob"})
	w.hub.View("bob", "shop", func(r *scmtest.GitHubRepository) {
		if r == nil || r.ForkOf != "acme/shop" {
			t.Errorf("the fork is %v", r)
		}
	})
	w.hub.View("acme", "shop", func(r *scmtest.GitHubRepository) {
		if len(r.Issues) != 1 || r.Issues[0].Head != "bob:x" {
			t.Errorf("issues %v", r.Issues)
		}
	})
	w.do("publish:github:pull-request", input{"repoUrl": w.at("shop"), "branchName": "y", "title": "t", "description": "d", "token": annsToken, "forceFork": true})
	forks := 0
	for _, r := range w.hub.Requests() {
		if r.Method == "POST" && strings.HasSuffix(r.Path, "/forks") {
			forks++
		}
	}
	if forks != 2 {
		t.Errorf("%d forks were made", forks)
	}
}

func TestPullRequest_SaysWhyItFails(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	if err := w.hub.AddRepository("acme", "empty"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		in   input
		says string
	}{
		"a repository without a commit":     {input{"repoUrl": w.at("empty")}, "Git Repository is empty."},
		"a repository that is not there":    {input{"repoUrl": w.at("none")}, "Pull request creation failed; caused by NotFoundError: Not Found"},
		"a target branch that is not there": {input{"targetBranchName": "none"}, "Not Found"},
		"the target branch itself":          {input{"branchName": "main"}, "cannot be the same as the target branch"},
		"a branch that git does not take":   {input{"branchName": "a..b"}, "cannot be the name of a branch"},
		"a folder outside":                  {input{"sourcePath": "../x"}, "outside its parent"},
	} {
		in := input{"repoUrl": w.at("shop"), "branchName": "x", "title": "t", "description": "d"}
		maps.Copy(in, test.in)
		if err := w.fails("publish:github:pull-request", in); !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := w.do("publish:github:pull-request", input{"repoUrl": w.at("shop"), "branchName": "x", "title": "t", "description": "d", "reviewers": []string{"nobody"}})
	if !slices.ContainsFunc(r.said(), func(line string) bool {
		return strings.HasPrefix(line, "error: Failure when adding reviewers to Pull request 1: Reviews may only be requested from collaborators.")
	}) || r.outputs["pullRequestNumber"] != 1.0 {
		t.Errorf("got %v, %v", r.said(), r.outputs)
	}
}
