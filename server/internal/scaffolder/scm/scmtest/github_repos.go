package scmtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func (g *GitHub) routeRepositories(mux *http.ServeMux) {
	g.handle(mux, "POST /user/repos", func(c *call) (int, any) { return g.makeRepository(c, c.token.User) })
	g.handle(mux, "POST /orgs/{org}/repos", func(c *call) (int, any) { return g.makeRepository(c, c.PathValue("org")) })
	g.handle(mux, "GET /user/repos", func(c *call) (int, any) {
		var list []map[string]any
		for _, r := range g.repositories {
			if g.mayPushRepository(c.token, r) {
				list = append(list, g.json(c, r))
			}
		}
		slices.SortFunc(list, func(a, b map[string]any) int {
			return strings.Compare(fmt.Sprint(a["full_name"]), fmt.Sprint(b["full_name"]))
		})
		return page(&g.host, c, list)
	})
	g.repo(mux, "GET", "", func(c *call, r *GitHubRepository) (int, any) { return http.StatusOK, g.json(c, r) })
	g.repo(mux, "GET", "/forks", func(c *call, r *GitHubRepository) (int, any) {
		var list []map[string]any
		for _, f := range g.repositories {
			if f.ForkOf == r.Owner+"/"+r.Name {
				list = append(list, g.json(c, f))
			}
		}
		return page(&g.host, c, list)
	})
	g.repo(mux, "POST", "/forks", g.fork)
	g.repo(mux, "GET", "/branches", func(c *call, r *GitHubRepository) (int, any) {
		var list []map[string]any
		for _, name := range g.repos[r.Owner+"/"+r.Name].branches() {
			list = append(list, map[string]any{"name": name})
		}
		return page(&g.host, c, list)
	})
	g.change(mux, "PUT", "/collaborators/{user}", func(c *call, r *GitHubRepository) (int, any) {
		if a := g.accounts[c.PathValue("user")]; a == nil || a.kind != "User" {
			return http.StatusNotFound, "Not Found"
		}
		r.Collaborators[c.PathValue("user")] = c.text("permission")
		return http.StatusCreated, map[string]any{}
	})
	g.handle(mux, "PUT /orgs/{org}/teams/{team}/repos/{owner}/{repo}", func(c *call) (int, any) {
		a, r := g.accounts[c.PathValue("org")], g.repositories[c.PathValue("owner")+"/"+c.PathValue("repo")]
		if a == nil || r == nil || a.teams[c.PathValue("team")] == 0 || !g.may(c.token, r.Owner) {
			return http.StatusNotFound, "Not Found"
		}
		r.Teams[c.PathValue("team")] = c.text("permission")
		return http.StatusNoContent, nil
	})
}

// repo registers a route below a repository that everybody may use who has a token.
func (g *GitHub) repo(mux *http.ServeMux, method, below string, f func(c *call, r *GitHubRepository) (int, any)) {
	g.handle(mux, method+" /repos/{owner}/{repo}"+below, func(c *call) (int, any) {
		r := g.repositories[c.PathValue("owner")+"/"+c.PathValue("repo")]
		if r == nil {
			return http.StatusNotFound, "Not Found"
		}
		return f(c, r)
	})
}

// change registers one for those who may push.
func (g *GitHub) change(mux *http.ServeMux, method, below string, f func(c *call, r *GitHubRepository) (int, any)) {
	g.repo(mux, method, below, func(c *call, r *GitHubRepository) (int, any) {
		if !g.mayPushRepository(c.token, r) {
			return http.StatusForbidden, "Resource not accessible by personal access token"
		}
		return f(c, r)
	})
}

func (g *GitHub) json(c *call, r *GitHubRepository) map[string]any {
	page := g.URL + "/" + r.Owner + "/" + r.Name
	return map[string]any{
		"id": r.ID, "name": r.Name, "full_name": r.Owner + "/" + r.Name, "owner": g.accounts[r.Owner].json(), "html_url": page, "clone_url": page + ".git",
		"default_branch": r.DefaultBranch, "created_at": r.CreatedAt.Format("2006-01-02T15:04:05Z"),
		"permissions": map[string]bool{"push": g.mayPushRepository(c.token, r), "pull": true},
	}
}

func (g *GitHub) makeRepository(c *call, owner string) (int, any) {
	name := c.text("name")
	switch {
	case c.token.Scopes == nil && !g.may(c.token, owner):
		return http.StatusForbidden, "Resource not accessible by integration"
	case !g.may(c.token, owner):
		return http.StatusNotFound, "Not Found"
	case g.repositories[owner+"/"+name] != nil:
		return http.StatusUnprocessableEntity, invalid("Repository creation failed.", "Repository", "name", "name already exists on this account")
	}
	r, err := g.newRepository(owner, name, c.body)
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	return http.StatusCreated, g.json(c, r)
}

func (g *GitHub) fork(c *call, r *GitHubRepository) (int, any) {
	f, err := g.newRepository(c.token.User, r.Name, map[string]any{})
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	f.ForkOf = r.Owner + "/" + r.Name
	g.repos[f.Owner+"/"+f.Name] = g.repos[f.ForkOf] // objects and branches are shared, which the API does not show
	return http.StatusAccepted, g.json(c, f)
}
