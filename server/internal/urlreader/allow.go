package urlreader

import (
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
)

// allowRule is one entry of backend.reading.allow: a host, "host:port", "host:from-to" or "*.suffix", with optional paths,
// each of which stands for itself and what is below it.
type allowRule struct {
	host     string // lower case, without port; with a leading "." for "*.suffix"
	from, to int    // allowed ports; 0,0 = the scheme's default
	paths    []string
}

func readAllowRules(reading *config.Section) []allowRule {
	var rules []allowRule
	for _, entry := range reading.Sections("allow") {
		host := strings.ToLower(entry.String("host", ""))
		if host == "" {
			entry.Problem("host", "must be a host name, such as example.com, example.com:8080 or *.example.com")
			continue
		}
		rule := allowRule{host: host, paths: entry.Strings("paths")}
		if name, ports, ok := strings.Cut(host, ":"); ok {
			from, to, isRange := strings.Cut(ports, "-")
			if !isRange {
				to = from
			}
			var err1, err2 error
			rule.host = name
			rule.from, err1 = strconv.Atoi(from)
			rule.to, err2 = strconv.Atoi(to)
			if err1 != nil || err2 != nil || rule.from > rule.to {
				entry.Problem("host", "must end in a port or a range of ports, such as :8080 or :8000-8100")
				continue
			}
		}
		if suffix, ok := strings.CutPrefix(rule.host, "*"); ok {
			rule.host = suffix
		}
		rules = append(rules, rule)
	}
	return rules
}

// names reports whether the rule names host exactly, not by a wildcard.
func (r allowRule) names(host string) bool {
	return r.host == strings.ToLower(host) && !strings.HasPrefix(r.host, ".")
}

func (r allowRule) matches(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if r.host != host && (!strings.HasPrefix(r.host, ".") || !strings.HasSuffix(host, r.host)) {
		return false
	}
	if !r.matchesPort(u) {
		return false
	}
	if len(r.paths) == 0 {
		return true
	}
	// Cleaned, so that dot segments do not lead out of an allowed prefix.
	clean := path.Clean("/" + u.Path)
	if strings.HasSuffix(u.Path, "/") && clean != "/" {
		clean += "/"
	}
	for _, allowed := range r.paths {
		if clean == allowed || strings.HasPrefix(clean, strings.TrimSuffix(allowed, "/")+"/") {
			return true
		}
	}
	return false
}

// matchesPort compares ports; a rule without one means the scheme's own.
func (r allowRule) matchesPort(u *url.URL) bool {
	standard := map[string]int{"http": 80, "https": 443}[u.Scheme]
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		port = standard
	}
	if r.from == 0 {
		return port == standard
	}
	return port >= r.from && port <= r.to
}

func (r *Reader) allowed(u *url.URL) bool {
	for _, rule := range r.allow {
		if rule.matches(u) {
			return true
		}
	}
	return false
}

// hostname is the host of "host:port".
func hostname(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
