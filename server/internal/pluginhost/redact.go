package pluginhost

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/callboard/callboard/server/internal/config"
)

// redactor takes the secrets of one plugin out of texts. Secrets may change while it is used.
type redactor struct {
	mu      sync.RWMutex
	secrets map[string]bool
	replace *strings.Replacer
}

// shortestSecret: shorter values would tear every text apart, and are none.
const shortestSecret = 4

// add notes further secrets. Old ones are kept: a plugin may still hold them.
func (r *redactor) add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets = map[string]bool{}
	}
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			r.secrets[form] = true
		}
	}
	var known []string
	for secret := range r.secrets {
		known = append(known, secret)
	}
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) }) // a secret within another one comes after it
	var pairs []string
	for _, secret := range known {
		pairs = append(pairs, secret, config.Secret)
	}
	r.replace = strings.NewReplacer(pairs...)
}

func (r *redactor) redact(text string) string {
	r.mu.RLock()
	replace := r.replace
	r.mu.RUnlock()
	if replace == nil {
		return text
	}
	return replace.Replace(text)
}

// forms are the ways in which a secret appears in texts: as it is, and as JSON, URLs and headers write it.
func forms(secret string) []string {
	if len(secret) < shortestSecret {
		return nil
	}
	quoted, _ := json.Marshal(secret)
	all := []string{secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))}
	for line := range strings.SplitSeq(secret, "\n") { // a key in PEM form is written line by line
		if line = strings.TrimSpace(line); len(line) >= shortestSecret && line != secret && !strings.HasPrefix(line, "-----") {
			all = append(all, line)
		}
	}
	return all
}
