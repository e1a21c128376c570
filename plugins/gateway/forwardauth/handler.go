package forwardauth

import (
	"cmp"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// Pattern is where [Handler] is to be mounted, for any method.
const Pattern = "/authz/{instance}/{rest...}"

// The headers in which a gateway tells the address of the original request, where it does not append it to its own. The
// customary ones, X-Forwarded-Uri and its kin, are callers' claims to the portal, which hands them to no plugin.
const (
	HeaderURI  = "X-Authz-Uri"
	HeaderHost = "X-Authz-Host"
)

// Handler answers gateways that ask whether to let a request in, at /authz/{instance}/{api}: with 200 and headers that say
// whose request it is, or with 401, 403, 429 or 503. find answers the driver of an instance, nil = there is none.
//
// A gateway that appends the path of the original request to this, as Envoy does, has said everything. Others may tell more:
//
//	?method=     the method of the original request, where browsers' preflights are let in
//	?deny=403    they take other refusals for a failure: all are answered 403, and X-Authz-Status has the one that is meant
//	X-Authz-Uri  the original address, where the key may be in its query, or where {api} is left out
//
// Without {api}, the API is the one whose URL has the host of X-Authz-Host and begins the path of X-Authz-Uri. These headers
// are believed: a gateway that needs them sets them itself, over what callers send. The method is not taken from a header,
// since a gateway that forgot to set it would let everybody in who does. Whoever can reach this handler can only try keys,
// as he can at the gateway.
func Handler(find func(instance string) *Driver) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := find(r.PathValue("instance"))
		if d == nil {
			a := ask(r)
			write(w, a, decision{status: http.StatusForbidden, reason: "no such gateway"}, time.Time{})
			return
		}
		d.answer(w, r)
	})
}

func (d *Driver) answer(w http.ResponseWriter, r *http.Request) {
	began, a := d.now(), ask(r)
	if err := d.load(r.Context()); err != nil {
		write(w, a, decision{status: http.StatusServiceUnavailable, reason: "keys cannot be checked yet"}, began)
		return
	}
	q := d.question(a, r.Header)
	answer := d.decide(q, began)
	write(w, a, answer, began)
	d.metrics.count(d.name, q.api, answer, d.now().Sub(began))
}

// write sends a decision. The body says why; few gateways pass it on.
func write(w http.ResponseWriter, a asked, d decision, now time.Time) {
	h := w.Header()
	d.header(h, now)
	h["Cache-Control"] = []string{"no-store"}
	status := d.status
	if status != http.StatusOK && a.deny {
		status = http.StatusForbidden
	}
	if d.reason == "" {
		w.WriteHeader(status)
		return
	}
	http.Error(w, d.reason, status)
}

// asked is what a gateway says of the original request.
type asked struct {
	api    string   // "" = not named
	method string   // of the original request, or of the one that asks
	uri    *url.URL // nil = not told, or not readable
	host   string
	deny   bool // everything that is not allowed is answered 403
}

// ask reads a request. The query is the gateway's own only where nothing was appended: else it is the caller's.
func ask(r *http.Request) asked {
	a := asked{method: r.Method, host: r.Header.Get(HeaderHost)}
	var path string
	var appended bool
	if a.api, path, appended = strings.Cut(r.PathValue("rest"), "/"); appended {
		a.uri = &url.URL{Path: "/" + path, RawQuery: r.URL.RawQuery}
		return a
	}
	if text := r.Header.Get(HeaderURI); text != "" {
		a.uri, _ = url.ParseRequestURI(text) // what cannot be read says nothing
	}
	if r.URL.RawQuery != "" {
		query := r.URL.Query()
		a.deny = query.Get("deny") == "403"
		a.method = cmp.Or(query.Get("method"), a.method)
	}
	return a
}

func (d *Driver) question(a asked, h http.Header) question {
	q := question{method: a.method}
	if a.api != "" {
		q.api = d.apis[driver.APIID(a.api)]
	} else if a.uri != nil {
		q.api = d.routed(cmp.Or(a.host, a.uri.Host), a.uri)
	}
	if q.api != nil {
		q.secret = q.api.secret(h, a.uri)
	}
	return q
}

// secret is the key that a request carries.
func (a *API) secret(h http.Header, uri *url.URL) sdk.Secret {
	if value := h.Get(a.Header); value != "" {
		if a.Scheme == "" {
			return sdk.Secret(value)
		}
		if scheme, key, found := strings.Cut(value, " "); found && strings.EqualFold(scheme, a.Scheme) {
			return sdk.Secret(strings.TrimLeft(key, " "))
		}
	}
	if a.Query != "" && uri != nil {
		return sdk.Secret(uri.Query().Get(a.Query))
	}
	return ""
}

// route is where an API is at the gateway.
type route struct {
	host, prefix string // lower case; the prefix has no slash at its end
	api          *API
}

// routesTo are the routes, the longest prefix first.
func routesTo(apis []API) []route {
	var routes []route
	for n := range apis {
		if u, err := url.Parse(apis[n].URL); err == nil && u.Host != "" {
			routes = append(routes, route{hostOf(u.Host), strings.TrimRight(u.Path, "/"), &apis[n]})
		}
	}
	slices.SortStableFunc(routes, func(a, b route) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
	return routes
}

// routed is the API that a request is for. A path that a gateway may read otherwise is nobody's: one with dot segments,
// empty ones, or encoded slashes.
func (d *Driver) routed(host string, uri *url.URL) *API {
	if p := uri.Path; p != "/" && path.Clean(p) != strings.TrimRight(p, "/") || strings.ContainsRune(p, '\\') ||
		strings.Contains(strings.ToLower(uri.EscapedPath()), "%2f") {
		return nil
	}
	host = hostOf(host)
	for _, r := range d.routes {
		if r.host == host && (uri.Path == r.prefix || strings.HasPrefix(uri.Path, r.prefix+"/")) {
			return r.api
		}
	}
	return nil
}

// hostOf is a host as names are compared: with its port unless that is the one of its scheme.
func hostOf(host string) string {
	host = strings.ToLower(host)
	return strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":443")
}
