package kongfake

import (
	"net/http"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
)

// Metrics is what the status API of a data plane serves below /metrics: nothing of requests unless plugin prometheus is on
// and told to.
func (s *Server) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		reachable := 1.0
		if s.offline {
			reachable = 0
		}
		s.mu.Unlock()
		s.metrics.Set("kong_datastore_reachable", nil, reachable)
		s.metrics.Set("kong_node_info", gatewayfake.Labels{"node_id", id("node"), "version", s.options.Version}, 1)
		s.metrics.Set("kong_nginx_connections_total", gatewayfake.Labels{"node_id", id("node"), "subsystem", "http", "state", "active"}, 1)
		s.metrics.ServeHTTP(w, r)
	})
}

var (
	kongBuckets     = []float64{1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000, 10000, 30000, 60000}
	upstreamBuckets = []float64{25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000}
)

// measure counts a request as plugin prometheus is configured.
func (p *passage) measure() {
	if p.service == nil {
		return
	}
	config := p.plugin("prometheus")
	service, route := text(p.service["name"]), text(p.route["name"])
	consumer := ""
	if config["per_consumer"] == true {
		consumer = text(p.consumer["username"])
	}
	m := &p.server.metrics
	if config["status_code_metrics"] == true {
		m.Add("kong_http_requests_total", gatewayfake.Labels{
			"service", service, "route", route, "code", strconv.Itoa(p.status), "source", p.source, "workspace", "default", "consumer", consumer,
		}, 1)
	}
	if config["latency_metrics"] == true {
		p.measureLatency(m, gatewayfake.Labels{"service", service, "route", route, "workspace", "default"})
	}
	if config["bandwidth_metrics"] == true {
		for direction, bytes := range map[string]float64{"ingress": float64(200 + len(p.r.URL.Path)), "egress": 400} {
			m.Add("kong_bandwidth_bytes", gatewayfake.Labels{
				"service", service, "route", route, "direction", direction, "workspace", "default", "consumer", consumer,
			}, bytes)
		}
	}
}

func (p *passage) measureLatency(m *gatewayfake.Metrics, labels gatewayfake.Labels) {
	ms := float64(p.upstream) / float64(time.Millisecond)
	m.Observe("kong_kong_latency_ms", kongBuckets, labels, 1)
	m.Observe("kong_request_latency_ms", upstreamBuckets, labels, ms+1)
	if p.source == "service" {
		m.Observe("kong_upstream_latency_ms", upstreamBuckets, labels, ms)
	}
}
