package signin

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/weblink"
)

// origins are the pages that may ask for sign-in and get its outcome.
type origins struct {
	app, own string
	patterns []string // lower case, as path.Match reads them: a star is any text without a slash
}

// readOrigins reads auth.experimentalExtraAllowedOrigins beside the app and the host itself.
func readOrigins(auth *config.Section, app, own string) *origins {
	const key = "experimentalExtraAllowedOrigins"
	o := &origins{app: weblink.Origin(app), own: weblink.Origin(own)}
	for _, pattern := range auth.Strings(key) {
		for _, p := range alternatives(strings.ToLower(pattern), 64) {
			p = strings.ReplaceAll(p, "[!", "[^")
			if _, err := path.Match(p, ""); err != nil || strings.ContainsAny(p, "{}()") || strings.HasPrefix(p, "!") || strings.HasPrefix(p, "#") {
				auth.Problem(key, "must hold origins in which * and ? stand for other characters, [ab] for one of some, {a,b} for one of several texts")
				break
			}
			o.patterns = append(o.patterns, p)
		}
	}
	return o
}

// alternatives writes {a,b} out, up to a number of patterns. What it cannot read keeps its braces.
func alternatives(pattern string, most int) []string {
	from := strings.LastIndexByte(pattern, '{') // an inner pair first
	if from < 0 {
		return []string{pattern}
	}
	length := strings.IndexByte(pattern[from:], '}')
	if length < 0 {
		return []string{pattern}
	}
	var all []string
	for option := range strings.SplitSeq(pattern[from+1:from+length], ",") {
		all = append(all, alternatives(pattern[:from]+option+pattern[from+length+1:], most)...)
		if len(all) > most {
			return []string{pattern}
		}
	}
	return all
}

func (o *origins) allowed(origin string) bool {
	if origin == "" {
		return false
	}
	return origin == o.app || origin == o.own || slices.ContainsFunc(o.patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, strings.ToLower(origin)) // its form has been checked
		return ok
	})
}

// maxAddress is the longest address that people are sent back to.
const maxAddress = 4096

// webAddress reads an absolute http or https address. What a browser could read differently is refused: blanks, control
// characters, backslashes, credentials, hosts beyond plain letters.
func webAddress(text string) (*url.URL, bool) {
	if len(text) > maxAddress || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return nil, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, false
	}
	return u, !strings.ContainsFunc(u.Host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:[]", r)
	})
}

// originOf is the origin of an address as browsers write it; false when it has none.
func originOf(address string) (string, bool) {
	u, ok := webAddress(address)
	if !ok {
		return "", false
	}
	return weblink.Origin(u.String()), true
}

// leadsHome reports whether people may be sent to address.
func (o *origins) leadsHome(address string) bool {
	origin, ok := originOf(address)
	return ok && o.allowed(origin)
}
