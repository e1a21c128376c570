package tryit

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// mostDecodings is how often a path may be escaped over and over.
const mostDecodings = 8

// climbs holds for a piece of a path that a generous server may read as one that leaves its place: with dot segments in
// any spelling, or that is not escaped UTF-8. Such a server decodes until nothing changes, takes back slashes for slashes,
// and leaves out what follows a semicolon.
func climbs(path string) bool {
	for range mostDecodings {
		if !utf8.ValidString(path) || strings.IndexFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0 {
			return true
		}
		for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\`, "/"), "/") {
			name, _, _ := strings.Cut(segment, ";")
			if name = strings.TrimSpace(name); name == "." || name == ".." {
				return true
			}
		}
		decoded := decodeOnce(path)
		if decoded == path {
			return false
		}
		path = decoded
	}
	return true
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// decodeOnce decodes what is an escape and leaves the rest.
func decodeOnce(s string) string {
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		b, _ := hex.DecodeString(e[1:])
		return string(b)
	})
}

// tidy is a URL to compare others with.
func tidy(u *url.URL) *url.URL {
	path := strings.TrimRight(u.EscapedPath(), "/")
	out := &url.URL{Scheme: strings.ToLower(u.Scheme), Host: strings.ToLower(u.Host)}
	if port := out.Port(); port == "443" && out.Scheme == "https" || port == "80" && out.Scheme == "http" {
		out.Host = strings.TrimSuffix(out.Host, ":"+port)
	}
	out.Path, _ = url.PathUnescape(path)
	out.RawPath = path
	return out
}

// below reports whether u is the server or a part of it.
func (s *Server) below(u *url.URL) bool {
	path, base := u.EscapedPath(), s.URL.EscapedPath()
	return u.Scheme == s.URL.Scheme && u.Host == s.URL.Host && (path == base || strings.HasPrefix(path, base+"/"))
}

// named reads the address of a server in a document; nil = none that can be reached from here.
func named(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" ||
		strings.ContainsAny(address, "{}\\") || climbs(u.EscapedPath()) {
		return nil
	}
	return tidy(u)
}

// ofConnection are headers that belong to the connection or that the host sets itself.
func ofConnection(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Connection", "Content-Length", "Content-Encoding", "Expect", "Host", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
		"Proxy-Connection", "Accept-Encoding", "Content-Type":
		return true
	}
	return false
}

// reserved are headers that no viewer may set or see: those of the connection, those that carry credentials, and those by
// which servers are told who asks.
func reserved(name string) bool {
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Authorization", "Cookie", "Cookie2", "Set-Cookie", "Set-Cookie2", "Proxy-Authorization", "Proxy-Authenticate", "Www-Authenticate",
		"Forwarded", "X-Real-Ip", "Via", "Origin", "Referer":
		return true
	}
	return ofConnection(name) || strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Sec-") || strings.HasPrefix(name, "Proxy-") ||
		strings.HasPrefix(name, "X-Original-") || strings.HasPrefix(name, "X-Http-Method") || strings.HasPrefix(name, "X-Method-Override")
}
