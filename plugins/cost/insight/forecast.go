package insight

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Method is how a forecast is made.
type Method string

// The methods. A backtest chooses between them for each forecast.
const (
	// WeekdayMean: each day costs the mean of the same weekday in the last four weeks. It suits what goes on as it is.
	WeekdayMean Method = "weekday-mean"
	// DampedTrend: a line through the last eight weeks without their weekly pattern, which flattens as it goes on, with the
	// pattern added. It suits what grows or shrinks.
	DampedTrend Method = "damped-trend"
)

const (
	// leastHistory is how many complete days a forecast needs: two weeks to learn from, and two to be tested on.
	leastHistory = 28
	// leastTraining is how many days a backtest lets a method see.
	leastTraining = 14
	// mostFolds is how many beginnings a backtest tries, a day apart.
	mostFolds = 28
	// IntervalLevel is how often the interval is meant to hold what comes.
	IntervalLevel = 0.8
	// deviations of a normal distribution have that level between them.
	deviations = 1.2816

	// LongestForecast is how many days are foreseen at most: methods should stay within what they were tested for.
	LongestForecast = 92

	week          = 7
	meanWeeks     = 4
	trendDays     = 8 * week
	dampingFactor = 0.95
)

// Forecast is what the days after a series are expected to cost.
type Forecast struct {
	Method Method
	// Days are the expected amounts, one for each day.
	Days []float64
	// Total is their sum. What comes lies between Low and High in [IntervalLevel] of cases, as far as the backtest tells.
	Total, Low, High float64
	Backtest         Backtest
}

// Backtest is how well a method did on the days that are known by now.
type Backtest struct {
	// Folds is how many times the method was tried, Horizon how many days it had to foresee each time.
	Folds, Horizon int
	// Error is the sum of the absolute errors of days, divided by the sum of what they cost (WAPE); Errors has that of each
	// method. NaN when the days cost nothing.
	Error  float64
	Errors map[Method]float64
}

// TooShortError is why there is no forecast.
type TooShortError struct{ Days int }

func (e *TooShortError) Error() string {
	return fmt.Sprintf("a forecast needs %d complete days of data; there are %d", leastHistory, e.Days)
}

// Predict foresees the days after a series of daily amounts without gaps, whose last day is complete. It is deterministic.
func Predict(series []float64, days int) (Forecast, error) {
	if len(series) < leastHistory {
		return Forecast{}, &TooShortError{len(series)}
	}
	if days < 0 || days > LongestForecast {
		return Forecast{}, fmt.Errorf("a forecast of %d days: it must have 0 to %d", days, LongestForecast)
	}
	best := choose(series, max(days, 1))
	f := Forecast{Method: best.method, Days: best.predict(series, days), Backtest: best.test}
	for _, v := range f.Days {
		f.Total += v
	}
	below, above := best.uncertainty(days)
	f.Low, f.High = f.Total-below, f.Total+above
	return f, nil
}

type candidate struct {
	method  Method
	predict func(series []float64, days int) []float64
	test    Backtest

	absolute, squared float64   // sums of the errors of days
	totals            []float64 // errors of totals, per day
}

// choose answers the method that did best.
func choose(series []float64, days int) *candidate {
	candidates := []*candidate{{method: WeekdayMean, predict: weekdayMean}, {method: DampedTrend, predict: dampedTrend}}
	errors := map[Method]float64{}
	for _, c := range candidates {
		c.backtest(series, days)
		errors[c.method] = c.test.Error
	}
	best := slices.MinFunc(candidates, func(a, b *candidate) int { return cmp.Compare(a.absolute, b.absolute) })
	best.test.Errors = errors
	return best
}

// backtest has the method foresee days that are known, from several beginnings.
func (c *candidate) backtest(series []float64, days int) {
	horizon := min(days, (len(series)-leastTraining)/2)
	folds := min(mostFolds, len(series)-leastTraining-horizon+1)
	var cost float64
	for fold := range folds {
		begin := len(series) - horizon - fold
		var missed float64
		for i, predicted := range c.predict(series[:begin], horizon) {
			off := series[begin+i] - predicted
			cost += math.Abs(series[begin+i])
			c.absolute += math.Abs(off)
			c.squared += off * off
			missed += off
		}
		c.totals = append(c.totals, missed/float64(horizon))
	}
	slices.Sort(c.totals)
	c.test = Backtest{Folds: folds, Horizon: horizon, Error: c.absolute / cost}
}

// uncertainty is how far a total may be off. The totals of the backtest overlap, so that they show less than there is when
// days err by themselves: then the errors of days are the better witness. The wider of both holds.
func (c *candidate) uncertainty(days int) (below, above float64) {
	daily := math.Sqrt(c.squared / float64(c.test.Folds*c.test.Horizon))
	width := deviations * daily * math.Sqrt(float64(days))
	below = max(width, -quantile(c.totals, (1-IntervalLevel)/2)*float64(days))
	return below, max(width, quantile(c.totals, (1+IntervalLevel)/2)*float64(days))
}

// quantile of sorted values, between neighbours.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

func weekdayMean(series []float64, days int) []float64 {
	pattern := make([]float64, week)
	for ahead := range week {
		var sum float64
		var n int
		for at := len(series) + ahead - week; at >= 0 && n < meanWeeks; at -= week {
			sum += series[at]
			n++
		}
		pattern[ahead] = sum / float64(n)
	}
	out := make([]float64, days)
	for i := range out {
		out[i] = pattern[i%week]
	}
	return out
}

func dampedTrend(series []float64, days int) []float64 {
	recent := series[max(0, len(series)-trendDays):]
	slope, begin := trend(recent)
	level := slope * float64(len(recent)-1)
	out := make([]float64, days)
	damping := 1.0
	for i := range out {
		damping *= dampingFactor
		level += slope * damping
		out[i] = level + begin[(len(recent)+i)%week]
	}
	return out
}

// trend is the least-squares slope that all weekdays share, and where the line of each weekday begins; index 0 is the
// weekday of the first day.
func trend(series []float64) (slope float64, begin [week]float64) {
	var x, y [week]float64
	for w := range week {
		var n float64
		for i := w; i < len(series); i += week {
			x[w], y[w], n = x[w]+float64(i), y[w]+series[i], n+1
		}
		x[w], y[w] = x[w]/n, y[w]/n
	}
	var xx, xy float64
	for i, v := range series {
		dx := float64(i) - x[i%week]
		xx, xy = xx+dx*dx, xy+dx*(v-y[i%week])
	}
	slope = xy / xx
	for w := range week {
		begin[w] = y[w] - slope*x[w]
	}
	return slope, begin
}
