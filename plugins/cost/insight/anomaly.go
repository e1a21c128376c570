package insight

import (
	"math"
	"slices"
)

// Detection says which days are anomalies: those that are far from what the same weekday cost in the weeks before.
type Detection struct {
	// Window is how many days before are looked at.
	Window int
	// Threshold is how many robust standard deviations (1.4826 × MAD) a day must be away from the median.
	Threshold float64
	// Minimum is the least difference that is worth a word, in the currency of the data.
	Minimum float64
	// Weekdays is how many days of the same weekday must be known.
	Weekdays int
}

// DetectionMethod is the name of what [Detection] does.
const DetectionMethod = "median-mad-by-weekday"

// DefaultDetection looks at eight weeks.
var DefaultDetection = Detection{Window: 8 * week, Threshold: 3.5, Minimum: 10, Weekdays: 4}

const (
	// madToDeviation makes a MAD comparable with the standard deviation of a normal distribution.
	madToDeviation = 1.4826
	// leastSpread is the share of the median that counts as spread at least: costs that are always the same would make
	// every cent an anomaly.
	leastSpread = 0.05
)

// Anomaly is a day that is unlike its weekday.
type Anomaly struct {
	// Day is the index in the series.
	Day int
	// Amount is what the day cost, Expected the median of its weekday.
	Amount, Expected float64
	// Score is the difference in robust standard deviations; negative = less than expected.
	Score float64
}

// Anomalies finds the anomalies among the days from index from of a series of daily amounts without gaps.
func (d Detection) Anomalies(series []float64, from int) []Anomaly {
	var found []Anomaly
	for day := max(from, 0); day < len(series); day++ {
		var before []float64
		for at := day - week; at >= 0 && at >= day-d.Window; at -= week {
			before = append(before, series[at])
		}
		if len(before) < max(d.Weekdays, 1) {
			continue
		}
		expected := median(before)
		difference := series[day] - expected
		score := difference / spread(before, expected)
		if math.Abs(difference) >= d.Minimum && math.Abs(score) >= d.Threshold {
			found = append(found, Anomaly{day, series[day], expected, score})
		}
	}
	return found
}

// spread is the robust standard deviation, and never nothing.
func spread(values []float64, center float64) float64 {
	away := make([]float64, len(values))
	for i, v := range values {
		away[i] = math.Abs(v - center)
	}
	return max(madToDeviation*median(away), leastSpread*math.Abs(center), 0.01)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
