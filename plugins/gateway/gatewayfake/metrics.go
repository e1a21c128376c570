package gatewayfake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Metrics are counters, gauges and histograms, served as text that Prometheus reads. The zero value has none; it is safe for
// concurrent use.
type Metrics struct {
	mu       sync.Mutex
	families map[string]*family
}

type family struct {
	kind    string
	buckets []float64
	series  map[string]*series
}

type series struct {
	labels string
	value  float64 // sum of a histogram
	counts []uint64
	count  uint64
}

// Labels are names and values in turn: "code", "200".
type Labels []string

// Add adds to a counter.
func (m *Metrics) Add(name string, labels Labels, n float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series(name, "counter", nil, labels).value += n
}

// Set sets a gauge.
func (m *Metrics) Set(name string, labels Labels, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series(name, "gauge", nil, labels).value = value
}

// Observe counts a value in a histogram, whose buckets are those of its first value.
func (m *Metrics) Observe(name string, buckets []float64, labels Labels, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series(name, "histogram", buckets, labels)
	s.value += value
	s.count++
	for i, bound := range m.families[name].buckets {
		if value <= bound {
			s.counts[i]++
		}
	}
}

// series finds or makes one; m.mu is held.
func (m *Metrics) series(name, kind string, buckets []float64, labels Labels) *series {
	f := m.families[name]
	if f == nil {
		f = &family{kind: kind, buckets: slices.Clone(buckets), series: map[string]*series{}}
		if m.families == nil {
			m.families = map[string]*family{}
		}
		m.families[name] = f
	}
	text := labels.String()
	s := f.series[text]
	if s == nil {
		s = &series{labels: text, counts: make([]uint64, len(f.buckets))}
		f.series[text] = s
	}
	return s
}

// String is the labels as they stand between braces.
func (l Labels) String() string {
	var text strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	for i := 0; i+1 < len(l); i += 2 {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(l[i] + `="` + escape.Replace(l[i+1]) + `"`)
	}
	return text.String()
}

// ServeHTTP implements [http.Handler].
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(m.Text())) // the caller may have gone
}

// Text is all of it, sorted.
func (m *Metrics) Text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.families)) {
		f := m.families[name]
		fmt.Fprintf(&out, "# HELP %s Of a fake gateway\n# TYPE %s %s\n", name, name, f.kind)
		for _, text := range slices.Sorted(maps.Keys(f.series)) {
			f.write(&out, name, f.series[text])
		}
	}
	return out.String()
}

func (f *family) write(out *strings.Builder, name string, s *series) {
	if f.kind != "histogram" {
		line(out, name, s.labels, s.value)
		return
	}
	comma := ""
	if s.labels != "" {
		comma = ","
	}
	for i, bound := range f.buckets {
		line(out, name+"_bucket", s.labels+comma+`le="`+number(bound)+`"`, float64(s.counts[i]))
	}
	line(out, name+"_bucket", s.labels+comma+`le="+Inf"`, float64(s.count))
	line(out, name+"_count", s.labels, float64(s.count))
	line(out, name+"_sum", s.labels, s.value)
}

func line(out *strings.Builder, name, labels string, value float64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	out.WriteString(name + labels + " " + number(value) + "\n")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

var _ http.Handler = (*Metrics)(nil)
