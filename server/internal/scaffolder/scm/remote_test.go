package scm_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/scm"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/scmtest"
)

func TestPublishGit_PushesToRemotesThatTheConfigurationAllows(t *testing.T) {
	w := newWorld(t, "")
	if w.actions["publish:git"] != nil {
		t.Error("it is offered without being configured")
	}
	dir := t.TempDir()
	if out, err := exec.Command("git", "init", "--quiet", "--bare", filepath.Join(dir, "team", "shop.git")).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	w.seed()
	if err := w.hub.AddRepository("acme", "plain"); err != nil {
		t.Fatal(err)
	}
	w.configure(fmt.Sprintf("callboard: {scaffolder: {git: {allow: ['file://%s/team', '%s/acme/'], credentials: [{remote: '%s/', token: wrong}, {remote: '%s/acme/', username: x, token: %s}]}}}\n", dir, w.hub.URL, w.hub.URL, w.hub.URL, hostToken))
	w.files(map[string]string{"out/a": "1"})
	file := w.do("publish:git", input{"remoteUrl": "file://" + dir + "/team/shop.git", "sourcePath": "out", "defaultBranch": "trunk", "gitCommitMessage": "m"})
	if out, err := exec.Command("git", "-C", filepath.Join(dir, "team", "shop.git"), "log", "--format=%H %s", "trunk").Output(); err != nil || string(out) != fmt.Sprint(file.outputs["commitHash"], " m\n") {
		t.Errorf("%s, %v, outputs %v", out, err, file.outputs)
	}
	web := w.do("publish:git", input{"remoteUrl": w.hub.URL + "/acme/plain.git"})
	if id, _, _, err := w.hub.Commit("acme/plain", "main"); err != nil || web.outputs["commitHash"] != id {
		t.Errorf("%s, %v, outputs %v", id, err, web.outputs)
	}
	for _, remote := range []string{
		"file://" + dir + "/teamwork/x.git", "file://" + dir + "/team/../x.git", "file://" + dir + "/team/%2e%2e/x.git", w.hub.URL + "/bob/x.git", w.hub.URL + "/acme/../bob/x.git", "ext::sh", w.lab.URL + "/acme/x.git",
		strings.Replace(w.hub.URL, "http://", "http://ann:hush@", 1) + "/acme/plain.git", w.hub.URL + `/acme/..\x.git`, w.hub.URL + "/acme/..%2fbob/x.git",
	} {
		if err := w.fails("publish:git", input{"remoteUrl": remote}); !apierror.Has(err, apierror.NotAllowed) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", remote, err)
		}
	}
	if err := w.fails("publish:git", input{"remoteUrl": w.hub.URL + "/acme/shop.git", "token": "canary-wrong"}); !apierror.Has(err, apierror.Authentication) || strings.Contains(err.Error(), "canary") {
		t.Errorf("a wrong token: %v", err)
	}
}

func TestPublishGit_RefusesAListThatNamesNoWholeHost(t *testing.T) {
	for _, yaml := range []string{"allow: ['https://git.example']", "allow: ['git.example.com/']", "credentials: [{remote: 'https://', token: x}]"} {
		c := config.FromYAML("callboard: {scaffolder: {git: {" + yaml + "}}}\n")
		if _, err := scm.Actions(scm.Deps{Config: c}); err != nil {
			t.Fatal(err)
		}
		if err := c.Err(); err == nil || !strings.Contains(err.Error(), "whole host") {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}

func TestAutocomplete_KnowsItsResourcesWithoutAskingAHost(t *testing.T) {
	c := config.FromYAML("callboard: {}\n")
	complete := scm.Autocompleters(scm.Deps{Config: c})
	if complete["gitlab"] != nil {
		t.Error("gitlab is offered without being configured")
	}
	for resource, says := range map[string]string{"repos": "InputError: Invalid resource: repos", "branches": "InputError: Missing owner and/or repository context parameter"} {
		if _, err := complete["github"](t.Context(), resource, "x", nil); err == nil || err.Error() != says {
			t.Errorf("%s: %v", resource, err)
		}
	}
}

func TestAutocomplete_AnswersInTheNameOfTheTokensUser(t *testing.T) {
	w := newWorld(t, "")
	w.seed()
	for i := range 120 { // more than a page
		if err := w.hub.Seed("acme/shop", fmt.Sprintf("b%03d", i), map[string]string{"a": "1"}); err != nil {
			t.Fatal(err)
		}
	}
	complete := scm.Autocompleters(w.deps)
	hub, lab := map[string]string{"host": w.hub.Host(), "owner": "acme", "repository": "shop"}, map[string]string{"host": w.lab.Host()}
	ask := func(provider, resource, token string, from map[string]string) string {
		list, err := complete[provider](t.Context(), resource, token, from)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(list)
	}
	if list, err := complete["github"](t.Context(), "branches", annsToken, hub); err != nil || len(list) != 121 || list[119].ID != "b119" {
		t.Errorf("%d branches, %v", len(list), err)
	}
	id := ask("gitlab", "groups", annsToken, lab)
	if !strings.HasPrefix(id, "[{") || !strings.Contains(id, " acme} {") || !strings.HasSuffix(id, " ann}]") {
		t.Errorf("groups: %s", id)
	}
	group := strings.Fields(strings.Trim(id, "[{"))[0]
	user := strings.TrimPrefix(strings.Fields(id)[2], "{")
	for _, test := range []struct {
		provider, resource, token, want string
		from                            map[string]string
	}{
		{"github", "repositoriesWithOwner", annsToken, "[{acme/shop }]", hub},
		{"github", "owners", annsToken, "[{acme }]", hub},
		{"github", "owners", "", "InputError: No owner and/or repo provided, which is required if a token is not provided", hub},
		{"github", "owners", "x", "InputError: No integration for host git.example.com", map[string]string{"host": "git.example.com"}},
		{"github", "owners", "canary-x", "AuthenticationError: Bad credentials - https://docs.github.com/rest", hub},
		{"github", "teams", "x", "InputError: Invalid resource: teams", hub},
		{"gitlab", "repositories", annsToken, "[{shop shop}]", map[string]string{"host": w.lab.Host(), "id": group}},
		{"gitlab", "repositories", annsToken, "[]", map[string]string{"host": w.lab.Host(), "id": user}},
		{"gitlab", "repositories", annsToken, "InputError: Missing groupId and userId context parameter", lab},
		{"gitlab", "teams", annsToken, "InputError: Invalid resource: teams", lab},
	} {
		if got := ask(test.provider, test.resource, test.token, test.from); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.provider, test.resource, got, test.want)
		}
	}
}

// TestSecrets_AreInNothingThatIsSaid runs everything against hosts that answer with what they were sent.
func TestSecrets_AreInNothingThatIsSaid(t *testing.T) {
	w := newWorld(t, "")
	steps := repeatables(w)
	for id, in := range map[string]input{
		"github:issues:create": {"title": "x"}, "github:actions:dispatch": {"workflowId": "x", "branchOrTagName": "main"}, "gitlab:issues:create": {"title": "x"},
		"gitlab:pipeline:trigger": {"projectId": 1, "tokenDescription": "x", "branch": "main"},
	} {
		in["repoUrl"] = w.at("shop")
		if strings.HasPrefix(id, "gitlab") {
			in["repoUrl"] = w.atLab("shop")
		}
		steps[id] = in
	}
	echo := scmtest.Answer{Status: 422, Times: 1 << 30, Body: `{"message":"cannot: ` + annsToken + ` ` + hostToken + `","errors":[{"token":"` + annsToken + `"}]}`}
	w.hub.Plan(echo)
	w.lab.Plan(echo)
	w.files(map[string]string{"a": "1"})
	for id, in := range steps {
		in["token"] = annsToken
		r := &run{}
		err := w.execute(r, id, in)
		for where, text := range map[string]string{"error": fmt.Sprint(err), "logs": strings.Join(r.logs, "\n"), "outputs": fmt.Sprint(r.outputs), "checkpoints": fmt.Sprintf("%s", r.checkpoints)} {
			// The host's own token was not used, so that the host cannot know it.
			if text = strings.ReplaceAll(text, hostToken, ""); strings.Contains(text, "canary") {
				t.Errorf("%s: %s: %s", id, where, text)
			}
		}
		if id != "github:webhook" && id != "github:issues:label" && err == nil {
			t.Errorf("%s succeeded", id)
		}
	}
}
