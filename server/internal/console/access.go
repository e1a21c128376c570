package console

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/principal"
)

// Access says who may see the console.
type Access string

// The rules of access.
const (
	// PublicOnLoopback shows the console without credentials to requests from this machine, which is the default.
	// Everybody else needs a token.
	PublicOnLoopback Access = "public-on-loopback"
	// Authenticated asks everybody for a token.
	Authenticated Access = "authenticated"
)

// Settings are the configuration of the console, under callboard.console.
type Settings struct {
	Enabled bool
	Access  Access
}

// ReadSettings reads callboard.console. An unknown access rule is a problem of the configuration and counts as the
// strict one.
func ReadSettings(c *config.Config) Settings {
	s := c.Section("callboard.console")
	settings := Settings{Enabled: s.Bool("enabled", true), Access: Access(s.String("access", string(PublicOnLoopback)))}
	if settings.Access != PublicOnLoopback && settings.Access != Authenticated {
		s.Problem("access", "must be authenticated or public-on-loopback")
		settings.Access = Authenticated
	}
	return settings
}

// Authenticator is the part of the host's authenticator that the console needs.
type Authenticator interface {
	Authenticate(r *http.Request, feature string, accept httpx.Allowance) (*principal.Principal, error)
}

// cookieName holds the token that was typed into the page. It is sent to the console only by the console's own pages:
// strict about sites and invisible to scripts.
const cookieName = "callboard-console"

// allowed reports whether the request may see the console.
func (h *handler) allowed(r *http.Request) bool {
	if h.settings.Access == PublicOnLoopback && fromLoopback(r) {
		return true
	}
	if r.Header.Get("Authorization") != "" {
		return h.known(r)
	}
	cookie, err := r.Cookie(cookieName)
	return err == nil && h.knownToken(r, cookie.Value)
}

// mayOperate reports whether the request may restart plugins and read their logs: from this machine where that is public,
// else with a token of a service that is not restricted. Users come to look only.
func (h *handler) mayOperate(r *http.Request) bool {
	if h.settings.Access == PublicOnLoopback && fromLoopback(r) {
		return true
	}
	asked := r
	if cookie, err := r.Cookie(cookieName); err == nil && r.Header.Get("Authorization") == "" {
		asked = r.Clone(r.Context())
		asked.Header.Set("Authorization", "Bearer "+cookie.Value)
	}
	caller, err := h.auth.Authenticate(asked, "console", 0)
	return err == nil && caller != nil && caller.Kind == principal.Service && caller.Restrictions == nil
}

func (h *handler) knownToken(r *http.Request, token string) bool {
	asked := r.Clone(r.Context())
	asked.Header.Set("Authorization", "Bearer "+token)
	return h.known(asked)
}

// known accepts users and services; the console shows no content of entities, only what is wrong with their files.
func (h *handler) known(r *http.Request) bool {
	caller, err := h.auth.Authenticate(r, "console", 0)
	return err == nil && caller != nil && caller.Kind != principal.None
}

// fromLoopback reports whether a request was made on this machine to this machine. A proxy on the machine also calls
// from a loopback address, and a page of another site can make a browser ask under a name of its own that leads here:
// so forwarded requests and requests under other names do not count.
func fromLoopback(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if _, forwarded := r.Header[name]; forwarded {
			return false
		}
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && remote.Addr().Unmap().IsLoopback() && loopbackName(r.Host)
}

func loopbackName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
