package tool

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
)

// allowRule is one entry of callboard.scaffolder.http.allow: what may be asked of which host.
type allowRule struct {
	host    string   // lower case: a name, "*.suffix", or "*" for every public address
	port    string   // "" = the scheme's own
	paths   []string // each stands for itself and what is below it; nil = all
	methods []string // nil = all
}

func readAllow(s *config.Section) []allowRule {
	var rules []allowRule
	for _, entry := range s.Sections("allow") {
		known(entry, "host", "paths", "methods")
		host, port := splitPort(strings.ToLower(entry.String("host", "")))
		name := strings.TrimPrefix(host, "*.")
		_, err := strconv.ParseUint(port, 10, 16)
		if host == "" || (host != "*" && strings.Contains(name, "*")) || strings.ContainsAny(host, "/@ ") || (port != "" && err != nil) {
			entry.Problem("host", "must be a host such as api.example.com, api.example.com:8443, *.example.com, or * for all public addresses")
			continue
		}
		rule := allowRule{host: host, port: port, paths: entry.Strings("paths")}
		for _, p := range rule.paths {
			if !strings.HasPrefix(p, "/") {
				entry.Problem("paths", "must begin with a slash")
			}
		}
		for _, m := range entry.Strings("methods") {
			rule.methods = append(rule.methods, strings.ToUpper(m))
		}
		rules = append(rules, rule)
	}
	return rules
}

// splitPort also takes "[::1]:80".
func splitPort(host string) (name, port string) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") && (strings.HasPrefix(host, "[") || strings.Count(host, ":") == 1) {
		host, port = host[:i], host[i+1:]
	}
	return strings.Trim(host, "[]"), port
}

func (r allowRule) matches(method string, u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	suffix, wild := strings.CutPrefix(r.host, "*")
	if host != r.host && (!wild || !strings.HasSuffix(host, suffix)) {
		return false
	}
	standard := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if cmp.Or(u.Port(), standard) != cmp.Or(r.port, standard) {
		return false
	}
	if len(r.methods) > 0 && !slices.Contains(r.methods, method) {
		return false
	}
	return len(r.paths) == 0 || slices.ContainsFunc(r.paths, func(p string) bool { return below(u.Path, p) })
}

// below reports whether a decoded path is prefix or below it. Paths that servers read differently are below nothing.
func below(path, prefix string) bool {
	for _, trick := range []string{"..", "//", `\`, "%", "/./", "\x00"} {
		if strings.Contains(path, trick) {
			return false
		}
	}
	return path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
}
