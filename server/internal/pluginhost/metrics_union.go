package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Limits of what one plugin counts.
const (
	maxMetricsText = 256 << 10
	maxSeries      = 1000
)

// families are the metrics of one plugin by name.
type families map[string]*dto.MetricFamily

// parseFamilies reads the text format. What is too much is left out, and the error says so.
func parseFamilies(text []byte) (_ families, err error) {
	if len(text) > maxMetricsText {
		return nil, fmt.Errorf("they are %d bytes, at most %d are allowed", len(text), maxMetricsText)
	}
	defer func() { // foreign text in a parser that was written for friends
		if r := recover(); r != nil {
			err = fmt.Errorf("they break the parser: %v", r)
		}
	}()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	found, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	series, out := 0, families{}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		f := found[name]
		if series+len(f.GetMetric()) > maxSeries {
			return out, fmt.Errorf("there are more than %d series; %s and what comes after it is left out", maxSeries, name)
		}
		series += len(f.GetMetric())
		out[name] = f
	}
	return out, nil
}

// hide takes secrets out of texts, and leaves out what is named after one.
func (f families) hide(redact func(string) string) {
	clean := func(name string) bool { return redact(name) == name }
	maps.DeleteFunc(f, func(name string, _ *dto.MetricFamily) bool { return !clean(name) })
	for _, family := range f {
		help := redact(family.GetHelp())
		family.Help = &help
		for _, m := range family.GetMetric() {
			m.Label = slices.DeleteFunc(m.GetLabel(), func(pair *dto.LabelPair) bool { return !clean(pair.GetName()) })
			for _, pair := range m.GetLabel() {
				value := redact(pair.GetValue())
				pair.Value = &value
			}
		}
	}
}

// union joins the metrics of all plugins so that the registry accepts them, whatever they are: one that it refused would
// take all metrics of the host with it. The first plugin to use a name decides its help and type.
type union struct {
	kinds map[string]dto.MetricType
	helps map[string]string
	all   []prometheus.Metric
	seen  map[string]bool
}

func newUnion() *union {
	return &union{kinds: map[string]dto.MetricType{}, helps: map[string]string{}, seen: map[string]bool{}}
}

func (u *union) add(id manifest.ID, f families) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		family := f[name]
		name = publicName(name)
		if kind, known := u.kinds[name]; known && kind != family.GetType() {
			continue
		}
		if _, known := u.kinds[name]; !known {
			u.kinds[name], u.helps[name] = family.GetType(), strings.ToValidUTF8(family.GetHelp(), "\uFFFD")
		}
		for _, m := range family.GetMetric() {
			if relabelled, ok := relabel(id, m); ok && whole(family.GetType(), m) && u.once(name, relabelled) {
				u.all = append(u.all, foreign{desc: prometheus.NewDesc(name, u.helps[name], nil, nil), metric: relabelled})
			}
		}
	}
}

// publicName keeps names of the host's own metrics from being taken.
func publicName(name string) string {
	for _, own := range []string{"callboard_", "go_", "process_", "promhttp_"} {
		if strings.HasPrefix(name, own) {
			return "plugin_" + name
		}
	}
	return name
}

// relabel adds the plugin's id. A label plugin of its own is kept as exported_plugin, as Prometheus does it.
func relabel(id manifest.ID, m *dto.Metric) (*dto.Metric, bool) {
	label, value := "plugin", string(id)
	out := &dto.Metric{Gauge: m.GetGauge(), Counter: m.GetCounter(), Summary: m.GetSummary(), Untyped: m.GetUntyped(), Histogram: m.GetHistogram()}
	labels := []*dto.LabelPair{{Name: &label, Value: &value}}
	names := map[string]bool{label: true}
	for _, pair := range m.GetLabel() {
		name := pair.GetName()
		if name == label {
			name = "exported_plugin"
		}
		if names[name] || strings.HasPrefix(name, "__") || !utf8.ValidString(pair.GetValue()) {
			return nil, false
		}
		names[name] = true
		text := pair.GetValue()
		labels = append(labels, &dto.LabelPair{Name: &name, Value: &text})
	}
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	out.Label = labels
	return out, true
}

// whole reports whether m has the value that its type promises.
func whole(kind dto.MetricType, m *dto.Metric) bool {
	switch kind {
	case dto.MetricType_COUNTER:
		return m.GetCounter() != nil
	case dto.MetricType_GAUGE:
		return m.GetGauge() != nil
	case dto.MetricType_SUMMARY:
		return m.GetSummary() != nil
	case dto.MetricType_HISTOGRAM:
		return m.GetHistogram() != nil
	case dto.MetricType_UNTYPED:
		return m.GetUntyped() != nil
	default:
		return false
	}
}

func (u *union) once(name string, m *dto.Metric) bool {
	var b strings.Builder
	b.WriteString(name)
	for _, pair := range m.GetLabel() {
		fmt.Fprintf(&b, "\x00%s\x00%s", pair.GetName(), pair.GetValue())
	}
	if u.seen[b.String()] {
		return false
	}
	u.seen[b.String()] = true
	return true
}

func (u *union) collect(out chan<- prometheus.Metric) {
	for _, m := range u.all {
		out <- m
	}
}

// foreign is a metric that somebody else counted.
type foreign struct {
	desc   *prometheus.Desc
	metric *dto.Metric
}

// Desc implements [prometheus.Metric].
func (f foreign) Desc() *prometheus.Desc { return f.desc }

// Write implements [prometheus.Metric].
func (f foreign) Write(out *dto.Metric) error {
	if f.metric == nil {
		return errors.New("there is no metric")
	}
	out.Label, out.Gauge, out.Counter = f.metric.GetLabel(), f.metric.GetGauge(), f.metric.GetCounter()
	out.Summary, out.Untyped, out.Histogram = f.metric.GetSummary(), f.metric.GetUntyped(), f.metric.GetHistogram()
	return nil
}
