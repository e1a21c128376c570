package scm

import (
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// repoName is what a repoUrl names. Values that it does not have are empty.
type repoName struct{ Host, Owner, Repo, Organization, Workspace, Project string }

// parseRepoURL reads "github.com?owner=o&repo=r" as the reference does: the host must be an integration, and its kind says
// which values there must be.
func (h hosts) parseRepoURL(text string) (repoName, error) {
	u, err := url.Parse("https://" + text)
	if err != nil || u.Host == "" {
		return repoName{}, apierror.Inputf("Invalid repo URL passed to publisher, got %s, TypeError: Invalid URL", text)
	}
	host := strings.ToLower(u.Host)
	kind := h.kinds[host]
	if kind == "" {
		return repoName{}, apierror.Inputf("No matching integration configuration for host %s, please check your integrations config", host)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return repoName{}, apierror.Inputf("Invalid repo URL passed to publisher, got %s, the query cannot be read", text)
	}
	for _, name := range requiredOf(kind, query) {
		if query.Get(name) == "" {
			return repoName{}, apierror.Inputf("Invalid repo URL passed to publisher: https://%s/?%s, missing %s", host, u.RawQuery, name)
		}
	}
	value := func(name string) string { return strings.Trim(query.Get(name), "/") }
	r := repoName{host, value("owner"), value("repo"), value("organization"), value("workspace"), value("project")}
	return r, r.check(text)
}

func requiredOf(kind string, query url.Values) []string {
	switch kind {
	case "bitbucketCloud":
		return []string{"workspace", "project", "repo"}
	case "bitbucketServer", "azure":
		return []string{"project", "repo"}
	case "gitlab":
		if strings.Trim(query.Get("project"), "/") != "" {
			return nil
		}
		return []string{"owner", "repo"}
	case "gitea", "gerrit":
		return []string{"repo"}
	}
	return []string{"repo", "owner"}
}

// check refuses names that would be another address at the host: the reference lets them through.
func (r repoName) check(text string) error {
	for _, value := range []string{r.Owner, r.Repo, r.Organization, r.Workspace, r.Project} {
		for part := range strings.SplitSeq(value, "/") {
			if part == "." || part == ".." || strings.ContainsFunc(part, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }) {
				return apierror.Inputf("Invalid repo URL passed to publisher, got %q, its names must not be dots or hold control characters or backslashes", text)
			}
		}
	}
	return nil
}
