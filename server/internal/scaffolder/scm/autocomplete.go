package scm

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// Choice is one answer of autocompletion.
type Choice struct {
	ID    string `json:"id"`
	Title string `json:"title,omitempty"`
}

// Autocompleter answers what a form field may be completed to at one kind of host, in the name of the token's user.
type Autocompleter func(ctx context.Context, resource, token string, context map[string]string) ([]Choice, error)

// Autocompleters are by the provider's name in POST /v2/autocomplete/:provider/:resource: github, and gitlab where its
// actions are offered.
func Autocompleters(d Deps) map[string]Autocompleter {
	s := newService(d)
	all := map[string]Autocompleter{"github": answering(s.completeGitHub)}
	if len(d.Config.Section("integrations").Sections("gitlab")) > 0 {
		all["gitlab"] = answering(s.completeGitLab)
	}
	return all
}

func answering(complete Autocompleter) Autocompleter {
	return func(ctx context.Context, resource, token string, from map[string]string) ([]Choice, error) {
		list, err := complete(ctx, resource, token, from)
		return list, named(err)
	}
}

func (s *service) completeGitHub(ctx context.Context, resource, token string, from map[string]string) ([]Choice, error) {
	host := cmp.Or(strings.ToLower(from["host"]), publicHosts["github"])
	f, ok := s.hosts.github[host]
	if !ok {
		return nil, apierror.Inputf("No integration for host %s", host)
	}
	if token == "" {
		return nil, apierror.Inputf("No owner and/or repo provided, which is required if a token is not provided")
	}
	api, err := s.githubAPI(f, "token "+token, token)
	if err != nil {
		return nil, err
	}
	switch resource {
	case "repositoriesWithOwner":
		return choices(ctx, api, rest.Path{"user", "repos"}, func(r struct {
			FullName string `json:"full_name"`
		}) Choice {
			return Choice{ID: r.FullName}
		})
	case "branches":
		if from["owner"] == "" || from["repository"] == "" {
			return nil, apierror.Inputf("Missing owner and/or repository context parameter")
		}
		return choices(ctx, api, rest.Path{"repos", from["owner"], from["repository"], "branches"}, func(b struct{ Name string }) Choice {
			return Choice{ID: b.Name}
		})
	case "owners":
		return choices(ctx, api, rest.Path{"user", "orgs"}, func(o struct{ Login string }) Choice { return Choice{ID: o.Login} })
	}
	return nil, apierror.Inputf("Invalid resource: %s", resource)
}

func (s *service) completeGitLab(ctx context.Context, resource, token string, from map[string]string) ([]Choice, error) {
	api, _, err := s.gitlabAPI(cmp.Or(from["host"], publicHosts["gitlab"]), token)
	if err != nil {
		return nil, err
	}
	switch resource {
	case "groups":
		return gitlabGroups(ctx, api)
	case "repositories":
		return gitlabRepositories(ctx, api, from["id"])
	}
	return nil, apierror.Inputf("Invalid resource: %s", resource)
}

type gitlabUser struct {
	ID       int64
	Username string
}

func (u gitlabUser) id() string { return strconv.FormatInt(u.ID, 10) }

// gitlabGroups are the groups and, last, the user, in whose names projects can be.
func gitlabGroups(ctx context.Context, api *rest.API) ([]Choice, error) {
	list, err := choices(ctx, api, rest.Path{"groups"}, func(g gitlabGroup) Choice {
		return Choice{ID: strconv.FormatInt(g.ID, 10), Title: g.FullPath}
	})
	if err != nil {
		return nil, err
	}
	var user gitlabUser
	err = api.Get(ctx, rest.Path{"user"}, &user)
	return append(list, Choice{ID: user.id(), Title: user.Username}), err
}

func gitlabRepositories(ctx context.Context, api *rest.API, id string) ([]Choice, error) {
	if id == "" {
		return nil, apierror.Inputf("Missing groupId and userId context parameter")
	}
	var user gitlabUser
	if err := api.Get(ctx, rest.Path{"user"}, &user); err != nil {
		return nil, err
	}
	kind := "groups"
	if id == user.id() {
		kind = "users"
	}
	return choices(ctx, api, rest.Path{kind, id, "projects"}, func(p struct{ Name, Path string }) Choice {
		return Choice{ID: p.Path, Title: strings.TrimSpace(p.Name)}
	})
}

func choices[T any](ctx context.Context, api *rest.API, p rest.Path, of func(T) Choice) ([]Choice, error) {
	list, err := rest.List[T](ctx, api, p, nil)
	if err != nil {
		return nil, err
	}
	all := make([]Choice, len(list))
	for i, item := range list {
		all[i] = of(item)
	}
	return all, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
