package urlreader

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// treeTimeout is for the whole archive of a repository, headers and content.
const treeTimeout = 5 * time.Minute

// Tree is a folder of a repository as its host packs it: a tar archive, compressed by gzip, in which one folder with a
// name of the host's choice is around everything.
type Tree struct {
	// Archive is read as it arrives; closing it ends the transfer.
	Archive io.ReadCloser
	// Below is the folder that was asked for, within that outer folder; "" = all.
	Below string
}

// ReadTree begins to read the folder that target names, with the caller's token, or the integration's when it is "".
// Only hosts with an integration have trees. The archive is not limited here: whoever unpacks it does that.
func (r *Reader) ReadTree(ctx context.Context, target, token string) (Tree, error) {
	u, err := parse(target)
	if err != nil {
		return Tree{}, err
	}
	host := r.integrations.forHost(u.Host)
	if host == nil && r.allowed(u) {
		return Tree{}, apierror.Newf(apierror.NotImplemented, "Reading the folder '%s' is not possible: its host has no integration, and only repositories have folders", u.Redacted())
	}
	switch host := host.(type) {
	case nil:
		return Tree{}, NotAllowed(target)
	case *gitHub:
		return host.withToken(token).tree(ctx, r, u)
	case *gitLab:
		return host.withToken(token).tree(ctx, r, u)
	}
	_, err = host.read(ctx, r, u, "") // says why not
	return Tree{}, err
}

// ReadFile is [Reader.ReadURL] with the caller's token, which is used instead of the integration's unless it is "".
func (r *Reader) ReadFile(ctx context.Context, target, token string) ([]byte, error) {
	u, err := parse(target)
	if err != nil {
		return nil, err
	}
	var doc Document
	switch host := r.integrations.forHost(u.Host).(type) {
	case *gitHub:
		doc, err = host.withToken(token).read(ctx, r, u, "")
	case *gitLab:
		doc, err = host.withToken(token).read(ctx, r, u, "")
	case nil:
		if !r.allowed(u) {
			return nil, NotAllowed(target)
		}
		headers := http.Header{}
		if token != "" {
			headers.Set("Authorization", "Bearer "+token)
		}
		doc, err = r.fetch(ctx, u, "", headers)
	default:
		doc, err = host.read(ctx, r, u, "")
	}
	return doc.Data, err
}

// Integration is the kind of integration that knows the host of target, such as "github"; "" = none.
func (r *Reader) Integration(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	switch host := r.integrations.forHost(u.Host).(type) {
	case *gitHub:
		return "github"
	case *gitLab:
		return "gitlab"
	case unsupported:
		return host.kind
	}
	return ""
}

func (g *gitHub) withToken(token string) *gitHub {
	with := *g
	with.token = orElse(token, g.token)
	return &with
}

func (g *gitLab) withToken(token string) *gitLab {
	with := *g
	with.token = orElse(token, g.token)
	return &with
}

func (g *gitHub) tree(ctx context.Context, r *Reader, u *url.URL) (Tree, error) {
	if err := safeSegments(u); err != nil {
		return Tree{}, err
	}
	p := gitPath{}
	if parts := strings.Split(strings.Trim(u.Path, "/"), "/"); len(parts) == 2 {
		p.owner, p.repo = parts[0], strings.TrimSuffix(parts[1], ".git") // the default branch
	} else {
		var err error
		if p, err = g.parse(u); err != nil {
			return Tree{}, err
		}
	}
	if g.api == "" {
		return Tree{}, apierror.Inputf("integrations.github: %s has no apiBaseUrl, so its folders cannot be read", g.name)
	}
	archive, err := r.open(ctx, g.api+"/repos/"+escape(p.owner, p.repo, "tarball", p.ref), g.headers("application/vnd.github.v3+json"), u)
	return Tree{Archive: archive, Below: p.path}, err
}

func (g *gitLab) tree(ctx context.Context, r *Reader, u *url.URL) (Tree, error) {
	p, err := g.parse(u)
	if err != nil {
		if err := safeSegments(u); err != nil {
			return Tree{}, err
		}
		p = labPath{project: strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")} // the default branch
		if !strings.Contains(p.project, "/") || strings.Contains(p.project, "/-/") {
			return Tree{}, err
		}
	}
	query := url.Values{}
	if p.ref != "" {
		query.Set("sha", p.ref)
	}
	if p.path != "" {
		query.Set("path", p.path)
	}
	archive, err := r.open(ctx, g.repositoryAPI(p)+"/archive.tar.gz?"+query.Encode(), g.headers(), u)
	return Tree{Archive: archive, Below: p.path}, err
}

// open begins to read an endpoint of an integration. It may send us on to other endpoints of integrations, as GitHub
// does to the host of its archives; credentials stay with the first one.
func (r *Reader) open(ctx context.Context, endpoint string, headers http.Header, asked *url.URL) (io.ReadCloser, error) {
	first, err := url.Parse(endpoint)
	if err != nil {
		return nil, apierror.Inputf("Cannot read %s", asked.Redacted())
	}
	ctx, cancel := context.WithTimeout(ctx, treeTimeout)
	client := http.Client{Transport: r.client.Transport, CheckRedirect: r.client.CheckRedirect}
	next := first
	for range maxRedirects {
		var res *http.Response
		if res, err = get(ctx, &client, next, first, headers); err != nil {
			break
		}
		location := res.Header.Get("Location")
		if res.StatusCode/100 != 3 || location == "" {
			if err = statusError(res, asked.Redacted()); err == nil {
				return &transfer{res.Body, cancel}, nil
			}
			res.Body.Close()
			break
		}
		res.Body.Close()
		if next, err = r.redirected(next, location, asked); err != nil {
			break
		}
	}
	cancel()
	if err == nil {
		err = fmt.Errorf("Too many redirects (max %d) when reading %s", maxRedirects, asked.Redacted())
	}
	return nil, err
}

func get(ctx context.Context, client *http.Client, u, first *url.URL, headers http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if u.Host == first.Host && u.Scheme == first.Scheme {
		req.Header = headers.Clone()
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("Unable to read %s, %w", first.Redacted(), innermost(err))
	}
	return res, nil
}

func (r *Reader) redirected(from *url.URL, location string, asked *url.URL) (*url.URL, error) {
	next, err := from.Parse(location)
	if err != nil || next.Scheme != "https" && next.Scheme != from.Scheme {
		return nil, fmt.Errorf("Unable to read %s, it redirects to what is not a URL for it", asked.Redacted())
	}
	if next.Host != from.Host && !r.integrations.hasEndpoint(next.Hostname()) {
		return nil, apierror.NotAllowedf("Unable to read %s, it redirects to %s, which belongs to no integration", asked.Redacted(), next.Host)
	}
	return next, nil
}

// transfer is a body whose deadline ends with it.
type transfer struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (t *transfer) Close() error {
	defer t.cancel()
	return t.ReadCloser.Close()
}
