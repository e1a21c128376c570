package httpx

import (
	"net/http"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
)

var errMissingCredentials = apierror.New(apierror.Authentication, "Missing credentials")

// barrier is what stands before every path of a feature, known or not: without credentials the answer is 401 even
// where nothing is mounted.
type barrier struct {
	policies []Policy
	off      bool // see Settings.NoBarrier
	exact    bool // see [Server.Attach]
}

// keysPath publishes a feature's public keys. In every feature it is open, and before the gate: others verify this
// one's tokens with it, also while it starts.
const keysPath = "/.backstage/auth/v1/jwks.json"

// allowance of an escaped path; 0 = users and services only.
func (b barrier) allowance(path string) Allowance {
	if b.off || path == keysPath {
		return AllowUnauthenticated | b.policyOf(path)
	}
	return b.policyOf(path)
}

func (b barrier) policyOf(path string) Allowance {
	var all Allowance
	for _, p := range b.policies {
		if underPath(p.Path, path) && (!b.exact || exactlyUnder(p.Path, path)) {
			all |= p.Allow
		}
	}
	return all
}

// exactlyUnder is asked about paths that are under prefix.
func exactlyUnder(prefix, path string) bool {
	return prefix == "/" || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")) && plainPath(path)
}

func reading(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// underPath reports whether path is prefix or below it, on a segment border and in any case.
func underPath(prefix, path string) bool {
	if prefix == "/" || prefix == "*" {
		return true
	}
	prefix = strings.TrimSuffix(prefix, "/")
	if len(path) < len(prefix) || !strings.EqualFold(prefix, path[:len(prefix)]) || !isASCII(path[:len(prefix)]) {
		return false
	}
	return len(path) == len(prefix) || path[len(prefix)] == '/'
}

// pass answers whether the request may go on. Where callers without credentials are welcome it does not look at
// credentials at all, as the reference: a bad token on a public path is not an error.
func (b barrier) pass(x *exchange) error {
	allowance := b.allowance(x.routedPath())
	if x.routedPath() == keysPath && !b.off && !reading(x.r.Method) {
		allowance = b.policyOf(keysPath)
	}
	x.accept = allowance & AllowEmbed
	if allowance.Has(AllowUnauthenticated) {
		return nil
	}
	if allowance.Has(AllowUserCookie) && (!b.exact || x.mayUseCookie()) {
		x.accept |= AllowUserCookie
	}
	p, err := x.credentials()
	if err != nil {
		return err
	}
	if p.Kind == principal.None {
		return errMissingCredentials
	}
	return nil
}
