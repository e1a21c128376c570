package proxy

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// passing are headers that pass in both directions without being listed, as in the reference.
var passing = []string{"Cache-Control", "Content-Language", "Content-Length", "Content-Type", "Expires", "Last-Modified", "Pragma",
	"Accept", "Accept-Language", "User-Agent"}

// ofConnection are headers that end here, even where they are listed.
var ofConnection = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Http2-Settings", "Expect", "Content-Length", "Host"}

// ofHost are headers of answers that hold for everything on the host's origin, so no other service sets them.
var ofHost = []string{"Clear-Site-Data", "Service-Worker-Allowed", "Content-Security-Policy", "Content-Security-Policy-Report-Only",
	"Strict-Transport-Security", "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "X-Dns-Prefetch-Control", "X-Download-Options",
	"X-Permitted-Cross-Domain-Policies", "X-Xss-Protection", "Permissions-Policy", "Origin-Agent-Cluster", "Public-Key-Pins",
	"Nel", "Report-To", "Reporting-Endpoints", "Alt-Svc"}

// socketHeaders are what a WebSocket is opened with.
var socketHeaders = []string{"Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions", "Sec-Websocket-Accept"}

type names map[string]bool

func nameSet(lists ...[]string) names {
	set := names{}
	for _, list := range lists {
		for _, name := range list {
			set[http.CanonicalHeaderKey(name)] = true
		}
	}
	return set
}

// requestNames are the headers of callers that pass.
func requestNames(allowed []string) names {
	set := nameSet(passing, allowed)
	for _, name := range ofConnection {
		delete(set, name)
	}
	maps.DeleteFunc(set, func(name string, _ bool) bool { return strings.HasPrefix(name, "X-Callboard-") })
	return set
}

// answerNames are the headers of answers that pass.
func answerNames(allowed []string) names {
	set := nameSet(passing, allowed)
	for _, name := range slices.Concat(ofConnection, ofHost) {
		delete(set, name)
	}
	maps.DeleteFunc(set, func(name string, _ bool) bool {
		return strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Cross-Origin-") || strings.HasPrefix(name, "X-Callboard-")
	})
	set["Content-Length"] = true // of the whole answer: bodies pass as they are
	return set
}

// outgoing are the headers that a target gets: those of the caller that pass, then the configured ones.
func (e *endpoint) outgoing(in http.Header, socket bool) http.Header {
	ending := nameSet(connectionNames(in))
	out := http.Header{}
	for name := range e.requestNames {
		if values := in[name]; len(values) > 0 && !ending[name] {
			out[name] = slices.Clone(values)
		}
	}
	if sent := out["Authorization"]; len(sent) > 1 {
		out["Authorization"] = sent[:1] // the one that was verified
	}
	dropHostCookies(out)
	if socket {
		out["Connection"], out["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
		for _, name := range socketHeaders {
			if values := in[name]; len(values) > 0 {
				out[name] = slices.Clone(values)
			}
		}
	}
	maps.Copy(out, e.headers)
	return out
}

// connectionNames are the headers that the caller wants to end here.
func connectionNames(in http.Header) (ending []string) {
	for _, line := range in["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			ending = append(ending, strings.TrimSpace(name))
		}
	}
	return ending
}

// isHostCookie knows the cookies of the host's own sessions; they go to nobody, and nobody else sets them.
func isHostCookie(name string) bool {
	return name == "backstage-auth" || strings.HasSuffix(name, "-refresh-token") || strings.HasSuffix(name, "-nonce") ||
		strings.HasSuffix(name, "-granted-scope")
}

// dropHostCookies takes the host's cookies out of a request for which cookies are listed.
func dropHostCookies(h http.Header) {
	lines, found := h["Cookie"]
	if !found {
		return
	}
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if name, _, _ := strings.Cut(pair, "="); pair != "" && !isHostCookie(strings.TrimSpace(name)) {
				kept = append(kept, pair)
			}
		}
	}
	delete(h, "Cookie")
	if len(kept) > 0 {
		h["Cookie"] = []string{strings.Join(kept, "; ")}
	}
}

// returning are the headers of an answer that pass.
func (e *endpoint) returning(in http.Header) http.Header {
	out := http.Header{}
	for name := range e.answerNames {
		if values := in[name]; len(values) > 0 {
			out[name] = values
		}
	}
	if cookies, listed := out["Set-Cookie"]; listed {
		out["Set-Cookie"] = slices.DeleteFunc(slices.Clone(cookies), func(line string) bool {
			name, _, _ := strings.Cut(line, "=")
			return isHostCookie(strings.TrimSpace(name))
		})
	}
	return out
}
