package draw

import (
	"math"
	"time"
)

// scale maps values onto a length.
type scale struct {
	low, high float64 // values
	from, to  float64 // pixels
}

func (s scale) at(v float64) float64 {
	if s.high == s.low {
		return (s.from + s.to) / 2
	}
	return s.from + (v-s.low)/(s.high-s.low)*(s.to-s.from)
}

// rounded are bounds and a step of about n ticks that people would choose, which hold low and high.
func rounded(low, high float64, n int) (from, to, step float64) {
	if !(high > low) {
		pad := math.Max(math.Abs(low)*0.1, 1)
		if low >= 0 && low-pad < 0 {
			low, high = 0, high+pad
		} else {
			low, high = low-pad, high+pad
		}
	}
	raw := (high - low) / float64(max(n, 1))
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step = 10 * power
	for _, f := range []float64{1, 2, 2.5, 5} {
		if f*power >= raw*(1-1e-9) {
			step = f * power
			break
		}
	}
	return math.Floor(low/step+1e-9) * step, math.Ceil(high/step-1e-9) * step, step
}

// ticks are the values of an axis; they are counted, not added up, so that errors do not grow.
func ticks(from, to, step float64) []float64 {
	n := int(math.Round((to-from)/step)) + 1
	if n < 1 || n > 100 {
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = (math.Round(from/step) + float64(i)) * step
	}
	return out
}

// moments are points on a time axis that people would choose, at most n or so, with their labels.
func (l lexicon) moments(from, to time.Time, n int, zone *time.Location) (at []time.Time, label func(time.Time) string) {
	from, to = from.In(zone), to.In(zone)
	step := to.Sub(from) / time.Duration(max(n, 1))
	for _, s := range steps {
		if s.length >= step {
			return s.walk(from, to), func(t time.Time) string { return s.label(l, t) }
		}
	}
	years := int(step/(365*24*time.Hour)) + 1
	return timeStep{years: years}.walk(from, to), l.year
}

// timeStep is a distance of ticks: of so many months or years, or a fixed one.
type timeStep struct {
	length        time.Duration // about
	hours, days   int
	months, years int
	label         func(lexicon, time.Time) string
}

var steps = []timeStep{
	evenly(time.Second, lexicon.second), evenly(5*time.Second, lexicon.second), evenly(15*time.Second, lexicon.second), evenly(30*time.Second, lexicon.second),
	evenly(time.Minute, lexicon.clockOrDay), evenly(5*time.Minute, lexicon.clockOrDay), evenly(15*time.Minute, lexicon.clockOrDay), evenly(30*time.Minute, lexicon.clockOrDay),
	hourly(1), hourly(3), hourly(6), hourly(12), daily(1), daily(2), daily(7), daily(14),
	{length: 31 * 24 * time.Hour, months: 1, label: lexicon.month}, {length: 92 * 24 * time.Hour, months: 3, label: lexicon.month},
	{length: 366 * 24 * time.Hour, years: 1, label: lexicon.year},
}

func evenly(length time.Duration, label func(lexicon, time.Time) string) timeStep {
	return timeStep{length: length, label: label}
}

func hourly(n int) timeStep {
	return timeStep{length: time.Duration(n) * time.Hour, hours: n, label: lexicon.clockOrDay}
}

func daily(n int) timeStep {
	return timeStep{length: time.Duration(n) * 24 * time.Hour, days: n, label: lexicon.day}
}

// walk lists the ticks within [from, to]. Ticks of hours and more follow the calendar, also where clocks are changed.
func (s timeStep) walk(from, to time.Time) []time.Time {
	var out []time.Time
	for t := s.first(from); !t.After(to) && len(out) < 100; t = s.next(t) {
		if !t.Before(from) {
			out = append(out, t)
		}
	}
	return out
}

func (s timeStep) first(t time.Time) time.Time {
	y, m, d := t.Date()
	h := t.Hour()
	switch {
	case s.years > 0:
		return time.Date(y-y%s.years, time.January, 1, 0, 0, 0, 0, t.Location())
	case s.months > 0:
		return time.Date(y, m-(m-1)%time.Month(s.months), 1, 0, 0, 0, 0, t.Location())
	case s.days > 0:
		return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	case s.hours > 0:
		return time.Date(y, m, d, h-h%s.hours, 0, 0, 0, t.Location())
	}
	midnight := time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	return midnight.Add(t.Sub(midnight).Truncate(s.length))
}

func (s timeStep) next(t time.Time) time.Time {
	switch {
	case s.days+s.months+s.years > 0:
		return t.AddDate(s.years, s.months, s.days)
	case s.hours > 0:
		y, m, d := t.Date()
		if next := time.Date(y, m, d, t.Hour()+s.hours, 0, 0, 0, t.Location()); next.After(t) {
			return next
		}
	}
	return t.Add(s.length)
}
