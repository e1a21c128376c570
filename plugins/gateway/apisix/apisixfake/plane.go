package apisixfake

import (
	"encoding/json"
	"maps"
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
		p := &passage{server: s, state: s.seen.Seen(now), now: now, w: w, r: r, plugins: map[string]any{}}
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

	route, service, consumer map[string]any
	plugins                  map[string]any // of the service, route, group and consumer, the later the stronger

	status   int
	upstream time.Duration
}

func (p *passage) run() {
	if !p.match() {
		p.refuse(http.StatusNotFound, map[string]any{"error_msg": "404 Route Not Found"})
		return
	}
	if config, on := p.plugins["key-auth"].(map[string]any); on && !p.authenticate(config) {
		return
	}
	if config, on := p.plugins["consumer-restriction"].(map[string]any); on && !p.permitted(config) {
		return
	}
	if config, on := p.plugins["limit-count"].(map[string]any); on && !p.withinLimit(config) {
		return
	}
	p.forward()
}

// match finds the route with the longest path.
func (p *passage) match() bool {
	longest := -1
	for _, key := range slices.Sorted(maps.Keys(p.state)) {
		if !strings.HasPrefix(key, "routes/") {
			continue
		}
		route := p.state[key].value
		if n := matches(route, p.r.URL.Path); n > longest {
			longest, p.route = n, route
		}
	}
	if p.route == nil {
		return false
	}
	p.service = p.state["services/"+text(p.route["service_id"])].value
	p.merge(p.service)
	p.merge(p.route)
	return true
}

func (p *passage) merge(from map[string]any) {
	plugins, _ := from["plugins"].(map[string]any)
	maps.Copy(p.plugins, plugins)
}

// matches is the length of the path that a route matches with, -1 = it does not: "/a" is that path, "/a/*" all below it.
func matches(route map[string]any, path string) int {
	uris := texts(route["uris"])
	if uri := text(route["uri"]); uri != "" {
		uris = append(uris, uri)
	}
	longest := -1
	for _, uri := range uris {
		if prefix, all := strings.CutSuffix(uri, "*"); uri == path || all && strings.HasPrefix(path, prefix) {
			longest = max(longest, len(uri))
		}
	}
	return longest
}

func (p *passage) authenticate(config map[string]any) bool {
	header, query := text(config["header"]), text(config["query"])
	if header == "" {
		header = "apikey"
	}
	if query == "" {
		query = "apikey"
	}
	key := p.r.Header.Get(header)
	if key == "" {
		key = p.r.URL.Query().Get(query)
	}
	if key == "" {
		p.refuse(http.StatusUnauthorized, map[string]any{"message": "Missing API key in request"})
		return false
	}
	for at, one := range p.state {
		if strings.HasPrefix(at, "consumers/") && keyOf(one.value) == key {
			p.consumer = p.state["consumers/"+strings.Split(at, "/")[1]].value
			p.merge(p.state["consumer_groups/"+text(p.consumer["group_id"])].value)
			own, _ := p.consumer["plugins"].(map[string]any)
			own = maps.Clone(own)
			delete(own, "key-auth")
			maps.Copy(p.plugins, own)
			return true
		}
	}
	p.refuse(http.StatusUnauthorized, map[string]any{"message": "Invalid API key in request"})
	return false
}

func (p *passage) permitted(config map[string]any) bool {
	by := text(config["type"])
	if by == "" {
		by = "consumer_name"
	}
	value := map[string]string{"consumer_name": text(p.consumer["username"]), "consumer_group_id": text(p.consumer["group_id"])}[by]
	if value == "" {
		p.refuse(http.StatusUnauthorized, map[string]any{"message": "The request is rejected, please check the " + by + " for this request"})
		return false
	}
	if slices.Contains(texts(config["blacklist"]), value) || config["whitelist"] != nil && !slices.Contains(texts(config["whitelist"]), value) {
		status := http.StatusForbidden
		if code := number(config["rejected_code"]); code != 0 {
			status = int(code)
		}
		p.refuse(status, map[string]any{"message": "The " + by + " is forbidden."})
		return false
	}
	return true
}

// withinLimit refuses with 503 where the configuration does not say otherwise, as limit-count does.
func (p *passage) withinLimit(config map[string]any) bool {
	limit := driver.Limit{Requests: int64(number(config["count"])), Window: time.Duration(number(config["time_window"])) * time.Second}
	subject := text(p.route["id"]) + " " + text(p.service["id"])
	if text(config["key"]) == "consumer_name" {
		subject = text(p.consumer["username"])
	}
	states, ok := p.server.limiter.Take(p.now, subject, limit)
	if config["show_limit_quota_header"] != false {
		h := p.w.Header()
		h.Set("X-RateLimit-Limit", strconv.FormatInt(states[0].Requests, 10))
		h.Set("X-RateLimit-Remaining", strconv.FormatInt(states[0].Remaining, 10))
		h.Set("X-RateLimit-Reset", strconv.Itoa(int(states[0].Resets.Sub(p.now)/time.Second)))
	}
	if !ok {
		status := http.StatusServiceUnavailable
		if code := number(config["rejected_code"]); code != 0 {
			status = int(code)
		}
		p.refuse(status, map[string]any{"error_msg": text(config["rejected_msg"])})
	}
	return ok
}

func (p *passage) forward() {
	p.status, p.upstream = p.server.options.Upstream(p.r)
	p.w.Header().Set("Content-Type", "application/json")
	p.w.WriteHeader(p.status)
	_ = json.NewEncoder(p.w).Encode(map[string]any{ // to a caller who may have gone
		"service": p.service["id"], "path": p.r.URL.Path, "X-Consumer-Username": text(p.consumer["username"]),
	})
}

func (p *passage) refuse(status int, body map[string]any) {
	p.status = status
	p.w.Header().Set("Server", "APISIX/3.13.0")
	answer(p.w, status, body)
}

var buckets = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000}

// measure counts a request where plugin prometheus is on, for all routes by a global rule or for this one.
func (p *passage) measure() {
	on := p.plugins["prometheus"] != nil
	for key, rule := range p.state {
		plugins, _ := rule.value["plugins"].(map[string]any)
		on = on || strings.HasPrefix(key, "global_rules/") && plugins["prometheus"] != nil
	}
	if !on {
		return
	}
	route, service, consumer := text(p.route["id"]), text(p.service["id"]), text(p.consumer["username"])
	m := &p.server.metrics
	m.Add("apisix_http_status", gatewayfake.Labels{
		"code", strconv.Itoa(p.status), "route", route, "matched_uri", text(p.route["uri"]), "matched_host", "", "service", service, "consumer", consumer, "node", "127.0.0.1",
	}, 1)
	m.Add("apisix_bandwidth", gatewayfake.Labels{"type", "egress", "route", route, "service", service, "consumer", consumer, "node", "127.0.0.1"}, 300)
	ms := float64(p.upstream) / float64(time.Millisecond)
	for kind, value := range map[string]float64{"request": ms + 1, "upstream": ms, "apisix": 1} {
		m.Observe("apisix_http_latency", buckets, gatewayfake.Labels{"type", kind, "route", route, "service", service, "consumer", consumer, "node", "127.0.0.1"}, value)
	}
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, one := range list {
		out = append(out, text(one))
	}
	return out
}
