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
