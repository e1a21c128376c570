package httpx

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by registered route, never by path: callers cannot make series.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge

	health, index, unknown *routeMetrics
}

func newMetrics(registry *prometheus.Registry) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callboard_http_requests_total", Help: "Answered HTTP requests.",
		}, []string{"feature", "method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "callboard_http_request_duration_seconds", Help: "Time from the request's header to the end of its handler.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"feature", "method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "callboard_http_requests_in_flight", Help: "HTTP requests being answered.",
		}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.inFlight} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("httpx: metrics: %w", err)
		}
	}
	m.health, m.index, m.unknown = m.route("", "", "health"), m.route("", "", "index"), m.route("", "", "unknown")
	return m, nil
}

// routeMetrics are the series of one route, looked up once.
type routeMetrics struct {
	all                    *metrics
	feature, method, route string
	duration               prometheus.Observer
	byStatus               atomic.Pointer[map[int]prometheus.Counter] // copied on write: a route has few statuses
}

func (m *metrics) route(feature, method, route string) *routeMetrics {
	r := &routeMetrics{all: m, feature: feature, method: method, route: route}
	r.duration = m.duration.WithLabelValues(feature, method, route)
	r.byStatus.Store(&map[int]prometheus.Counter{})
	return r
}

func (r *routeMetrics) observe(status int, took time.Duration) {
	r.duration.Observe(took.Seconds())
	known := r.byStatus.Load()
	counter, ok := (*known)[status]
	if !ok {
		counter = r.all.requests.WithLabelValues(r.feature, r.method, r.route, strconv.Itoa(status))
		grown := maps.Clone(*known)
		grown[status] = counter
		r.byStatus.CompareAndSwap(known, &grown)
	}
	counter.Inc()
}

// Operations is the handler of the operations listener, which is for the platform and not for users: /metrics of
// registry, and the health endpoints as /healthz and /readyz. rest answers everything else, with the headers of the edge;
// nil = nothing does.
func (s *Server) Operations(registry *prometheus.Registry, rest http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeState(w, http.StatusOK, healthState{Status: "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		status, state := s.readiness()
		writeState(w, status, state)
	})
	if rest != nil {
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			for _, header := range s.security {
				w.Header()[header.name] = header.values
			}
			rest.ServeHTTP(w, r)
		})
	}
	return mux
}
