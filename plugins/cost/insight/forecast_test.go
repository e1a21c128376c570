package insight_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/callboard/callboard/plugins/cost/insight"
)

// daily makes a series of n days.
func daily(n int, amount func(day int) float64) []float64 {
	series := make([]float64, n)
	for day := range series {
		series[day] = amount(day)
	}
	return series
}

// weekend costs less on the sixth and seventh day of the week.
func weekend(day int) float64 {
	if day%7 >= 5 {
		return 40
	}
	return 100
}

func TestForecast_OfAWeeklyPatternIsThePattern(t *testing.T) {
	for _, n := range []int{28, 31, 60, 200} {
		f, err := insight.Predict(daily(n, weekend), 30)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range f.Days {
			if math.Abs(v-weekend(n+i)) > 1e-6 {
				t.Fatalf("%d days of history, day %d ahead: %v by %s, want %v", n, i, v, f.Method, weekend(n+i))
			}
		}
		if f.Backtest.Error > 1e-9 || f.High-f.Low > 1e-6 {
			t.Errorf("%d days of history: a pattern that repeats exactly is uncertain: %+v", n, f)
		}
	}
}

func TestForecast_FollowsGrowthWhereThereIsSome(t *testing.T) {
	f, err := insight.Predict(daily(120, func(day int) float64 { return weekend(day) + 3*float64(day) }), 14)
	if err != nil {
		t.Fatal(err)
	}
	if f.Method != insight.DampedTrend || f.Backtest.Errors[insight.DampedTrend] >= f.Backtest.Errors[insight.WeekdayMean] {
		t.Errorf("chose %s of %v", f.Method, f.Backtest.Errors)
	}
	if last := weekend(119) + 3*119; f.Days[0]-weekend(120) < last-weekend(119) {
		t.Errorf("the first day costs %v after %v", f.Days[0], last)
	}
	if step := f.Days[13] - weekend(133) - (f.Days[12] - weekend(132)); step <= 0 || step >= 3 {
		t.Errorf("the line rises by %v a day at the end; it should flatten", step)
	}
}

func TestForecast_IntervalHoldsMostOfWhatCame(t *testing.T) {
	const trials, ahead = 200, 14
	random := rand.New(rand.NewPCG(4, 2))
	held := 0
	for range trials {
		series := daily(100+ahead, func(day int) float64 { return weekend(day) * (1 + 0.2*random.NormFloat64()) })
		f, err := insight.Predict(series[:100], ahead)
		if err != nil {
			t.Fatal(err)
		}
		var came float64
		for _, v := range series[100:] {
			came += v
		}
		if f.Low <= came && came <= f.High {
			held++
		}
		if f.Low > f.Total || f.High < f.Total {
			t.Fatalf("%v lies outside of %v to %v", f.Total, f.Low, f.High)
		}
	}
	if share := float64(held) / trials; share < insight.IntervalLevel-0.2 || share > 0.99 {
		t.Errorf("the interval of %v held %v", insight.IntervalLevel, share)
	}
}

func TestForecast_IsRefusedWithoutEnoughDays(t *testing.T) {
	_, err := insight.Predict(daily(27, weekend), 3)
	if short, ok := errors.AsType[*insight.TooShortError](err); !ok || short.Days != 27 || err.Error() != "a forecast needs 28 complete days of data; there are 27" {
		t.Error(err)
	}
	if _, err := insight.Predict(daily(60, weekend), 93); err == nil {
		t.Error("93 days are foreseen")
	}
	f, err := insight.Predict(daily(60, weekend), 0)
	if err != nil || f.Total != 0 || f.Low != 0 || f.High != 0 {
		t.Errorf("nothing is left of the month: %+v %v", f, err)
	}
}

func TestForecast_OfNothingIsNothing(t *testing.T) {
	f, err := insight.Predict(make([]float64, 40), 7)
	if err != nil || f.Total != 0 || !math.IsNaN(f.Backtest.Error) {
		t.Errorf("%+v %v", f, err)
	}
}

func TestAnomalies_AreDaysUnlikeTheirWeekday(t *testing.T) {
	series := daily(70, weekend)
	series[63] = 250 // a Monday
	series[68] = 100 // a Saturday that costs what Mondays do
	series[64] = 104 // within what is usual
	got := insight.DefaultDetection.Anomalies(series, 56)
	if len(got) != 2 || got[0].Day != 63 || got[0].Expected != 100 || got[1].Day != 68 || got[1].Expected != 40 || got[0].Score <= 3.5 {
		t.Errorf("%+v", got)
	}
}

func TestAnomalies_AreNotHiddenByFormerOnes(t *testing.T) {
	series := daily(70, weekend)
	series[49], series[56], series[63] = 400, 380, 250
	if got := insight.DefaultDetection.Anomalies(series, 63); len(got) != 1 || got[0].Expected != 100 {
		t.Errorf("%+v", got)
	}
}

func TestAnomalies_MindTheNoiseTheMinimumAndShortHistories(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	noisy := daily(70, func(int) float64 { return 100 + 40*random.NormFloat64() })
	noisy[69] = 160
	if got := insight.DefaultDetection.Anomalies(noisy, 69); len(got) != 0 {
		t.Errorf("a day within the noise: %+v", got)
	}
	cheap := daily(70, func(int) float64 { return 1 })
	cheap[69] = 9
	if got := insight.DefaultDetection.Anomalies(cheap, 69); len(got) != 0 {
		t.Errorf("less than the minimum: %+v", got)
	}
	short := daily(25, weekend)
	short[24] = 1000
	if got := insight.DefaultDetection.Anomalies(short, 0); len(got) != 0 {
		t.Errorf("three weeks are known: %+v", got)
	}
	saved := daily(70, weekend)
	saved[65] = 0
	if got := insight.DefaultDetection.Anomalies(saved, 60); len(got) != 1 || got[0].Score > -3.5 {
		t.Errorf("a day without costs: %+v", got)
	}
}
