package scmtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (g *GitHub) routeIssues(mux *http.ServeMux) {
	g.repo(mux, "POST", "/issues", func(c *call, r *GitHubRepository) (int, any) {
		i := &GitHubIssue{Number: len(r.Issues) + 1, Title: c.text("title"), Body: c.text("body"), Milestone: c.body["milestone"]}
		if g.mayPushRepository(c.token, r) { // GitHub drops these silently otherwise
			i.Labels, i.Assignees = c.texts("labels"), c.texts("assignees")
		}
		r.Issues = append(r.Issues, i)
		return http.StatusCreated, g.issueJSON(r, i)
	})
	issue := func(method, path string, f func(c *call, r *GitHubRepository, i *GitHubIssue) (int, any)) {
		g.change(mux, method, path, func(c *call, r *GitHubRepository) (int, any) {
			n, err := strconv.Atoi(c.PathValue("number"))
			if err != nil || n < 1 || n > len(r.Issues) {
				return http.StatusNotFound, "Not Found"
			}
			return f(c, r, r.Issues[n-1])
		})
	}
	issue("POST", "/issues/{number}/labels", func(c *call, _ *GitHubRepository, i *GitHubIssue) (int, any) {
		i.Labels = append(i.Labels, c.texts("labels")...)
		return http.StatusOK, []any{}
	})
	issue("POST", "/issues/{number}/assignees", func(c *call, r *GitHubRepository, i *GitHubIssue) (int, any) {
		i.Assignees = append(i.Assignees, c.texts("assignees")...)
		return http.StatusCreated, g.issueJSON(r, i)
	})
	issue("POST", "/pulls/{number}/requested_reviewers", func(c *call, r *GitHubRepository, i *GitHubIssue) (int, any) {
		for _, login := range c.texts("reviewers") {
			if g.accounts[login] == nil {
				return http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the " + r.Owner + "/" + r.Name + " repository."
			}
		}
		i.Reviewers, i.TeamReviewers = append(i.Reviewers, c.texts("reviewers")...), append(i.TeamReviewers, c.texts("team_reviewers")...)
		return http.StatusCreated, map[string]any{"requested_reviewers": logins(i.Reviewers), "requested_teams": slugs(i.TeamReviewers)}
	})
	issue("PATCH", "/pulls/{number}", func(c *call, r *GitHubRepository, i *GitHubIssue) (int, any) {
		i.Title, i.Body = c.text("title"), c.text("body")
		return http.StatusOK, g.issueJSON(r, i)
	})
	g.routePulls(mux)
	g.handle(mux, "POST "+graphql, g.pullByGraphQL)
}

func (g *GitHub) routePulls(mux *http.ServeMux) {
	g.repo(mux, "GET", "/pulls", func(c *call, r *GitHubRepository) (int, any) {
		var list []map[string]any
		for _, i := range r.Issues {
			if i.Pull && i.Head == c.URL.Query().Get("head") {
				list = append(list, g.issueJSON(r, i))
			}
		}
		return page(&g.host, c, list)
	})
	g.repo(mux, "POST", "/pulls", func(c *call, r *GitHubRepository) (int, any) {
		head := c.text("head")
		holder, branch, _ := strings.Cut(head, ":")
		if g.repos[holder+"/"+r.Name].branch(branch) == "" || g.repos[r.Owner+"/"+r.Name].branch(c.text("base")) == "" {
			return http.StatusUnprocessableEntity, invalid("Validation Failed", "PullRequest", "head", "head or base does not exist")
		}
		if slices.ContainsFunc(r.Issues, func(i *GitHubIssue) bool { return i.Pull && i.Head == head }) {
			return http.StatusUnprocessableEntity, invalid("Validation Failed", "PullRequest", "", "A pull request already exists for "+head+".")
		}
		i := &GitHubIssue{Number: len(r.Issues) + 1, Title: c.text("title"), Body: c.text("body"), Pull: true, Head: head, Base: c.text("base"), Draft: c.flag("draft")}
		r.Issues = append(r.Issues, i)
		return http.StatusCreated, g.issueJSON(r, i)
	})
}

// pullByGraphQL answers the one query that the reference has: is there a branch, and which pull request is open for it.
func (g *GitHub) pullByGraphQL(c *call) (int, any) {
	variables, _ := c.body["variables"].(map[string]any)
	owner, _ := variables["owner"].(string)
	name, _ := variables["repo"].(string)
	head, _ := variables["head"].(string)
	if !strings.Contains(c.text("query"), "associatedPullRequests") || g.repositories[owner+"/"+name] == nil {
		return http.StatusOK, map[string]any{"errors": []any{map[string]any{"message": "Could not resolve to a Repository with the name '" + owner + "/" + name + "'."}}}
	}
	if g.repos[owner+"/"+name].branch(head) == "" {
		return http.StatusOK, map[string]any{"data": map[string]any{"repository": map[string]any{"ref": nil}}}
	}
	edges := []any{}
	for _, r := range g.repositories {
		for _, i := range r.Issues {
			if i.Pull && i.Head == owner+":"+head && r.Name == name {
				edges = append(edges, map[string]any{"node": map[string]any{"number": i.Number, "url": g.issueJSON(r, i)["html_url"]}})
			}
		}
	}
	return http.StatusOK, map[string]any{"data": map[string]any{"repository": map[string]any{"ref": map[string]any{"associatedPullRequests": map[string]any{"edges": edges}}}}}
}

func (g *GitHub) issueJSON(r *GitHubRepository, i *GitHubIssue) map[string]any {
	kind := "issues"
	if i.Pull {
		kind = "pull"
	}
	return map[string]any{
		"number": i.Number, "title": i.Title, "html_url": fmt.Sprintf("%s/%s/%s/%s/%d", g.URL, r.Owner, r.Name, kind, i.Number),
		"base": map[string]any{"ref": i.Base}, "assignees": logins(i.Assignees),
	}
}

func logins(names []string) []map[string]string { return named("login", names) }
func slugs(names []string) []map[string]string  { return named("slug", names) }

func named(key string, names []string) []map[string]string {
	list := []map[string]string{}
	for _, name := range names {
		list = append(list, map[string]string{key: name})
	}
	return list
}
