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

// Pattern is where [Handler] is to be mounted, for any method. The rest of the path is the original one, where a gateway
// appends it.
const Pattern = "/authz/{instance}/{rest...}"

// Handler answers gateways that ask whether to let a request in, at /authz/{instance}/{api}: with 200 and headers that say
// whose request it is, or with 401, 403, 429 or 503. find answers the driver of an instance, nil = there is none.
//
// Without {api}, the API is found by the host and path of the original request, which the gateway tells: X-Forwarded-Host
// with X-Forwarded-Uri or X-Original-URI. These headers, X-Forwarded-Method among them, are believed: a gateway must set them
// itself and drop what callers send. Whoever can reach this handler can only try keys, as he can at the gateway.
//
// With ?deny=403 everything that is not allowed is answered 403, for gateways that take other statuses for a failure; the
// header X-Authz-Status has the one that is meant.
func Handler(find func(instance string) *Driver) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := find(r.PathValue("instance"))
		if d == nil {
			write(w, r, decision{status: http.StatusForbidden, reason: "no such gateway"}, time.Time{})
			return
		}
		d.answer(w, r)
	})
}

func (d *Driver) answer(w http.ResponseWriter, r *http.Request) {
	began := d.now()
	if err := d.load(r.Context()); err != nil {
		write(w, r, decision{status: http.StatusServiceUnavailable, reason: "keys cannot be checked yet"}, began)
		return
	}
	q := d.question(r)
	answer := d.decide(q, began)
	write(w, r, answer, began)
	d.metrics.count(d.name, q.api, answer, d.now().Sub(began))
}

// write sends a decision. The body says why; few gateways pass it on.
func write(w http.ResponseWriter, r *http.Request, d decision, now time.Time) {
	h := w.Header()
	d.header(h, now)
	h["Cache-Control"] = []string{"no-store"}
	status := d.status
	if status != http.StatusOK && strings.Contains(r.URL.RawQuery, "deny=403") && r.URL.Query().Get("deny") == "403" {
		status = http.StatusForbidden
	}
	if d.reason == "" {
		w.WriteHeader(status)
		return
	}
	http.Error(w, d.reason, status)
}

// question reads what is asked.
func (d *Driver) question(r *http.Request) question {
	named, appended, _ := strings.Cut(r.PathValue("rest"), "/")
	uri := original(r)
	if uri == nil && appended != "" {
		uri = &url.URL{Path: "/" + appended, RawQuery: r.URL.RawQuery}
	}
	q := question{method: cmp.Or(r.Header.Get("X-Forwarded-Method"), r.Header.Get("X-Original-Method"))}
	if named != "" {
		q.api = d.apis[driver.APIID(named)]
	} else if uri != nil {
		q.api = d.routed(cmp.Or(r.Header.Get("X-Forwarded-Host"), uri.Host), uri)
	}
	if q.api != nil {
		q.secret = q.api.secret(r.Header, uri)
	}
	return q
}

// original is the address of the request that the gateway asks about; nil = not told, or not readable.
func original(r *http.Request) *url.URL {
	text := cmp.Or(r.Header.Get("X-Forwarded-Uri"), r.Header.Get("X-Original-Uri"), r.Header.Get("X-Original-Url"))
	if text == "" {
		return nil
	}
	uri, err := url.ParseRequestURI(text)
	if err != nil {
		return nil
	}
	return uri
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
