package proxy

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The outcomes of requests to an endpoint.
const (
	outcomeAnswered = "answered" // with whatever status
	outcomeFailed   = "failed"   // the target gave no answer
	outcomeBroken   = "broken"   // the answer did not come to its end
	outcomeRefused  = "refused"  // by path or method
	outcomeBusy     = "busy"     // too many were in flight
	outcomeGone     = "gone"     // the caller did not wait
)

// metrics counts by configured endpoint, never by path: callers cannot make series.
type metrics struct {
	requests *prometheus.CounterVec
	times    *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
}

func newMetrics(registry *prometheus.Registry) (*metrics, error) {
	label := []string{"endpoint"}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callboard_proxy_requests_total", Help: "Requests to proxy endpoints.",
		}, []string{"endpoint", "outcome"}),
		times: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "callboard_proxy_target_duration_seconds", Help: "Time to the header of a target's answer.", Buckets: prometheus.DefBuckets,
		}, label),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "callboard_proxy_requests_in_flight", Help: "Requests that proxy endpoints are carrying.",
		}, label),
	}
	if registry == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.times, m.inFlight} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("proxy: metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) count(e *endpoint, outcome string) {
	m.requests.WithLabelValues(e.name(), outcome).Inc()
}

func (m *metrics) header(e *endpoint, took time.Duration) {
	m.times.WithLabelValues(e.name()).Observe(took.Seconds())
}

func (m *metrics) enter(e *endpoint) { m.inFlight.WithLabelValues(e.name()).Inc() }
func (m *metrics) leave(e *endpoint) { m.inFlight.WithLabelValues(e.name()).Dec() }
