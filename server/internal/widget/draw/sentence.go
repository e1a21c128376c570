package draw

import (
	"fmt"
	"math"
	"strings"
)

// sentence says what the chart shows, for who does not see it: the range, and of each series the last value, the least
// and the greatest.
func (c *chart) sentence() string {
	n := c.points()
	if n == 0 {
		return "No data."
	}
	var b strings.Builder
	if c.times != nil {
		fmt.Fprintf(&b, "%s to %s. ", c.f.moment(c.times[0]), c.f.moment(c.times[n-1]))
	} else {
		fmt.Fprintf(&b, "%d %s. ", n, plural(n, "point", "points"))
	}
	for i, s := range c.series {
		if i == 8 {
			fmt.Fprintf(&b, "%d further series are in the table.", len(c.series)-i)
			break
		}
		b.WriteString(c.summary(s))
	}
	return strings.TrimSpace(b.String())
}

func (c *chart) summary(s series) string {
	low, high, last := math.NaN(), math.NaN(), math.NaN()
	for _, v := range s.values {
		if math.IsNaN(v) {
			continue
		}
		low, high, last = math.Min(nan(low, v), v), math.Max(nan(high, v), v), v
	}
	if math.IsNaN(last) {
		return name(s.column) + ": no values. "
	}
	show := func(v float64) string { return c.f.number(v, s.column) }
	if low == high {
		return fmt.Sprintf("%s: %s. ", name(s.column), show(last))
	}
	return fmt.Sprintf("%s: last %s, least %s, greatest %s. ", name(s.column), show(last), show(low), show(high))
}

func nan(v, instead float64) float64 {
	if math.IsNaN(v) {
		return instead
	}
	return v
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
