package scm

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// githubActions are those of the reference's GitHub module. Those that are repeatable either set what they set again, or
// know by their checkpoints what an earlier run may have made; an issue or a workflow run would be a second one.
var githubActions = []kind{
	github("github:actions:dispatch", kind{}, dispatchWorkflow),
	github("github:autolinks:create", kind{repeatable: true}, createAutolink),
	github("github:branch-protection:create", kind{repeatable: true}, protectBranch),
	github("github:deployKey:create", kind{repeatable: true}, createDeployKey),
	github("github:environment:create", kind{repeatable: true}, createEnvironment),
	github("github:issues:create", kind{supportsDryRun: true}, createIssue),
	github("github:issues:label", kind{repeatable: true}, labelIssue),
	github("github:pages:enable", kind{repeatable: true}, enablePages),
	github("github:repo:create", kind{repeatable: true}, createRepository),
	github("github:repo:push", kind{repeatable: true}, pushRepository),
	github("github:webhook", kind{repeatable: true, supportsDryRun: true}, createWebhook),
	github("publish:github", kind{repeatable: true}, publishGitHub),
	github("publish:github:pull-request", kind{repeatable: true, supportsDryRun: true}, createPullRequest),
}

// hub is one run of an action at one repository of a GitHub.
type hub struct {
	*step
	service     *service
	api         *rest.API
	forge       forge
	repoURL     string // as the input has it
	owner, repo string
	token       string
}

// github makes a kind of an action whose input is I beside repoUrl and token.
func github[I any](id string, k kind, run func(h *hub, in I) error) kind {
	return forRepository(id, k, (*service).hub, run)
}

func (s *service) hub(t *step, repoURL, token string) (*hub, error) {
	r, err := s.hosts.parseRepoURL(repoURL)
	if err != nil {
		return nil, err
	}
	if r.Owner == "" || r.Repo == "" {
		return nil, apierror.Inputf("Invalid repository owner provided in repoUrl")
	}
	f, ok := s.hosts.github[r.Host]
	if !ok {
		return nil, apierror.Inputf("No integration for host %s", r.Host)
	}
	h := &hub{step: t, service: s, forge: f, repoURL: repoURL, owner: r.Owner, repo: r.Repo}
	if h.token, err = s.githubToken(t.Context, f, r.Owner, r.Repo, token); err != nil {
		return nil, err
	}
	h.api, err = s.githubAPI(f, "token "+h.token, h.token)
	return h, err
}

// githubToken is the credential for a repository: the input's, else one of the integration's apps, else its token.
func (s *service) githubToken(ctx context.Context, f forge, owner, repo, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if s.hosts.needsToken {
		return "", apierror.Inputf("No user credentials provided for host %s, but scaffolder.requireScmUserCredentials is enabled", f.host)
	}
	if token, err := s.appToken(ctx, f, owner); err != nil || token != "" {
		return token, err
	}
	if f.token == "" {
		return "", apierror.Inputf("No token available for host: %s, with owner %s, and repo %s. Make sure GitHub auth is configured correctly. See https://backstage.io/docs/auth/github/provider for more details.", f.host, owner, repo)
	}
	return f.token, nil
}

func (s *service) githubAPI(f forge, authorization, credential string) (*rest.API, error) {
	if f.api == "" {
		return nil, apierror.Inputf("integrations.github: %s has no apiBaseUrl", f.host)
	}
	return &rest.API{
		Base: f.api, Client: f.client, Credential: credential, Explain: explainGitHub, Wait: s.Wait,
		Header: http.Header{
			"Accept": {"application/vnd.github+json"}, "Authorization": {authorization}, "User-Agent": {"callboard"}, "X-Github-Api-Version": {"2022-11-28"},
		},
	}, nil
}

// explainGitHub is the message of an error with its details, as the reference's client shows it.
func explainGitHub(body []byte) string {
	var e struct {
		Message          string
		Errors           []json.RawMessage
		DocumentationURL string `json:"documentation_url"`
	}
	if json.Unmarshal(body, &e) != nil || e.Message == "" {
		return ""
	}
	text := e.Message
	if len(e.Errors) > 0 {
		details := make([]string, len(e.Errors))
		for i, detail := range e.Errors {
			details[i] = string(detail)
		}
		text += ": " + strings.Join(details, ", ")
	}
	if e.DocumentationURL != "" {
		text += " - " + e.DocumentationURL
	}
	return text
}

// at is a path below the repository.
func (h *hub) at(segments ...string) rest.Path {
	return append(rest.Path{"repos", h.owner, h.repo}, segments...)
}

// refName is the last part of an entity ref: collaborators may be named by one.
func refName(ref string) string {
	return ref[strings.LastIndexAny(ref, ":/")+1:]
}

// has reports whether err is the host's answer with that status.
func has(err error, status int) bool {
	e, ok := asHostError(err)
	return ok && e.Status == status
}

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
