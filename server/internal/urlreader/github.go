package urlreader

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

const githubHost = "github.com"

// gitHub reads github.com and GitHub Enterprise: through the contents API when there is a token or no raw host, else
// from the raw host.
type gitHub struct{ name, api, raw, token string }

func newGitHub(section *config.Section) *gitHub {
	g := &gitHub{name: section.String("host", githubHost), api: strings.TrimSuffix(section.String("apiBaseUrl", ""), "/"),
		raw: strings.TrimSuffix(section.String("rawBaseUrl", ""), "/"), token: strings.TrimSpace(section.String("token", ""))}
	if g.name == githubHost {
		g.api, g.raw = orElse(g.api, "https://api.github.com"), orElse(g.raw, "https://raw.githubusercontent.com")
	}
	return g
}

// gitPath is owner/repo/<verb>/<ref>/<path> of a GitHub URL.
type gitPath struct{ owner, repo, verb, ref, path string }

func (g *gitHub) parse(u *url.URL) (gitPath, error) {
	if err := safeSegments(u); err != nil {
		return gitPath{}, err
	}
	parts := strings.SplitN(strings.Trim(u.Path, "/"), "/", 5)
	if len(parts) < 4 || parts[2] != "blob" && parts[2] != "tree" && parts[2] != "edit" && parts[2] != "raw" {
		return gitPath{}, apierror.Inputf("Incorrect URL: %s, expected https://%s/<owner>/<repo>/blob/<branch>/<path>", u.Redacted(), g.name)
	}
	p := gitPath{owner: parts[0], repo: strings.TrimSuffix(parts[1], ".git"), verb: parts[2], ref: parts[3]}
	if len(parts) == 5 {
		p.path = parts[4]
	}
	return p, nil
}

func (g *gitHub) host() string { return g.name }

func (g *gitHub) endpoints() []string {
	hosts := []string{"codeload." + g.name} // where archives are
	for _, base := range []string{g.api, g.raw} {
		if u, err := url.Parse(base); err == nil && u.Host != "" {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

func (g *gitHub) headers(accept string) http.Header {
	h := http.Header{"Accept": {accept}}
	if g.token != "" {
		h.Set("Authorization", "token "+g.token)
	}
	return h
}

func (g *gitHub) read(ctx context.Context, r *Reader, u *url.URL, etag string) (Document, error) {
	p, err := g.parse(u)
	if err != nil {
		return Document{}, err
	}
	if g.token == "" && g.raw != "" {
		return r.fetchFor(ctx, g.raw+"/"+escape(p.owner, p.repo, p.ref, p.path), etag, nil, u)
	}
	if g.api == "" {
		return Document{}, apierror.Inputf("integrations.github: %s has neither apiBaseUrl nor rawBaseUrl, so %s cannot be read", g.name, u.Redacted())
	}
	contents := g.api + "/repos/" + escape(p.owner, p.repo, "contents", p.path) + "?ref=" + url.QueryEscape(p.ref)
	return r.fetchFor(ctx, contents, etag, g.headers("application/vnd.github.v3.raw"), u)
}

func (g *gitHub) search(ctx context.Context, r *Reader, u *url.URL, etag string) (Files, error) {
	p, err := g.parse(u)
	if err != nil {
		return Files{}, err
	}
	if g.api == "" {
		return Files{}, apierror.Inputf("integrations.github: %s has no apiBaseUrl, so its repositories cannot be searched", g.name)
	}
	tree := g.api + "/repos/" + escape(p.owner, p.repo, "git", "trees", p.ref) + "?recursive=1"
	doc, err := r.fetchFor(ctx, tree, etag, g.headers("application/vnd.github.v3+json"), u)
	if err != nil {
		return Files{}, err
	}
	var listing struct {
		Tree []struct{ Path, Type string }
	}
	if err := json.Unmarshal(doc.Data, &listing); err != nil {
		return Files{}, apierror.Inputf("Unable to search %s: the answer of %s is not a tree", u.Redacted(), g.api)
	}
	var paths []string
	for _, entry := range listing.Tree {
		if entry.Type == "blob" {
			paths = append(paths, entry.Path)
		}
	}
	at := func(path string) string {
		return "https://" + g.name + "/" + escape(p.owner, p.repo, "tree", p.ref, path)
	}
	return matches(r, p.path, paths, doc.ETag, at), nil
}

// matches keeps the paths that a glob names; their content is read when it is asked for.
func matches(r *Reader, glob string, paths []string, etag string, at func(path string) string) Files {
	files := Files{ETag: etag}
	for _, path := range paths {
		if ok, err := doublestar.Match(glob, path); !ok || err != nil {
			continue
		}
		target := at(path)
		files.Files = append(files.Files, File{URL: target, Content: func(ctx context.Context) ([]byte, error) {
			doc, err := r.ReadURL(ctx, target, "")
			return doc.Data, err
		}})
	}
	return files
}

// fetchFor reads an endpoint of an integration; errors tell the URL that was asked for, not the endpoint.
func (r *Reader) fetchFor(ctx context.Context, endpoint, etag string, headers http.Header, asked *url.URL) (Document, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return Document{}, apierror.Inputf("Cannot read %s", asked.Redacted())
	}
	return r.fetch(ctx, u, etag, headers)
}

func (g *gitHub) edit(u *url.URL) string {
	if _, err := g.parse(u); err != nil {
		return ""
	}
	return withVerb(u, "edit")
}

func (g *gitHub) source(u *url.URL) string {
	folder, err := u.Parse("./")
	if err != nil {
		return ""
	}
	if _, err := g.parse(u); err != nil {
		return ""
	}
	return withVerb(folder, "tree")
}

func (g *gitHub) repository(u *url.URL) string {
	p, err := g.parse(u)
	if err != nil {
		return ""
	}
	return g.name + "/" + p.owner + "/" + p.repo
}

func (g *gitHub) root(u *url.URL) (string, error) {
	p, err := g.parse(u)
	if err != nil {
		return "", err
	}
	return "https://" + g.name + "/" + escape(p.owner, p.repo, p.verb, p.ref), nil
}

// withVerb replaces blob, tree or edit in owner/repo/<verb>/… .
func withVerb(u *url.URL, verb string) string {
	parts := strings.SplitN(u.EscapedPath(), "/", 5)
	if len(parts) < 4 {
		return u.String()
	}
	switch parts[3] {
	case "blob", "tree", "edit":
		parts[3] = verb
	}
	out := *u
	escaped := strings.Join(parts, "/")
	out.Path, _ = url.PathUnescape(escaped)
	out.RawPath = escaped
	return out.String()
}

func escape(segments ...string) string {
	var out []string
	for _, segment := range segments {
		for part := range strings.SplitSeq(segment, "/") {
			out = append(out, url.PathEscape(part))
		}
	}
	return strings.TrimSuffix(strings.Join(out, "/"), "/")
}

func orElse(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
