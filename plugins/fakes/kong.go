package main

import (
	"maps"
	"net/http"
	"time"

	"github.com/callboard/callboard/plugins/fakes/prometheus"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
)

// kongServices are the APIs behind Kong, by the names of their entities, and how many requests a day each gets by caller.
var kongServices = []struct {
	name, host string
	peak       float64 // hour of the day, in UTC
	median     float64 // latency in milliseconds
	callers    map[string]float64
}{
	{"bookings", "booking-service", 17, 46, map[string]float64{"storefront-gateway": 61_000, "ticket-counter": 8_400, "harbour-kiosk": 2_900}},
	{"payments", "payment-gateway", 17.5, 120, map[string]float64{"booking-service": 21_500, "refund-worker": 1_200}},
	{"timetable", "timetable-service", 8, 18, map[string]float64{"storefront-gateway": 118_000, "departure-boards": 43_200, "island-buses": 6_100}},
	{"vessel-positions", "vessel-tracker", 12, 9, map[string]float64{"departure-boards": 86_400, "coast-guard": 17_000}},
}

// statuses are the parts of the requests that are answered so.
var statuses = map[string]float64{"200": 0.979, "404": 0.012, "429": 0.004, "401": 0.003, "503": 0.002}

// kong is a Kong with its Admin API, its data plane, and a Prometheus that has read it for as long as anybody asks.
func kong(now func() time.Time) []service {
	s := kongfake.New(kongfake.Options{Token: "kong_sample", Now: now})
	for _, one := range kongServices {
		tags := []any{"marram-line"}
		s.Put("services", map[string]any{"name": one.name, "host": one.host + ".internal", "port": 8080.0, "tags": tags})
		s.Put("routes", map[string]any{"name": one.name, "service": one.name, "paths": []any{"/" + one.name}, "tags": tags})
		s.Put("plugins", map[string]any{"name": "key-auth", "service": one.name, "config": map[string]any{"hide_credentials": true}})
		s.Put("plugins", map[string]any{"name": "acl", "service": one.name, "config": map[string]any{"allow": []any{"internal"}, "hide_groups_header": true}})
	}
	s.Put("plugins", map[string]any{"name": "prometheus", "config": map[string]any{
		"status_code_metrics": true, "latency_metrics": true, "bandwidth_metrics": true, "per_consumer": true,
	}})
	return []service{{name: "kong", handler: s}, {name: "kong-gateway", handler: s.Gateway()}, {name: "prometheus", handler: metrics()}}
}

func metrics() http.Handler {
	var traffic []prometheus.Traffic
	var series []prometheus.Series
	for _, one := range kongServices {
		labels := map[string]string{"service": one.name, "route": one.name, "workspace": "default"}
		all := 0.0
		for caller, perDay := range one.callers {
			all += perDay
			for code, part := range statuses {
				own := maps.Clone(labels)
				own["consumer"], own["code"], own["source"] = caller, code, "service"
				traffic = append(traffic, prometheus.Traffic{Labels: own, PerDay: perDay * part, Peak: one.peak})
			}
		}
		series = append(series, prometheus.Latency("kong_request_latency_ms", labels, all, one.peak, one.median)...)
	}
	return prometheus.New(append(series, prometheus.Requests("kong_http_requests_total", traffic)...)...)
}
