package auth

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// oauthClient is what a client says about itself in its metadata document.
type oauthClient struct {
	name         string
	redirectURIs []string
}

const (
	metadataTimeout = 10 * time.Second
	maxMetadata     = 64 << 10
	// metadataFresh is how long a document is believed without asking again: authorize, the consent page and retries
	// of one sign-in are one fetch.
	metadataFresh = 5 * time.Minute
)

// clientIDURL checks the form of a client id that is an address. It is stricter than a URL parser on purpose: what two
// parsers could read differently is refused.
func clientIDURL(id string, development bool) (*url.URL, error) {
	const invalid = "Invalid client_id: "
	if len(id) > 2048 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return nil, apierror.New(apierror.Input, invalid+"not a valid URL")
	}
	u, err := url.Parse(id)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return nil, apierror.New(apierror.Input, invalid+"not a valid URL")
	}
	localHTTP := u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1") && development
	switch {
	case u.Scheme != "https" && !localHTTP:
		return nil, apierror.New(apierror.Input, invalid+"must use HTTPS (or HTTP for localhost in development)")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return nil, apierror.New(apierror.Input, invalid+"path must not contain dot segments")
	case u.Path == "" || u.Path == "/":
		return nil, apierror.New(apierror.Input, invalid+"must have a path component")
	case u.Fragment != "" || strings.Contains(id, "#"):
		return nil, apierror.New(apierror.Input, invalid+"must not contain a fragment")
	case u.User != nil:
		return nil, apierror.New(apierror.Input, invalid+"must not contain credentials")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, apierror.New(apierror.Input, invalid+"must not contain a query string")
	}
	return u, nil
}

// urlPattern is an address in which * stands for any text in host and path, and ":*" for any port or none.
type urlPattern struct {
	text, scheme, host, port, path string
	anyPort                        bool
}

// parseURLPattern reads a pattern of the configuration; false when it is none.
func parseURLPattern(text string) (urlPattern, bool) {
	if text == "*" {
		return urlPattern{text: text}, true
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme == "" {
		return urlPattern{}, false
	}
	p := urlPattern{text: text, scheme: strings.ToLower(scheme), host: rest, path: "*"}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		p.host, p.path = rest[:i], rest[i:]
	} else if p.scheme == "http" || p.scheme == "https" {
		p.path = "/"
	}
	if h, ok := strings.CutSuffix(p.host, ":*"); ok {
		p.host, p.anyPort = h, true
	} else if i := strings.LastIndexByte(p.host, ':'); i > strings.LastIndexByte(p.host, ']') {
		p.host, p.port = p.host[:i], p.host[i+1:]
	}
	if p.host == "" {
		p.host = "*"
	}
	return p, !strings.ContainsAny(p.host, "/?#@")
}

// exact reports whether the pattern names one address: then the operator vouches for it.
func (p urlPattern) exact() bool { return !strings.ContainsAny(p.text, "*?") }

func (p urlPattern) matches(u *url.URL) bool {
	if p.text == "*" {
		return true
	}
	host := u.Host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return u.Scheme == p.scheme && wildcard(strings.ToLower(p.host), strings.ToLower(host)) &&
		(p.anyPort || effectivePort(u.Scheme, u.Port()) == effectivePort(p.scheme, p.port)) && wildcard(p.path, path)
}

func effectivePort(scheme, port string) string {
	switch {
	case scheme == "https" && port == "443", scheme == "http" && port == "80":
		return ""
	}
	return port
}

// wildcard matches text with a pattern in which * is any text. It takes time in the product of both lengths, at most.
func wildcard(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, last)
}

// fetchClient reads a client's metadata document. Nothing of a failure reaches the caller: what an inner address
// answers is nobody's business.
func fetchClient(ctx context.Context, client *http.Client, id string) (*oauthClient, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	failed := apierror.New(apierror.Input, "Failed to fetch client metadata")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, id, nil)
	if err != nil {
		return nil, failed
	}
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return nil, failed
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, failed
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxMetadata+1))
	if err != nil {
		return nil, failed
	}
	if len(body) > maxMetadata {
		return nil, apierror.New(apierror.Input, "Client metadata document too large")
	}
	return readClient(body, id)
}

func readClient(body []byte, id string) (*oauthClient, error) {
	var m struct {
		ID            string          `json:"client_id"`
		Name          string          `json:"client_name"`
		RedirectURIs  []string        `json:"redirect_uris"`
		Secret        json.RawMessage `json:"client_secret"`
		SecretExpires json.RawMessage `json:"client_secret_expires_at"`
		AuthMethod    string          `json:"token_endpoint_auth_method"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, apierror.New(apierror.Input, "Invalid client metadata document")
	}
	switch {
	case m.ID != id:
		return nil, apierror.New(apierror.Input, "Client ID mismatch in metadata document")
	case len(m.RedirectURIs) == 0:
		return nil, apierror.New(apierror.Input, "Metadata must include at least one redirect_uri")
	case m.Secret != nil || m.SecretExpires != nil:
		return nil, apierror.New(apierror.Input, "Client metadata must not contain client_secret")
	case slices.Contains([]string{"client_secret_basic", "client_secret_post", "client_secret_jwt"}, m.AuthMethod):
		return nil, apierror.New(apierror.Input, "Client metadata uses forbidden auth method")
	}
	for _, uri := range m.RedirectURIs {
		if _, ok := parseRedirect(uri); !ok {
			return nil, apierror.New(apierror.Input, "Invalid redirect_uri in metadata")
		}
	}
	if m.Name == "" {
		m.Name = m.ID
	}
	return &oauthClient{name: m.Name, redirectURIs: m.RedirectURIs}, nil
}

// parseRedirect reads an absolute address that a browser may be sent to. What browsers read differently from us
// (backslashes, blanks, control characters) is refused.
func parseRedirect(text string) (*url.URL, bool) {
	if len(text) > 2048 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return nil, false
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Opaque != "" || u.Host == "" {
		return nil, false
	}
	switch u.Scheme {
	case "javascript", "data", "vbscript", "file", "blob", "about":
		return nil, false
	}
	return u, true
}

var loopbackHosts = []string{"localhost", "127.0.0.1", "::1"}

// registered reports whether a client may be answered at uri. The port of a loopback address is free: native
// applications take whichever they get.
func (c *oauthClient) registered(uri string) bool {
	u, ok := parseRedirect(uri)
	if !ok {
		return false
	}
	if !slices.Contains(loopbackHosts, u.Hostname()) {
		return slices.Contains(c.redirectURIs, uri)
	}
	return slices.ContainsFunc(c.redirectURIs, func(other string) bool {
		r, ok := parseRedirect(other)
		return ok && r.Hostname() == u.Hostname() && r.Scheme == u.Scheme && r.EscapedPath() == u.EscapedPath()
	})
}
