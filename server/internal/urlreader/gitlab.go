package urlreader

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

const gitlabHost = "gitlab.com"

// gitLab reads gitlab.com and self-managed GitLab through the repository files API.
type gitLab struct{ name, api, base, token string }

func newGitLab(section *config.Section) *gitLab {
	name := section.String("host", gitlabHost)
	base := strings.TrimSuffix(section.String("baseUrl", "https://"+name), "/")
	return &gitLab{name: name, base: base, token: strings.TrimSpace(section.String("token", "")),
		api: strings.TrimSuffix(section.String("apiBaseUrl", base+"/api/v4"), "/")}
}

// labPath is <project>/-/<verb>/<ref>/<path> of a GitLab URL; older URLs have no "/-/".
type labPath struct{ project, verb, ref, path string }

func (g *gitLab) parse(u *url.URL) (labPath, error) {
	if err := safeSegments(u); err != nil {
		return labPath{}, err
	}
	full := strings.Trim(u.Path, "/")
	for _, verb := range []string{"blob", "tree", "edit", "raw"} {
		for _, separator := range []string{"/-/" + verb + "/", "/" + verb + "/"} {
			project, rest, ok := strings.Cut(full, separator)
			if !ok || !strings.Contains(project, "/") {
				continue
			}
			ref, path, _ := strings.Cut(rest, "/")
			return labPath{project, verb, ref, path}, nil
		}
	}
	return labPath{}, apierror.Inputf("Incorrect URL: %s, expected https://%s/<group>/<project>/-/blob/<branch>/<path>", u.Redacted(), g.name)
}

func (g *gitLab) host() string { return g.name }

func (g *gitLab) endpoints() []string {
	if u, err := url.Parse(g.api); err == nil && u.Host != "" {
		return []string{u.Host}
	}
	return nil
}

func (g *gitLab) headers() http.Header {
	if g.token == "" {
		return http.Header{}
	}
	return http.Header{"Authorization": {"Bearer " + g.token}}
}

func (g *gitLab) repositoryAPI(p labPath) string {
	return g.api + "/projects/" + url.PathEscape(p.project) + "/repository"
}

func (g *gitLab) read(ctx context.Context, r *Reader, u *url.URL, etag string) (Document, error) {
	p, err := g.parse(u)
	if err != nil {
		return Document{}, err
	}
	file := g.repositoryAPI(p) + "/files/" + url.PathEscape(p.path) + "/raw?ref=" + url.QueryEscape(p.ref)
	return r.fetchFor(ctx, file, etag, g.headers(), u)
}

const (
	gitlabPageSize = 100
	gitlabMaxPages = 200
)

func (g *gitLab) search(ctx context.Context, r *Reader, u *url.URL, _ string) (Files, error) {
	p, err := g.parse(u)
	if err != nil {
		return Files{}, err
	}
	var paths []string
	for page := 1; page <= gitlabMaxPages; page++ {
		query := url.Values{"recursive": {"true"}, "ref": {p.ref}, "per_page": {strconv.Itoa(gitlabPageSize)}, "page": {strconv.Itoa(page)}}
		doc, err := r.fetchFor(ctx, g.repositoryAPI(p)+"/tree?"+query.Encode(), "", g.headers(), u)
		if err != nil {
			return Files{}, err
		}
		var entries []struct{ Path, Type string }
		if err := json.Unmarshal(doc.Data, &entries); err != nil {
			return Files{}, apierror.Inputf("Unable to search %s: the answer of %s is not a tree", u.Redacted(), g.api)
		}
		for _, entry := range entries {
			if entry.Type == "blob" {
				paths = append(paths, entry.Path)
			}
		}
		if len(entries) < gitlabPageSize {
			break
		}
	}
	at := func(path string) string { return g.page(p, "blob", path) }
	return matches(r, p.path, paths, "", at), nil
}

func (g *gitLab) page(p labPath, verb, path string) string {
	return g.base + "/" + escape(p.project) + "/-/" + verb + "/" + escape(p.ref, path)
}

func (g *gitLab) edit(u *url.URL) string {
	p, err := g.parse(u)
	if err != nil {
		return ""
	}
	return g.page(p, "edit", p.path)
}

func (g *gitLab) source(u *url.URL) string {
	if _, err := g.parse(u); err != nil {
		return ""
	}
	folder, err := u.Parse("./")
	if err != nil {
		return ""
	}
	return folder.String()
}

func (g *gitLab) repository(u *url.URL) string {
	p, err := g.parse(u)
	if err != nil {
		return ""
	}
	return g.name + "/" + p.project
}

func (g *gitLab) root(u *url.URL) (string, error) {
	p, err := g.parse(u)
	if err != nil {
		return "", err
	}
	return g.page(p, p.verb, ""), nil
}
