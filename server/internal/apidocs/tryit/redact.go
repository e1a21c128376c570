package tryit

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

// removed stands where a secret was.
const removed = "[removed]"

// redactor removes a secret from what is answered, in the spellings in which servers echo headers: as it is, without its
// scheme, escaped for JSON, for HTML, for a query, in base64. What a server computes from a secret is beyond it.
type redactor struct {
	replacer *strings.Replacer
	longest  int
}

func newRedactor(c *Credential) redactor {
	if c == nil {
		return redactor{strings.NewReplacer(), 0}
	}
	secrets := []string{c.value}
	if scheme, rest, ok := strings.Cut(c.value, " "); ok && len(strings.TrimSpace(rest)) >= leastSecret && len(scheme) < 20 {
		rest = strings.TrimSpace(rest)
		secrets = append(secrets, rest)
		if plain, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "basic") {
			secrets = append(secrets, string(plain))
			if _, password, _ := strings.Cut(string(plain), ":"); len(password) >= leastSecret {
				secrets = append(secrets, password)
			}
		}
	}
	if c.Header == "Cookie" { // servers tell cookies apart
		for _, x := range cookiesOf(c.value) {
			if len(x.Value) >= leastSecret {
				secrets = append(secrets, x.Value)
			}
		}
	}
	forms := map[string]bool{}
	for _, s := range secrets {
		quoted, _ := json.Marshal(s)
		for _, form := range []string{s, string(quoted[1 : len(quoted)-1]), html.EscapeString(s), url.QueryEscape(s), url.PathEscape(s),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawStdEncoding.EncodeToString([]byte(s)),
			base64.URLEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))} {
			forms[form] = true
		}
	}
	return redactorOf(forms)
}

// redactorOf looks for the longest form first, so that no part of one is left.
func redactorOf(forms map[string]bool) redactor {
	r := redactor{}
	list := make([]string, 0, len(forms))
	for form := range forms {
		list = append(list, form)
		r.longest = max(r.longest, len(form))
	}
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range list {
		pairs = append(pairs, form, removed)
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r
}

func (r redactor) clean(s string) string { return r.replacer.Replace(s) }

// cut is a body of which limit and longest bytes were read. The last bytes of one that is longer are left out: they may be
// a part of a secret.
func (r redactor) cut(raw string, limit int) (body string, cut bool) {
	body = r.clean(raw)
	if len(raw) <= limit {
		return body, false
	}
	return body[:min(limit, max(0, len(body)-r.longest))], true
}
