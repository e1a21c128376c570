// Package origin reads entries of needs.egress that point into a plugin's settings. "settings:/servers/*/url" stands for
// every server that the operator's own settings name there: who writes the address has decided that the plugin goes there.
//
// The host and the conformance kit share it, so that both let through the same.
package origin

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// Prefix begins an entry that points into the settings; a JSON Pointer follows, in which "*" stands for every element of a
// list and every member of an object.
const Prefix = "settings:"

// maxSteps bounds a pointer, and maxFound what it may find.
const (
	maxSteps = 16
	maxFound = 1000
)

// Parse answers the steps of an entry that points into the settings, and false for one that does not.
func Parse(entry string) (steps []string, ok bool, err error) {
	pointer, ok := strings.CutPrefix(entry, Prefix)
	if !ok {
		return nil, false, nil
	}
	if len(pointer) < 2 || pointer[0] != '/' {
		return nil, true, errors.New(`must be followed by a JSON Pointer, as in "settings:/servers/*/url"`)
	}
	steps = strings.Split(pointer[1:], "/")
	if len(steps) > maxSteps {
		return nil, true, errors.New("must have at most 16 steps")
	}
	for i, s := range steps {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, true, errors.New("must not have empty steps or blanks")
		}
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
	}
	return steps, true, nil
}

// Named are the origins ("https://sonar.example.com:8443", the port always there) that an entry finds in settings, which
// are JSON as [encoding/json.Unmarshal] gives it. What is no http or https address is passed over: it is for the plugin to
// refuse. It is empty for an entry that does not point into the settings.
func Named(entry string, settings any) []string {
	steps, ok, err := Parse(entry)
	if !ok || err != nil {
		return nil
	}
	var found []string
	visit(settings, steps, func(address string) {
		if o, ok := of(address); ok && len(found) < maxFound {
			found = append(found, o)
		}
	})
	return found
}

func visit(v any, steps []string, found func(string)) {
	if len(steps) == 0 {
		if text, ok := v.(string); ok {
			found(text)
		}
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if steps[0] == name || steps[0] == "*" {
				visit(member, steps[1:], found)
			}
		}
	case []any:
		if steps[0] == "*" {
			for _, element := range v {
				visit(element, steps[1:], found)
			}
		}
	}
}

// of is the origin of an address. A host with an asterisk is none: settings name servers, not families of them.
func of(address string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Hostname() == "" || strings.Contains(u.Host, "*") {
		return "", false
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if port == "" {
		return "", false
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port), true
}
