package proxy

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/callboard/callboard/server/internal/config"
)

// ConfigKeys are the keys of this host's own that this feature reads.
var ConfigKeys = []string{"callboard.proxy.timeout", "callboard.proxy.idleTimeout", "callboard.proxy.maxBodyBytes", "callboard.proxy.maxInFlight"}

// Limits bound what one endpoint may keep busy. The reference has none.
type Limits struct {
	Timeout  time.Duration // to the header of an answer; 2 min
	Idle     time.Duration // how long an answer may stand still; 10 min
	Body     int64         // bytes of a request; 100 MiB
	InFlight int           // requests at once, event streams and web sockets among them; 256
}

// ReadLimits reads the section callboard.proxy.
func ReadLimits(s *config.Section) Limits {
	l := Limits{Timeout: s.Duration("timeout", 2*time.Minute), Idle: s.Duration("idleTimeout", 10*time.Minute),
		Body: int64(s.Int("maxBodyBytes", 100<<20)), InFlight: s.Int("maxInFlight", 256)}
	for key, positive := range map[string]bool{"timeout": l.Timeout > 0, "idleTimeout": l.Idle > 0, "maxBodyBytes": l.Body > 0, "maxInFlight": l.InFlight > 0} {
		if !positive {
			s.Problem(key, "must be more than 0")
		}
	}
	return l
}

// CheckConfig reports what is wrong with the section proxy. With proxy.skipInvalidProxies wrong endpoints are nothing to
// report: they are left out.
func CheckConfig(c *config.Config) {
	ReadLimits(c.Section("callboard.proxy"))
	section := c.Section("proxy")
	section.Bool("reviveConsumedRequestBodies", false) // nothing here consumes them
	if read := readEndpoints(section); !section.Bool("skipInvalidProxies", false) {
		for _, p := range read.problems {
			p.section.Problem(p.key, p.rule)
		}
	}
}

type credentials string

const (
	required credentials = "require"
	forward  credentials = "forward"
	open     credentials = "dangerously-allow-unauthenticated"
)

// endpoint is one configured route, as it was read.
type endpoint struct {
	route    string   // "/a/b" as configured, "" = everything
	segments []string // of the route
	target   *url.URL // without credentials
	plugin   string   // of a target plugin://<id>/…
	base     string   // escaped path of the target

	rules        []rule
	rewrites     bool // pathRewrite is configured, be it empty
	methods      []string
	headers      http.Header // that are added; they are secrets
	host         string      // of a configured Host header
	keepHost     bool
	credentials  credentials
	insecure     bool // certificates are not verified
	sockets      bool
	timeout      time.Duration // 0 = the feature's
	requestNames names
	answerNames  names

	live // what it is served with
}

// problem is a mistake in the configuration of one endpoint.
type problem struct {
	section   *config.Section
	key, rule string
}

// reading is what the section proxy says.
type reading struct {
	endpoints []*endpoint // the longest route first
	problems  []problem
	notes     []string // what works, but not as it is written
}

// readEndpoints reads proxy.endpoints, or the routes directly in proxy when there is no such key.
func readEndpoints(section *config.Section) *reading {
	r, routes := &reading{}, section
	nested := section.Has("endpoints")
	if nested {
		routes = section.Section("endpoints")
	}
	for _, route := range routes.Keys() {
		if !nested && !strings.HasPrefix(route, "/") {
			continue
		}
		before := len(r.problems)
		e := r.endpoint(routes, route)
		if len(r.problems) == before {
			r.endpoints = append(r.endpoints, e)
		}
	}
	if !nested && len(r.endpoints) > 0 {
		r.notes = append(r.notes, "endpoints directly in 'proxy' are deprecated: move them to 'proxy.endpoints'")
	}
	slices.SortStableFunc(r.endpoints, func(a, b *endpoint) int { return len(b.segments) - len(a.segments) })
	return r
}

func (r *reading) reject(s *config.Section, key, rule string) {
	r.problems = append(r.problems, problem{s, key, rule})
}

var plainRoute = regexp.MustCompile(`^/([A-Za-z0-9._~!$&'+,;=@-]+(/[A-Za-z0-9._~!$&'+,;=@-]+)*/?)?$`)

func (r *reading) endpoint(routes *config.Section, route string) *endpoint {
	e := &endpoint{route: strings.TrimSuffix(route, "/"), credentials: required}
	if !plainRoute.MatchString(route) || slices.ContainsFunc(strings.Split(route, "/"), func(s string) bool { return s == "." || s == ".." }) {
		r.reject(routes, route, "must be a path that begins with / and holds no patterns, escapes, dot segments or empty segments")
		return e
	}
	e.segments = strings.Split(e.route, "/")[1:]
	if e.route == "" {
		e.segments = nil
	}
	if slices.ContainsFunc(r.endpoints, func(other *endpoint) bool { return slices.EqualFunc(other.segments, e.segments, sameSegment) }) {
		r.reject(routes, route, "is the same route as another one: case and a trailing slash make no difference")
	}
	switch routes.Value(route).(type) {
	case string:
		r.target(e, routes, route)
		e.requestNames, e.answerNames = requestNames(nil), answerNames(nil)
	case map[string]any:
		r.details(e, routes.Section(route))
	default:
		r.reject(routes, route, "must be a URL, or an object with a target")
	}
	return e
}

// target reads the URL at key.
func (r *reading) target(e *endpoint, s *config.Section, key string) {
	text, isText := s.Value(key).(string)
	if !isText {
		r.reject(s, key, "must be a URL as a string")
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		r.reject(s, key, "is not a valid URL") // its text may hold a password
		return
	case u.RawQuery != "" || u.Fragment != "":
		r.reject(s, key, "must have no query and no fragment: requests are appended to it")
		return
	case u.User != nil:
		r.notes = append(r.notes, fmt.Sprintf("proxy endpoint %q: user and password in the target are not sent; use headers", e.route))
		u.User = nil
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch u.Scheme {
	case "http", "https":
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "plugin":
		e.plugin = u.Host
	default:
		r.reject(s, key, "must be an http or https URL, or plugin://<id>/<path>")
	}
	if e.plugin != "" && !pluginID.MatchString(e.plugin) {
		r.reject(s, key, "must name a plugin of this host: plugin://<id>/<path>")
	}
	e.base = escape(rawPath(u), plainInPath)
	if _, ok := understood(e.base); !ok {
		r.reject(s, key, "must have a path without parent segments")
	}
	e.target = u
}

var pluginID = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func (r *reading) details(e *endpoint, s *config.Section) {
	r.target(e, s, "target")
	e.keepHost = !r.flag(s, "changeOrigin", true)
	e.insecure = !r.flag(s, "secure", true)
	e.sockets = r.flag(s, "ws", false)
	e.timeout = r.milliseconds(s, "proxyTimeout")
	r.credentials(e, s)
	r.headers(e, s)
	r.pathRewrite(e, s)
	for _, method := range r.list(s, "allowedMethods") {
		e.methods = append(e.methods, strings.ToUpper(method))
	}
	if s.Has("allowedMethods") && e.methods == nil {
		e.methods = []string{} // none
	}
	allowed := r.list(s, "allowedHeaders")
	toTarget := allowed
	if e.credentials == forward {
		toTarget = append(slices.Clip(allowed), "Authorization")
	}
	e.requestNames, e.answerNames = requestNames(toTarget), answerNames(allowed)
	for _, key := range s.Keys() {
		if !slices.Contains(understoodKeys, key) {
			r.notes = append(r.notes, fmt.Sprintf("proxy endpoint %q: the option %q has no effect here", e.route, key))
		}
	}
}

var understoodKeys = []string{"target", "changeOrigin", "secure", "ws", "proxyTimeout", "credentials", "headers", "pathRewrite",
	"allowedMethods", "allowedHeaders", "logLevel"}

func (r *reading) credentials(e *endpoint, s *config.Section) {
	if !s.Has("credentials") {
		return
	}
	text, _ := s.Value("credentials").(string)
	e.credentials = credentials(text)
	switch e.credentials {
	case required, forward, open:
	default:
		r.reject(s, "credentials", "must be 'require', 'forward' or 'dangerously-allow-unauthenticated'")
	}
}

func (r *reading) headers(e *endpoint, s *config.Section) {
	if _, isObject := s.Value("headers").(map[string]any); !isObject {
		if s.Has("headers") {
			r.reject(s, "headers", "must be an object of strings")
		}
		return
	}
	headers := s.Section("headers")
	e.headers = http.Header{}
	for _, name := range headers.Keys() {
		value, isText := headers.Value(name).(string)
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			r.reject(headers, name, "is not the name of a header")
		case !isText:
			r.reject(headers, name, "must be a string; put numbers and booleans in quotes")
		case !httpguts.ValidHeaderFieldValue(value):
			r.reject(headers, name, "holds a line break or another control character")
		case canonical == "Host":
			e.host = value
		case slices.Contains(ofConnection, canonical):
			r.reject(headers, name, "belongs to the connection and cannot be configured")
		default:
			e.headers[canonical] = []string{value}
		}
	}
}

func (r *reading) pathRewrite(e *endpoint, s *config.Section) {
	if _, isObject := s.Value("pathRewrite").(map[string]any); !isObject {
		if s.Has("pathRewrite") {
			r.reject(s, "pathRewrite", "must be an object of regular expressions and replacements")
		}
		return
	}
	e.rewrites = true
	rules := s.Section("pathRewrite")
	for _, text := range rules.Keys() {
		replacement, isText := rules.Value(text).(string)
		expression, err := regexp.Compile(text)
		switch {
		case !isText:
			r.reject(rules, text, "must be a string")
		case err != nil:
			r.reject(rules, text, "is not a regular expression that works here (look-around and back references do not)")
		default:
			e.rules = append(e.rules, rule{expression, replacement})
		}
	}
}

// flag takes what [config.Section.Bool] takes, but mistakes in an endpoint may be skipped.
func (r *reading) flag(s *config.Section, key string, def bool) bool {
	switch v := s.Value(key).(type) {
	case nil:
		return def
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b
		}
	}
	r.reject(s, key, "must be true or false")
	return def
}

func (r *reading) milliseconds(s *config.Section, key string) time.Duration {
	if !s.Has(key) {
		return 0
	}
	const longest = 24 * time.Hour
	n, ok := s.Value(key).(float64)
	if !ok || n <= 0 || n > float64(longest/time.Millisecond) {
		r.reject(s, key, "must be a number of milliseconds, of at most a day")
		return 0
	}
	return time.Duration(n * float64(time.Millisecond))
}

// list is a list of strings; one string is a list of one.
func (r *reading) list(s *config.Section, key string) (all []string) {
	switch v := s.Value(key).(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			text, isText := item.(string)
			if !isText || text == "" {
				r.reject(s, key, "must be a list of strings")
				return nil
			}
			all = append(all, text)
		}
		return all
	}
	r.reject(s, key, "must be a list of strings")
	return nil
}
