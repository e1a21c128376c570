package httpx

import (
	"net/http"
	"slices"
	"strings"
)

// header is a response header with its value in the form that the header map stores, so that setting it allocates
// nothing. The values are shared by all answers: each slice has no spare capacity, and nobody writes into it.
type header struct {
	name   string // canonical
	values []string
}

func fixedHeader(name, value string) header {
	return header{http.CanonicalHeaderKey(name), []string{value}}
}

// securityHeaders are the reference's, without the cross-origin isolation headers that it leaves out.
func securityHeaders(s Settings) []header {
	referrer := s.Referrer
	if referrer == nil {
		referrer = []string{"no-referrer"}
	}
	all := []header{
		fixedHeader("Referrer-Policy", strings.Join(referrer, ",")),
		fixedHeader("Strict-Transport-Security", "max-age=15552000; includeSubDomains"),
		fixedHeader("X-Content-Type-Options", "nosniff"),
		fixedHeader("X-DNS-Prefetch-Control", "off"),
		fixedHeader("X-Download-Options", "noopen"),
		fixedHeader("X-Frame-Options", "SAMEORIGIN"),
		fixedHeader("X-Permitted-Cross-Domain-Policies", "none"),
		fixedHeader("X-XSS-Protection", "0"),
	}
	if policy := contentSecurityPolicy(s.CSP); policy != "" {
		all = append(all, fixedHeader("Content-Security-Policy", policy))
	}
	return all
}

// contentSecurityPolicy changes the default directives in place; new ones go to the end.
func contentSecurityPolicy(changes []Directive) string {
	policy := []Directive{
		{"default-src", []string{"'self'"}},
		{"base-uri", []string{"'self'"}},
		{"font-src", []string{"'self'", "https:", "data:"}},
		{"frame-ancestors", []string{"'self'"}},
		{"img-src", []string{"'self'", "data:"}},
		{"object-src", []string{"'none'"}},
		{"script-src", []string{"'self'", "'unsafe-eval'"}},
		{"script-src-attr", []string{"'none'"}},
		{"style-src", []string{"'self'", "https:", "'unsafe-inline'"}},
		{"upgrade-insecure-requests", []string{}},
	}
	for _, change := range changes {
		i := slices.IndexFunc(policy, func(d Directive) bool { return d.Name == change.Name })
		switch {
		case change.Values == nil && i >= 0:
			policy = slices.Delete(policy, i, i+1)
		case change.Values == nil:
		case i >= 0:
			policy[i] = change
		default:
			policy = append(policy, change)
		}
	}
	parts := make([]string, len(policy))
	for i, d := range policy {
		parts[i] = strings.Join(append([]string{d.Name}, d.Values...), " ")
	}
	return strings.Join(parts, ";")
}
