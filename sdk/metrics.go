package sdk

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Metric is a number that operators watch. The host collects it, adds the label plugin, and serves it with its own.
//
// A metric has at most 1000 series: further combinations of label values are dropped and counted. Never use a label for
// ids, paths or users.
type Metric struct {
	name, help, kind string
	labels           []string
	bounds           []float64 // of a histogram

	mu      sync.Mutex
	series  map[string]*series
	dropped int
}

type series struct {
	values []string
	value  float64
	counts []uint64 // of a histogram, cumulative when written
	count  uint64
}

const maxSeries = 1000

// Counter registers a number that only grows. By convention its name ends in _total.
func (p *Plugin) Counter(name, help string, labels ...string) *Metric {
	return p.metrics.add(p, &Metric{name: name, help: help, kind: "counter", labels: labels})
}

// Gauge registers a number that goes up and down.
func (p *Plugin) Gauge(name, help string, labels ...string) *Metric {
	return p.metrics.add(p, &Metric{name: name, help: help, kind: "gauge", labels: labels})
}

// Histogram registers a distribution over buckets with these upper bounds.
func (p *Plugin) Histogram(name, help string, bounds []float64, labels ...string) *Metric {
	if !slices.IsSorted(bounds) || len(bounds) == 0 {
		misusef("Histogram %q: give bounds in rising order", name)
	}
	return p.metrics.add(p, &Metric{name: name, help: help, kind: "histogram", labels: labels, bounds: bounds})
}

// Metrics adds a function that answers metrics in the Prometheus text format, for plugins that have a registry of their own.
func (p *Plugin) Metrics(collect func(context.Context) []byte) {
	p.registering("Metrics")
	p.metrics.own = append(p.metrics.own, collect)
}

// Add adds to a counter or gauge, for these values of the labels.
func (m *Metric) Add(delta float64, labelValues ...string) {
	m.with(labelValues, func(s *series) { s.value += delta })
}

// Set sets a gauge.
func (m *Metric) Set(value float64, labelValues ...string) {
	m.with(labelValues, func(s *series) { s.value = value })
}

// Observe adds a value to a histogram.
func (m *Metric) Observe(value float64, labelValues ...string) {
	m.with(labelValues, func(s *series) {
		s.count++
		s.value += value
		for i, bound := range m.bounds {
			if value <= bound {
				s.counts[i]++
				break
			}
		}
	})
}

// with panics when the number of label values is wrong: that is a mistake in the program.
func (m *Metric) with(values []string, change func(*series)) {
	if len(values) != len(m.labels) {
		misusef("metric %s has the labels %v, and was given %d values", m.name, m.labels, len(values))
	}
	key := strings.Join(values, "\xff")
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series[key]
	if s == nil {
		if len(m.series) == maxSeries {
			m.dropped++
			return
		}
		s = &series{values: slices.Clone(values), counts: make([]uint64, len(m.bounds))}
		m.series[key] = s
	}
	change(s)
}

// metrics are all metrics of a plugin.
type metrics struct {
	registered []*Metric
	own        []func(context.Context) []byte
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

func (ms *metrics) add(p *Plugin, m *Metric) *Metric {
	p.registering("metric " + m.name)
	if !metricName.MatchString(m.name) {
		misusef("metric %q: a name has letters, digits, _ and :", m.name)
	}
	for _, l := range m.labels {
		if !labelName.MatchString(l) || l == "plugin" || l == "le" {
			misusef("metric %s: label %q is not allowed", m.name, l)
		}
	}
	if slices.ContainsFunc(ms.registered, func(o *Metric) bool { return o.name == m.name }) {
		misusef("metric %s is registered twice", m.name)
	}
	m.series = map[string]*series{}
	ms.registered = append(ms.registered, m)
	return m
}

// text is everything in the Prometheus text format, at most limit bytes, cut at the end of a line.
func (ms *metrics) text(ctx context.Context, limit int) []byte {
	var b bytes.Buffer
	dropped := 0
	for _, m := range ms.registered {
		dropped += m.write(&b)
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	for name, value := range map[string]float64{
		"go_goroutines":                             float64(runtime.NumGoroutine()),
		"go_memstats_heap_inuse_bytes":              float64(mem.HeapInuse),
		"callboard_sdk_metric_series_dropped_total": float64(dropped),
	} {
		fmt.Fprintf(&b, "%s %s\n", name, number(value))
	}
	for _, collect := range ms.own {
		b.Write(collect(ctx))
		if b.Len() > 0 && b.Bytes()[b.Len()-1] != '\n' {
			b.WriteByte('\n')
		}
	}
	text := b.Bytes()
	if len(text) > limit {
		text = text[:bytes.LastIndexByte(text[:limit], '\n')+1]
	}
	return text
}

func (m *Metric) write(b *bytes.Buffer) (dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", m.name, strings.ReplaceAll(m.help, "\n", " "), m.name, m.kind)
	for _, key := range sortedKeys(m.series) {
		s := m.series[key]
		if m.kind != "histogram" {
			fmt.Fprintf(b, "%s%s %s\n", m.name, m.labelled(s), number(s.value))
			continue
		}
		var below uint64
		for i, bound := range m.bounds {
			below += s.counts[i]
			fmt.Fprintf(b, "%s_bucket%s %d\n", m.name, m.labelled(s, "le", number(bound)), below)
		}
		fmt.Fprintf(b, "%s_bucket%s %d\n", m.name, m.labelled(s, "le", "+Inf"), s.count)
		fmt.Fprintf(b, "%s_sum%s %s\n%s_count%s %d\n", m.name, m.labelled(s), number(s.value), m.name, m.labelled(s), s.count)
	}
	return m.dropped
}

// labelled is the label set of one line, with one more pair for buckets.
func (m *Metric) labelled(s *series, more ...string) string {
	var pairs []string
	for i, l := range m.labels {
		pairs = append(pairs, l+"="+labelValue(s.values[i]))
	}
	if len(more) == 2 {
		pairs = append(pairs, more[0]+"="+labelValue(more[1]))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func labelValue(v string) string {
	v = strings.ToValidUTF8(v, "\uFFFD")
	return `"` + strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(v) + `"`
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
