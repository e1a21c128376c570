package forwardauth

import (
	"strconv"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// Metrics count the decisions of all gateways of a plugin, by the names that the profile forward-auth of package usage has.
// Applications come and go, and the host takes so many series and no more: the first ones have labels of their own, and the
// rest are counted together as Others.
type Metrics struct {
	requests, duration *sdk.Metric

	mu    sync.Mutex
	known map[labels]labels // what is asked for, and what is counted
	own   int               // series with an application of their own
}

// labels of a series.
type labels struct {
	gateway string
	api     driver.APIID
	app     driver.AppID
	status  int
}

const (
	// Others is the label of applications that have none of their own; no application can be called so.
	Others = "_others"
	// ownSeries leave the plugin's other metrics room among the 1000 that the host takes.
	ownSeries = 500
	// mostKnown bounds what is remembered of applications; there are not more APIs and statuses than that.
	mostKnown = 20_000
)

// NewMetrics registers them.
func NewMetrics(p *sdk.Plugin) *Metrics {
	return &Metrics{
		requests: p.Counter("forwardauth_requests_total", "Requests that gateways asked about", "gateway", "api", "app", "code"),
		duration: p.Histogram("forwardauth_decision_seconds", "How long decisions took",
			[]float64{0.000_005, 0.000_01, 0.000_025, 0.000_1, 0.001, 0.01, 0.1}, "gateway"),
		known: map[labels]labels{},
	}
}

func (m *Metrics) count(gateway string, api *API, d decision, took time.Duration) {
	if m == nil {
		return
	}
	asked := labels{gateway: gateway, app: d.app(), status: d.status}
	if api != nil {
		asked.api = api.ID
	}
	l := m.bounded(asked)
	m.requests.Add(1, l.gateway, string(l.api), string(l.app), strconv.Itoa(l.status))
	m.duration.Observe(took.Seconds(), gateway)
}

// bounded is the series that a request is counted in.
func (m *Metrics) bounded(asked labels) labels {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.known[asked]; ok {
		return l
	}
	l := asked
	switch {
	case asked.app == "":
	case m.own < ownSeries:
		m.own++
	default:
		l.app = Others
	}
	if len(m.known) < mostKnown {
		m.known[asked] = l
	}
	return l
}
