package urlreader

import (
	"context"
	"net/url"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

// integration is one source-code host.
type integration interface {
	host() string
	// endpoints are the hosts that reading really talks to.
	endpoints() []string
	read(ctx context.Context, r *Reader, u *url.URL, etag string) (Document, error)
	search(ctx context.Context, r *Reader, u *url.URL, etag string) (Files, error)
	// edit and source are the pages for a file, "" when u is not a file of a repository; repository names what u is in.
	edit(u *url.URL) string
	source(u *url.URL) string
	repository(u *url.URL) string
	// root is the URL of the repository's root in the same branch as u.
	root(u *url.URL) (string, error)
}

type integrations struct{ byHost map[string]integration }

// readIntegrations knows GitHub and GitLab, each with its public host by default; kinds of hosts that cannot be read are
// kept as such, so that the error says so.
func readIntegrations(section *config.Section) integrations {
	all := integrations{map[string]integration{}}
	for kind, host := range map[string]string{"azure": "dev.azure.com", "bitbucketCloud": "bitbucket.org"} {
		all.add(unsupported{kind, host})
	}
	all.add(newGitHub(config.FromValue(map[string]any{"host": githubHost}).Root()))
	all.add(newGitLab(config.FromValue(map[string]any{"host": gitlabHost}).Root()))
	for _, kind := range section.Keys() {
		for _, entry := range section.Sections(kind) {
			if !entry.Has("host") {
				continue
			}
			switch kind {
			case "github":
				all.add(newGitHub(entry))
			case "gitlab":
				all.add(newGitLab(entry))
			default:
				all.add(unsupported{kind, entry.String("host", "")})
			}
		}
	}
	return all
}

func (i integrations) add(host integration) { i.byHost[strings.ToLower(host.host())] = host }

func (i integrations) forHost(host string) integration { return i.byHost[strings.ToLower(host)] }

func (i integrations) hasEndpoint(host string) bool {
	for _, integration := range i.byHost {
		for _, endpoint := range integration.endpoints() {
			if strings.EqualFold(hostname(endpoint), host) {
				return true
			}
		}
	}
	return false
}

// unsupported is a host of a kind that Backstage knows and this reader does not read.
type unsupported struct{ kind, name string }

func (u unsupported) host() string        { return u.name }
func (u unsupported) endpoints() []string { return nil }

func (u unsupported) refuse(target *url.URL) error {
	return apierror.Newf(apierror.NotImplemented, "Reading from '%s' is not possible: integrations.%s is not supported; GitHub, GitLab and hosts in 'backend.reading.allow' are", target.Redacted(), u.kind)
}

func (u unsupported) read(_ context.Context, _ *Reader, target *url.URL, _ string) (Document, error) {
	return Document{}, u.refuse(target)
}

func (u unsupported) search(_ context.Context, _ *Reader, target *url.URL, _ string) (Files, error) {
	return Files{}, u.refuse(target)
}
func (u unsupported) edit(*url.URL) string                 { return "" }
func (u unsupported) source(*url.URL) string               { return "" }
func (u unsupported) repository(*url.URL) string           { return "" }
func (u unsupported) root(target *url.URL) (string, error) { return "", u.refuse(target) }
