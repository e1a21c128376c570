package urlreader

import (
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/entity"
)

// ResolveURL resolves target, which may be relative, against base: an absolute URL stays, a leading "/" starts at the
// root of the repository that base is in, anything else is relative to base. The query of base is kept.
func (r *Reader) ResolveURL(target, base string) (string, error) {
	if entity.ValidURL(target) {
		return target, nil
	}
	from, err := url.Parse(base)
	if err != nil || !from.IsAbs() {
		return "", errInvalidURL()
	}
	host := r.integrations.forHost(from.Host)
	if host == nil {
		return relative(from, target)
	}
	if strings.HasPrefix(target, "/") {
		root, err := host.root(from)
		if err != nil {
			return "", err
		}
		rooted, err := url.Parse(root)
		if err != nil {
			return "", err
		}
		rooted.Path, rooted.RawPath = strings.TrimSuffix(rooted.Path, "/")+target, ""
		rooted.RawQuery = from.RawQuery
		return finish(host, rooted), nil
	}
	resolved, err := from.Parse(target)
	if err != nil {
		return "", errInvalidURL()
	}
	if resolved.RawQuery == "" {
		resolved.RawQuery = from.RawQuery
	}
	return finish(host, resolved), nil
}

// relative resolves on a host of which nothing is known. A leading slash does not mean the root of the host: the
// reference takes the whole base for the repository then, and so such references fail as they do there.
func relative(from *url.URL, target string) (string, error) {
	if strings.HasPrefix(target, "/") {
		rooted := *from
		rooted.Path, rooted.RawPath = strings.TrimSuffix(from.Path, "/")+target, ""
		return rooted.String(), nil
	}
	resolved, err := from.Parse(target)
	if err != nil || resolved.Host == "" {
		return "", errInvalidURL()
	}
	return resolved.String(), nil
}

// finish gives GitHub's results the "tree" form, as the reference has it.
func finish(host integration, u *url.URL) string {
	if _, ok := host.(*gitHub); ok {
		return withVerb(u, "tree")
	}
	return u.String()
}

// EditURL is the page where a person edits the file behind target, "" when no integration knows its host.
func (r *Reader) EditURL(target string) string {
	return r.page(target, func(h integration, u *url.URL) string { return h.edit(u) })
}

// SourceURL is the folder of the file behind target as its host shows it, "" when no integration knows the host.
func (r *Reader) SourceURL(target string) string {
	return r.page(target, func(h integration, u *url.URL) string { return h.source(u) })
}

// Repository names the repository that target points into ("github.com/org/repo"), "" when no integration knows it.
func (r *Reader) Repository(target string) string {
	return r.page(target, func(h integration, u *url.URL) string { return h.repository(u) })
}

func (r *Reader) page(target string, of func(integration, *url.URL) string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	host := r.integrations.forHost(u.Host)
	if host == nil {
		return ""
	}
	return of(host, u)
}
