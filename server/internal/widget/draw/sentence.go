package draw

import (
	"math"
	"strconv"
	"strings"
)

// maxTold is how many series a sentence tells of.
const maxTold = 8

// sentence says what the chart shows, for who does not see it: the range, and of each series the last value, the least
// and the greatest, and how far it has come.
func (c *chart) sentence() string {
	n := c.points()
	if n == 0 {
		return c.f.say(wordNoData)
	}
	parts := make([]string, 0, len(c.series)+2)
	if c.times != nil {
		parts = append(parts, c.f.say(wordSpan, c.f.moment(c.times[0]), c.f.moment(c.times[n-1])))
	} else {
		parts = append(parts, c.f.say(wordPoints, strconv.Itoa(n)))
	}
	for i, s := range c.series {
		if i == maxTold {
			parts = append(parts, c.f.say(wordFurther, strconv.Itoa(len(c.series)-i)))
			break
		}
		parts = append(parts, c.summary(s))
	}
	return strings.Join(parts, " ")
}

func (c *chart) summary(s series) string {
	first, low, high, last := math.NaN(), math.NaN(), math.NaN(), math.NaN()
	for _, v := range s.values {
		if math.IsNaN(v) {
			continue
		}
		first, low, high, last = instead(first, v), math.Min(instead(low, v), v), math.Max(instead(high, v), v), v
	}
	if math.IsNaN(last) {
		return c.f.say(wordNoValues, name(s.column))
	}
	show := func(v float64) string { return c.f.number(v, s.column) }
	if low == high {
		return name(s.column) + ": " + show(last) + "."
	}
	return c.f.say(wordSummary, name(s.column), show(last), show(low), show(high)) + c.trend(first, last)
}

// trend tells how far a series over time has come; of a few parts of a whole there is none.
func (c *chart) trend(first, last float64) string {
	if c.times == nil || first == 0 || first == last {
		return "."
	}
	way := wordUp
	if last < first {
		way = wordDown
	}
	return c.f.say(way, c.f.quantity(math.Abs(last-first)/math.Abs(first)*100, "%", 1))
}

// instead is v where there is no value yet.
func instead(known, v float64) float64 {
	if math.IsNaN(known) {
		return v
	}
	return known
}
