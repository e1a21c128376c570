package scm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// gitlabActions are those of the reference's GitLab module that templates use most. An issue or a pipeline would be a
// second one, so these are not repeated.
var gitlabActions = []kind{
	gitlab("gitlab:issues:create", kind{}, createGitLabIssue),
	gitlab("gitlab:pipeline:trigger", kind{}, triggerPipeline),
	gitlab("gitlab:projectVariable:create", kind{repeatable: true}, createProjectVariable),
	gitlab("gitlab:repo:push", kind{repeatable: true}, pushGitLab),
	gitlab("publish:gitlab", kind{repeatable: true}, publishGitLab),
	gitlab("publish:gitlab:merge-request", kind{repeatable: true}, createMergeRequest),
}

// lab is one run of an action at a GitLab.
type lab struct {
	*step
	service *service
	api     *rest.API
	forge   forge
	target  repoName
	token   string
	given   bool // the token is the input's
}

// gitlab makes a kind of an action whose input is I beside repoUrl and token.
func gitlab[I any](id string, k kind, run func(l *lab, in I) error) kind {
	return forRepository(id, k, (*service).lab, run)
}

func (s *service) lab(t *step, repoURL, token string) (*lab, error) {
	r, err := s.hosts.parseRepoURL(repoURL)
	if err != nil {
		return nil, err
	}
	l := &lab{step: t, service: s, target: r}
	l.api, l.token, err = s.gitlabAPI(r.Host, token)
	l.forge, l.given = s.hosts.gitlab[r.Host], token != ""
	return l, err
}

func (s *service) gitlabAPI(host, given string) (*rest.API, string, error) {
	f, ok := s.hosts.gitlab[strings.ToLower(host)]
	switch {
	case !ok:
		return nil, "", apierror.Inputf("No matching integration configuration for host %s, please check your integrations config", host)
	case s.hosts.needsToken && given == "":
		return nil, "", apierror.Inputf("No user credentials provided for host %s, but scaffolder.requireScmUserCredentials is enabled", host)
	case given != "":
		return s.newGitLabAPI(f, "Authorization", "Bearer "+given, given), given, nil
	case f.token == "":
		return nil, "", apierror.Inputf("No token available for host %s", host)
	}
	return s.newGitLabAPI(f, "Private-Token", f.token, f.token), f.token, nil
}

func (s *service) newGitLabAPI(f forge, header, value, credential string) *rest.API {
	return &rest.API{
		Base: f.api, Client: f.client, Credential: credential, Explain: explainGitLab, Wait: s.Wait,
		Header: http.Header{"Accept": {"application/json"}, header: {value}, "User-Agent": {"callboard"}},
	}
}

// explainGitLab reads the forms that GitLab's errors have: a text, several, texts by field, or OAuth's.
func explainGitLab(body []byte) string {
	var e struct {
		Message     json.RawMessage
		Error       string
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	var text string
	if json.Unmarshal(e.Message, &text) == nil && text != "" {
		return text
	}
	var several []string
	if json.Unmarshal(e.Message, &several) == nil && len(several) > 0 {
		return strings.Join(several, ", ")
	}
	var byField map[string]any
	if json.Unmarshal(e.Message, &byField) == nil && len(byField) > 0 {
		var parts []string
		for field, reasons := range byField {
			reason, err := json.Marshal(reasons)
			if err == nil {
				parts = append(parts, field+": "+string(reason))
			}
		}
		sort.Strings(parts)
		return strings.Join(parts, ", ")
	}
	if e.Description != "" {
		return e.Error + ": " + e.Description
	}
	return e.Error
}

// project is the id or full path of the project that the repoUrl names.
func (l *lab) project() string {
	if l.target.Project != "" {
		return l.target.Project
	}
	return l.target.Owner + "/" + l.target.Repo
}

// atProject is a path below a project, which is an id or a full path.
func atProject(project string, segments ...string) rest.Path {
	return append(rest.Path{"projects", project}, segments...)
}

// at is a path below the project of the repoUrl.
func (l *lab) at(segments ...string) rest.Path { return atProject(l.project(), segments...) }

// createOnce makes a thing of which GitLab refuses a second one. When an earlier run of the step may have made it, that
// refusal says that it did.
func (l *lab) createOnce(key string, create func() error) error {
	return l.do(key, func() error {
		again, err := l.begin(key)
		if err != nil {
			return err
		}
		err = create()
		if again && err != nil && (strings.Contains(err.Error(), "already exists") || strings.Contains(err.Error(), "already been taken")) {
			return nil
		}
		return err
	})
}

// makeVariable makes a CI variable of a project.
func (l *lab) makeVariable(project string, v gitlabVariable) error {
	v.VariableType, v.EnvironmentScope = cmp.Or(v.VariableType, "env_var"), cmp.Or(v.EnvironmentScope, "*")
	return l.createOnce(fmt.Sprintf("create.project.variables.%s.%s.%s", project, v.Key, v.EnvironmentScope), func() error {
		return l.api.Post(l.Context, atProject(project, "variables"), v, nil)
	})
}

// findUser is the id of a user, 0 = there is none of that name.
func findUser(ctx context.Context, api *rest.API, username string) (int64, error) {
	var users []struct{ ID int64 }
	_, err := api.Do(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path{"users"}, Query: url.Values{"username": {username}}}, &users)
	if err != nil || len(users) == 0 {
		return 0, err
	}
	return users[0].ID, nil
}
