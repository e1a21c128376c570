package pluginhost

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Times of scraping plugins.
const (
	scrapeEvery   = 15 * time.Second // answers younger than this are used again
	scrapeTimeout = 2 * time.Second
)

// collector tells Prometheus about plugins: the host's own numbers, and what plugins count themselves, with the label
// plugin added. It is asked at every scrape of the host; plugins that are slow are left out of that scrape.
type collector struct {
	host  *Host
	calls *prometheus.CounterVec
	times *prometheus.HistogramVec

	mu      sync.Mutex
	scraped map[manifest.ID]scrape
}

// scrape is the last answer of a plugin.
type scrape struct {
	at       time.Time
	instance *instance
	families families
}

func newCollector(h *Host) *collector {
	return &collector{host: h, scraped: map[manifest.ID]scrape{},
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "callboard_plugin_calls_total", Help: "Capability calls to plugins."},
			[]string{"plugin", "method", "outcome"}),
		times: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "callboard_plugin_call_duration_seconds",
			Help: "Time of capability calls to plugins.", Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}},
			[]string{"plugin"}),
	}
}

// Collector is what to register for the host's metrics.
func (h *Host) Collector() prometheus.Collector { return h.metrics }

// observer counts the calls of one plugin's client.
func (c *collector) observer(id manifest.ID) func(caps.Call) {
	times := c.times.WithLabelValues(string(id))
	return func(call caps.Call) {
		if call.Refused { // it never was on its way, so it took no time
			c.calls.WithLabelValues(string(id), call.Method, "refused").Inc()
			return
		}
		outcome := "ok"
		if call.Err != nil {
			outcome = "error"
		}
		c.calls.WithLabelValues(string(id), call.Method, outcome).Inc()
		times.Observe(call.Took.Seconds())
	}
}

var (
	stateDesc    = prometheus.NewDesc("callboard_plugin_state", "1 for the state that the plugin is in.", []string{"plugin", "state"}, nil)
	restartDesc  = prometheus.NewDesc("callboard_plugin_restarts_total", "Starts after a crash.", []string{"plugin"}, nil)
	memoryDesc   = prometheus.NewDesc("callboard_plugin_memory_bytes", "Resident memory of the plugin's processes at the last probe.", []string{"plugin"}, nil)
	inFlightDesc = prometheus.NewDesc("callboard_plugin_requests_in_flight", "Requests that the plugin's current instance serves.", []string{"plugin"}, nil)
)

// Describe sends nothing: what plugins count is not known before they are asked.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(out chan<- prometheus.Metric) {
	c.calls.Collect(out)
	c.times.Collect(out)
	plugins := c.host.all()
	for _, p := range plugins {
		id, s := string(p.id), p.supervisor.Snapshot()
		out <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, 1, id, string(s.State))
		out <- prometheus.MustNewConstMetric(restartDesc, prometheus.CounterValue, float64(s.Restarts), id)
		out <- prometheus.MustNewConstMetric(memoryDesc, prometheus.GaugeValue, float64(s.Health.Memory), id)
		out <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(s.InFlight), id)
	}
	union := newUnion()
	for i, f := range c.scrapeAll(plugins) {
		union.add(plugins[i].id, f)
	}
	union.collect(out)
}

// scrapeAll asks all plugins at the same time.
func (c *collector) scrapeAll(plugins []*plugin) []families {
	out := make([]families, len(plugins))
	var all sync.WaitGroup
	for i, p := range plugins {
		all.Go(func() { out[i] = c.scrape(p) })
	}
	all.Wait()
	return out
}

func (c *collector) scrape(p *plugin) families {
	live, err := p.supervisor.Current()
	if err != nil {
		return nil
	}
	i := live.(*instance) //nolint:forcetypeassert // start makes no others
	c.mu.Lock()
	last, known := c.scraped[p.id]
	c.mu.Unlock()
	if known && last.instance == i && time.Since(last.at) < scrapeEvery {
		return last.families
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	answer, err := pluginv1.NewPluginServiceClient(i.process.Conn()).CollectMetrics(ctx, &pluginv1.CollectMetricsRequest{}, maxMessage)
	if err != nil {
		return nil
	}
	now := scrape{at: time.Now(), instance: i}
	if now.families, err = parseFamilies(answer.GetPrometheusText()); err != nil {
		p.log.Warn("the plugin's metrics cannot be read", "error", strings.TrimSpace(err.Error()))
	}
	now.families.hide(p.redactor.redact)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scraped[p.id] = now
	return now.families
}

var _ prometheus.Collector = (*collector)(nil)
