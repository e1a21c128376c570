package kongfake

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Gateway is the data plane. It answers for the services with a JSON of what they would have received.
func (s *Server) Gateway() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := s.options.Now()
		p := &passage{server: s, state: s.seen.Seen(now), now: now, w: w, r: r, source: "exit"}
		p.run()
		p.measure()
	})
}

// passage is one request on its way through the data plane.
type passage struct {
	server *Server
	state  state
	now    time.Time
	w      http.ResponseWriter
	r      *http.Request

	route, service, consumer, credential entity

	status   int
	source   string        // "exit" = answered by a plugin, "service" = by the service, "error" = there is none
	upstream time.Duration // that the service took
}

func (p *passage) run() {
	if !p.match() {
		p.source = "error"
		p.refuse(http.StatusNotFound, "no Route matched with those values")
		return
	}
	if config := p.plugin("key-auth"); config != nil && !p.authenticate(config) {
		return
	}
	if config := p.plugin("acl"); config != nil && !p.permitted(config) {
		p.refuse(http.StatusForbidden, "You cannot consume this service")
		return
	}
	if config := p.plugin("rate-limiting"); config != nil && !p.withinLimits(config) {
		return
	}
	p.forward()
}

// match finds the route with the longest path.
func (p *passage) match() bool {
	longest := -1
	for _, route := range p.state.all("routes", p.now) {
		n := matches(route, p.r)
		if n > longest {
			longest, p.route = n, route
		}
	}
	if p.route == nil {
		return false
	}
	p.service = p.state["services"][reference(p.route, "service")]
	return p.service != nil
}

// matches is the length of the path that a route matches with, -1 = it does not.
func matches(route entity, r *http.Request) int {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if hosts := texts(route["hosts"]); len(hosts) > 0 && !slices.Contains(hosts, host) {
		return -1
	}
	if methods := texts(route["methods"]); len(methods) > 0 && !slices.Contains(methods, r.Method) {
		return -1
	}
	paths := texts(route["paths"])
	if len(paths) == 0 {
		return 0
	}
	longest := -1
	for _, path := range paths {
		if strings.HasPrefix(r.URL.Path, path) {
			longest = max(longest, len(path))
		}
	}
	return longest
}

// weights order plugins of one name: that for the most particular of consumer, route and service is the one.
var weights = map[[3]bool]int{
	{true, true, true}: 7, {true, true, false}: 6, {true, false, true}: 5, {false, true, true}: 4,
	{true, false, false}: 3, {false, true, false}: 2, {false, false, true}: 1, {false, false, false}: 0,
}

// plugin is the configuration of a plugin for this request, nil = it is not on.
func (p *passage) plugin(name string) map[string]any {
	var config map[string]any
	heaviest := -1
	for _, one := range p.state.all("plugins", p.now) {
		if one["name"] != name || one["enabled"] != true {
			continue
		}
		consumer, route, service := reference(one, "consumer"), reference(one, "route"), reference(one, "service")
		if consumer != "" && consumer != text(p.consumer["id"]) || route != "" && route != p.route["id"] || service != "" && service != p.service["id"] {
			continue
		}
		if weight := weights[[3]bool{consumer != "", route != "", service != ""}]; weight > heaviest {
			heaviest = weight
			config, _ = one["config"].(map[string]any)
		}
	}
	return config
}

func (p *passage) authenticate(config map[string]any) bool {
	key, twice := p.key(config)
	switch {
	case twice:
		p.refuse(http.StatusUnauthorized, "Duplicate API key found")
		return false
	case key == "":
		p.w.Header().Set("WWW-Authenticate", `Key realm="kong"`)
		p.refuse(http.StatusUnauthorized, "No API key found in request")
		return false
	}
	found, there := p.state.find(kindAt("key-auths"), key, p.now)
	if !there || found["key"] != key {
		p.refuse(http.StatusUnauthorized, "Unauthorized")
		return false
	}
	p.credential, p.consumer = found, p.state["consumers"][reference(found, "consumer")]
	return true
}

func (p *passage) key(config map[string]any) (key string, twice bool) {
	for _, name := range texts(config["key_names"]) {
		var given []string
		if config["key_in_header"] == true {
			given = p.r.Header.Values(name)
		}
		if len(given) == 0 && config["key_in_query"] == true {
			given = p.r.URL.Query()[name]
		}
		if len(given) > 0 {
			return given[0], len(given) > 1
		}
	}
	return "", false
}

func (p *passage) permitted(config map[string]any) bool {
	var groups []string
	for _, acl := range p.state.all("acls", p.now) {
		if p.consumer != nil && reference(acl, "consumer") == p.consumer["id"] {
			groups = append(groups, text(acl["group"]))
		}
	}
	among := func(list any) bool {
		return slices.ContainsFunc(texts(list), func(group string) bool { return slices.Contains(groups, group) })
	}
	if config["allow"] != nil {
		return among(config["allow"])
	}
	return p.consumer != nil && !among(config["deny"])
}

var windows = map[string]time.Duration{
	"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "month": 30 * 24 * time.Hour, "year": 365 * 24 * time.Hour,
}

func (p *passage) withinLimits(config map[string]any) bool {
	var limits []driver.Limit
	var names []string
	for _, period := range periods {
		if n, set := config[period].(float64); set {
			limits, names = append(limits, driver.Limit{Requests: int64(n), Window: windows[period]}), append(names, period)
		}
	}
	subject := text(p.service["id"]) + " " + p.identity(text(config["limit_by"]))
	states, ok := p.server.limiter.Take(p.now, subject, limits...)
	if config["hide_client_headers"] != true {
		p.tellLimits(states, names)
	}
	if !ok {
		status, _ := config["error_code"].(float64)
		p.refuse(int(status), text(config["error_message"]))
	}
	return ok
}

func (p *passage) identity(by string) string {
	switch {
	case by == "service":
		return ""
	case by == "consumer" && p.consumer != nil:
		return text(p.consumer["id"])
	case by == "credential" && p.credential != nil:
		return text(p.credential["id"])
	}
	host, _, _ := net.SplitHostPort(p.r.RemoteAddr)
	return host
}

// tellLimits sets a header for each window, and three for the one of which the least is left.
func (p *passage) tellLimits(states []gatewayfake.State, names []string) {
	h, least := p.w.Header(), 0
	for i, state := range states {
		name := strings.ToUpper(names[i][:1]) + names[i][1:]
		h.Set("X-RateLimit-Limit-"+name, strconv.FormatInt(state.Requests, 10))
		h.Set("X-RateLimit-Remaining-"+name, strconv.FormatInt(state.Remaining, 10))
		if state.Remaining < states[least].Remaining {
			least = i
		}
	}
	tightest := states[least]
	reset := strconv.Itoa(int(tightest.Resets.Sub(p.now).Round(time.Second) / time.Second))
	h.Set("RateLimit-Limit", strconv.FormatInt(tightest.Requests, 10))
	h.Set("RateLimit-Remaining", strconv.FormatInt(tightest.Remaining, 10))
	h.Set("RateLimit-Reset", reset)
	if tightest.Remaining == 0 {
		h.Set("Retry-After", reset)
	}
}

func (p *passage) forward() {
	p.status, p.upstream = p.server.options.Upstream(p.r)
	p.source = "service"
	received := map[string]any{"service": p.service["name"], "path": p.r.URL.Path, "method": p.r.Method}
	if p.consumer != nil {
		received["consumer"] = map[string]any{
			"X-Consumer-ID": p.consumer["id"], "X-Consumer-Username": p.consumer["username"], "X-Consumer-Custom-ID": p.consumer["custom_id"],
			"X-Credential-Identifier": p.credential["id"],
		}
	}
	h := p.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Kong-Upstream-Latency", strconv.FormatInt(p.upstream.Milliseconds(), 10))
	h.Set("X-Kong-Proxy-Latency", "1")
	h.Set("Via", "1.1 kong/"+p.server.options.Version)
	p.w.WriteHeader(p.status)
	_ = json.NewEncoder(p.w).Encode(received) // to a caller who may have gone
}

func (p *passage) refuse(status int, message string) {
	p.status = status
	p.w.Header().Set("Server", "kong/"+p.server.options.Version)
	answer(p.w, status, map[string]any{"message": message, "request_id": strings.ReplaceAll(newID(), "-", "")})
}
