package prometheus

import (
	"cmp"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// expression is what can be evaluated at a time, over series.
type expression interface {
	at(series []Series, t time.Time) []value
}

// value is one of a vector.
type value struct {
	labels map[string]string
	value  float64
}

// key tells series by their labels.
func (v value) key() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(v.labels)) {
		b.WriteString(name + "\x00" + v.labels[name] + "\x00")
	}
	return b.String()
}

type (
	scaled struct {
		of expression
		by float64
	}
	sum struct {
		of expression
		by []string
	}
	count struct{ of expression }
	topk  struct {
		of expression
		n  int
	}
	rate struct {
		of selector
		d  time.Duration
	}
	quantile struct {
		of expression
		q  float64
	}
	selector struct {
		name     string
		matchers []matcher
	}
)

type matcher struct {
	label, pattern string
	not            bool
	regexp         *regexp.Regexp
}

func (s selector) selects(labels map[string]string) bool {
	if labels["__name__"] != s.name {
		return false
	}
	return !slices.ContainsFunc(s.matchers, func(m matcher) bool { return m.regexp.MatchString(labels[m.label]) == m.not })
}

func (s selector) at(series []Series, t time.Time) []value {
	var out []value
	for _, one := range series {
		if s.selects(one.Labels) {
			out = append(out, value{one.Labels, one.At(t)})
		}
	}
	return out
}

// at is exact, because the series are known at every time.
func (r rate) at(series []Series, t time.Time) []value {
	var out []value
	for _, one := range series {
		if !r.of.selects(one.Labels) {
			continue
		}
		labels := maps.Clone(one.Labels)
		delete(labels, "__name__")
		out = append(out, value{labels, (one.At(t) - one.At(t.Add(-r.d))) / r.d.Seconds()})
	}
	return out
}

func (s scaled) at(series []Series, t time.Time) []value {
	out := s.of.at(series, t)
	for i := range out {
		out[i].value *= s.by
	}
	return out
}

func (s sum) at(series []Series, t time.Time) []value {
	return grouped(s.of.at(series, t), s.by, func(of []value) float64 {
		total := 0.0
		for _, v := range of {
			total += v.value
		}
		return total
	})
}

func (c count) at(series []Series, t time.Time) []value {
	return grouped(c.of.at(series, t), nil, func(of []value) float64 { return float64(len(of)) })
}

func (k topk) at(series []Series, t time.Time) []value {
	all := k.of.at(series, t)
	slices.SortStableFunc(all, func(a, b value) int { return cmp.Compare(b.value, a.value) })
	return all[:min(max(k.n, 0), len(all))]
}

// at takes the buckets of each histogram, which "le" tells apart.
func (q quantile) at(series []Series, t time.Time) []value {
	buckets := q.of.at(series, t)
	var by []string
	for _, b := range buckets {
		for name := range b.labels {
			if name != "le" && !slices.Contains(by, name) {
				by = append(by, name)
			}
		}
	}
	return grouped(buckets, by, func(of []value) float64 { return within(of, q.q) })
}

// within is where a part of what buckets have counted ends. It is spread evenly over each bucket, as Prometheus takes it.
func within(buckets []value, part float64) float64 {
	bound := func(v value) float64 {
		b, err := strconv.ParseFloat(v.labels["le"], 64)
		if err != nil {
			return math.Inf(1)
		}
		return b
	}
	slices.SortFunc(buckets, func(a, b value) int { return cmp.Compare(bound(a), bound(b)) })
	all := buckets[len(buckets)-1].value
	if all == 0 {
		return math.NaN()
	}
	lower, counted := 0.0, 0.0
	for _, b := range buckets {
		if b.value >= part*all {
			if math.IsInf(bound(b), 1) {
				return lower
			}
			return lower + (bound(b)-lower)*(part*all-counted)/(b.value-counted)
		}
		lower, counted = bound(b), b.value
	}
	return lower
}

// grouped puts values together that have the same labels of a list, in the order of their first one.
func grouped(all []value, by []string, together func([]value) float64) []value {
	var keys []string
	groups := map[string][]value{}
	labels := map[string]map[string]string{}
	for _, v := range all {
		kept := map[string]string{}
		for _, name := range by {
			if text := v.labels[name]; text != "" {
				kept[name] = text
			}
		}
		key := value{labels: kept}.key()
		if groups[key] == nil {
			keys = append(keys, key)
			labels[key] = kept
		}
		groups[key] = append(groups[key], v)
	}
	var out []value
	for _, key := range keys {
		out = append(out, value{labels[key], together(groups[key])})
	}
	return out
}
