package prometheus

import (
	"maps"
	"math"
	"strconv"
	"time"
)

// Traffic is what one caller asks of one service, and is answered with one status.
type Traffic struct {
	Labels map[string]string // of the series, such as service, consumer and code
	PerDay float64
	Peak   float64 // the hour of the day, in UTC, about which most of it comes
}

// until counts the requests up to a time. The rate is highest at the peak, lowest half a day away from it, and never steady.
func (f Traffic) until(t time.Time) float64 {
	days := float64(t.UnixNano()) / float64(24*time.Hour)
	wave := func(perDay, height, peak float64) float64 { // the integral of height·cos
		turn := 2 * math.Pi * perDay
		return height / turn * math.Sin(turn*(days-peak))
	}
	peak := f.Peak / 24
	return f.PerDay * (days + wave(1, 0.65, peak) + wave(7, 0.06, peak*3) + wave(41, 0.04, peak*5))
}

// Requests is the counter of a list of traffic.
func Requests(name string, list []Traffic) []Series {
	var out []Series
	for _, f := range list {
		out = append(out, Series{named(name, f.Labels), func(t time.Time) float64 { return math.Floor(f.until(t)) }})
	}
	return out
}

// Latency is a histogram, whose bounds are in milliseconds. Half of the requests take the median or less, and one in twenty
// three times as long; away from the peak, where caches are cold, it is half as much again. Buckets hold parts of requests:
// whole ones would not always add up over a short time.
func Latency(name string, labels map[string]string, perDay, peak, median float64) []Series {
	warm := Traffic{PerDay: perDay * 0.7, Peak: peak}
	cold := Traffic{PerDay: perDay * 0.3, Peak: peak + 12}
	until := func(bound float64) func(time.Time) float64 {
		return func(t time.Time) float64 {
			return warm.until(t)*share(bound, median) + cold.until(t)*share(bound, median*1.5)
		}
	}
	all := until(math.Inf(1))
	out := []Series{{named(name+"_count", labels), all}}
	for _, bound := range []float64{1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000, 10000} {
		out = append(out, Series{named(name+"_bucket", labels, "le", strconv.FormatFloat(bound, 'f', 1, 64)), until(bound)})
	}
	return append(out, Series{named(name+"_bucket", labels, "le", "+Inf"), all})
}

// share is which part of the requests takes a time or less: a log-normal distribution.
func share(bound, median float64) float64 {
	const spread = 0.668 // ln 3 / 1.645
	return 0.5 * (1 + math.Erf(math.Log(bound/median)/(spread*math.Sqrt2)))
}

func named(name string, labels map[string]string, more ...string) map[string]string {
	out := maps.Clone(labels)
	if out == nil {
		out = map[string]string{}
	}
	out["__name__"] = name
	for i := 0; i+1 < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}
