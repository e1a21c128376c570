package usage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Values of labels come from people and from the catalog. Each stands in a string literal of PromQL, made by quote, and
// where it is part of a regular expression it is quoted for that before. Nothing else of a question reaches a query but
// numbers that this package formats.

// quote writes a string literal. PromQL's are Go's, which is the only thing that may be relied on; what is not UTF-8 would
// be refused there, and matches nothing anyhow.
func quote(value string) string { return strconv.Quote(strings.ToValidUTF8(value, "\uFFFD")) }

// matchers are label="value", in order.
func matchers(labels map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, name+"="+quote(labels[name]))
	}
	return out
}

// anyOf matches a label with one of the values; "" when all will do.
func anyOf(label string, values []string) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return label + "=" + quote(values[0])
	}
	return label + "=~" + quote(alternatives(values))
}

func noneOf(label string, values []string) string { return label + "!~" + quote(alternatives(values)) }

// alternatives is a regular expression, which Prometheus anchors at both ends.
func alternatives(values []string) string {
	quoted := make([]string, len(values))
	for n, v := range values {
		quoted[n] = regexp.QuoteMeta(strings.ToValidUTF8(v, "\uFFFD"))
	}
	return strings.Join(quoted, "|")
}

// selector is metric{…} with the gateway's own labels and further matchers; empty ones are left out.
func (s *Source) selector(metric string, own map[string]string, more ...string) string {
	labels := map[string]string{}
	maps.Copy(labels, s.profile.Match)
	maps.Copy(labels, own)
	maps.Copy(labels, s.match)
	all := matchers(labels)
	for _, m := range more {
		if m != "" {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return metric
	}
	return metric + "{" + strings.Join(all, ",") + "}"
}

// summed adds up the series of an expression, for each value of a label unless that is "".
func summed(label, expression string) string {
	if label == "" {
		return "sum(" + expression + ")"
	}
	return "sum by (" + label + ") (" + expression + ")"
}

// within is selector[d].
func within(selector string, d time.Duration) string { return selector + "[" + span(d) + "]" }

// span is a duration as PromQL writes it.
func span(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
