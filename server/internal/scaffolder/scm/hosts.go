package scm

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/netguard"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
)

// hosts are the source-code hosts of "integrations".
type hosts struct {
	kinds      map[string]string // "github" by host
	github     map[string]forge
	gitlab     map[string]forge
	needsToken bool // scaffolder.requireScmUserCredentials
}

// forge is one GitHub or GitLab.
type forge struct {
	host, api, token string
	web              string // where repositories are, "https://github.com"
	apps             []githubApp
	client           *http.Client
}

// publicHosts are integrations without an entry, as in the reference.
var publicHosts = map[string]string{"github": "github.com", "gitlab": "gitlab.com", "azure": "dev.azure.com", "bitbucketCloud": "bitbucket.org"}

// readHosts gives hosts that the configuration names a client that may reach any address, since the operator chose them;
// the public hosts that are there by default are reached at public addresses alone.
func readHosts(c *config.Config) hosts {
	h := hosts{kinds: map[string]string{}, github: map[string]forge{}, gitlab: map[string]forge{},
		needsToken: c.Section("scaffolder").Bool("requireScmUserCredentials", false)}
	guarded := rest.NewHTTPClient(transport(&net.Dialer{Timeout: 10 * time.Second, Control: netguard.Control}))
	free := rest.NewHTTPClient(transport(&net.Dialer{Timeout: 10 * time.Second}))
	for kind, host := range publicHosts {
		h.add(kind, config.FromValue(map[string]any{"host": host}).Root(), guarded)
	}
	integrations := c.Section("integrations")
	for _, kind := range integrations.Keys() {
		for _, entry := range integrations.Sections(kind) {
			if entry.Has("host") || publicHosts[kind] != "" {
				h.add(kind, entry, free)
			}
		}
	}
	return h
}

func transport(dialer *net.Dialer) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: 50 * time.Second, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2: true,
	}
}

func (h hosts) add(kind string, entry *config.Section, client *http.Client) {
	host := strings.ToLower(entry.String("host", publicHosts[kind]))
	h.kinds[host] = kind
	f := forge{host: host, token: strings.TrimSpace(entry.String("token", "")), client: client}
	switch kind {
	case "github":
		api := ""
		if host == publicHosts[kind] {
			api = "https://api.github.com"
		}
		f.api, f.web = strings.TrimSuffix(entry.String("apiBaseUrl", api), "/"), "https://"+host
		f.apps = readApps(entry)
		h.github[host] = f
	case "gitlab":
		f.web = strings.TrimSuffix(entry.String("baseUrl", "https://"+host), "/")
		f.api = strings.TrimSuffix(entry.String("apiBaseUrl", f.web+"/api/v4"), "/")
		h.gitlab[host] = f
	}
}

// checkRemote refuses to push, with a credential, to another host than the one that the input named: the address is what
// the host's API answered.
func (f forge) checkRemote(remote string) error {
	u, err := url.Parse(remote)
	if err != nil {
		return apierror.Inputf("%s answered an address for git that is no URL", f.host)
	}
	for _, own := range []string{f.web, f.api} {
		base, err := url.Parse(own)
		if err != nil {
			continue
		}
		if strings.EqualFold(u.Host, base.Host) && (u.Scheme == base.Scheme || u.Scheme == "https") {
			return nil
		}
	}
	return apierror.NotAllowedf("%s answered the address %s for git, which is at another host: nothing was pushed", f.host, u.Redacted())
}
