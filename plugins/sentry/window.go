package main

import (
	"net/url"
	"strconv"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// window is a range of time: one that ends now, by a name that Sentry knows, or one of two points.
type window struct {
	period     string
	start, end time.Time
	// before has it be the one before: as long, and ending where this one starts.
	before bool
}

var periods = map[string]time.Duration{
	"1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "14d": 14 * 24 * time.Hour, "30d": 30 * 24 * time.Hour, "90d": 90 * 24 * time.Hour,
}

func windowOf(period string) (window, error) {
	if _, ok := periods[period]; !ok {
		return window{}, apierror.Inputf("period: %.50q is none of 1h, 24h, 7d, 14d, 30d and 90d", period)
	}
	return window{period: period}, nil
}

// windowFrom is the range of a viewer, or the period if there is none. It is cut to whole intervals, so that viewers who
// look at the same share an answer.
func windowFrom(from, to time.Time, period string) window {
	if from.IsZero() || to.IsZero() || !from.Before(to) || from.Year() < 2000 || to.Year() > 9000 {
		return window{period: period}
	}
	w := window{start: from, end: to}
	step := w.interval(0)
	w.start, w.end = from.Truncate(step).UTC(), to.Truncate(step).UTC()
	if !w.start.Before(w.end) {
		w.end = w.start.Add(step)
	}
	return w
}

func (w window) length() time.Duration {
	if w.period != "" {
		return periods[w.period]
	}
	return w.end.Sub(w.start)
}

// previous is the window before.
func (w window) previous() window {
	if w.period != "" {
		w.before = true
		return w
	}
	return window{start: w.start.Add(-w.length()), end: w.start}
}

var intervals = []struct {
	name   string
	length time.Duration
}{
	{"1m", time.Minute}, {"5m", 5 * time.Minute}, {"15m", 15 * time.Minute}, {"1h", time.Hour}, {"4h", 4 * time.Hour}, {"12h", 12 * time.Hour}, {"1d", 24 * time.Hour},
}

const usualPoints = 100

func (w window) interval(points int) time.Duration { return intervals[w.chosen(points)].length }

// chosen is the finest interval that makes no more than that many points.
func (w window) chosen(points int) int {
	if points <= 0 || points > 1000 {
		points = usualPoints
	}
	for i, step := range intervals {
		if w.length() <= step.length*time.Duration(points) {
			return i
		}
	}
	return len(intervals) - 1
}

// params is the window as Sentry's APIs take it. Ranges that end now are relative: clocks may differ.
func (w window) params() url.Values {
	switch {
	case w.before:
		whole := periods[w.period]
		return url.Values{"statsPeriodStart": {hours(2 * whole)}, "statsPeriodEnd": {hours(whole)}}
	case w.period != "":
		return url.Values{"statsPeriod": {w.period}}
	}
	return url.Values{"start": {w.start.Format(time.RFC3339)}, "end": {w.end.Format(time.RFC3339)}}
}

func hours(d time.Duration) string { return strconv.Itoa(int(d.Hours())) + "h" }
