package insight

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// UnusualDay is a day on which something cost much more or less than it usually does on that weekday.
type UnusualDay struct {
	Day ledger.Day `json:"day"`
	// Keys are what it was, by the dimensions of the question; Other stands for all that is too small to be looked at alone.
	Keys     map[ledger.Dimension]string `json:"keys"`
	Other    bool                        `json:"other,omitempty"`
	Amount   money.Amount                `json:"amount"`
	Expected money.Amount                `json:"expected"`
	// Difference is Amount without Expected.
	Difference money.Amount `json:"difference"`
	// Score is the difference in robust standard deviations.
	Score string `json:"score"`
}

// mostExamined is how many series are looked at alone; the others are looked at as one.
const mostExamined = 100

// Detect finds unusual days among those of a daily query, by its groups; the worst first.
func (c *Costs) Detect(ctx context.Context, s Scope, q ledger.Query, d Detection) ([]UnusualDay, ledger.Result, error) {
	from := q.From
	q.From, q.Granularity, q.Limit = from-ledger.Day(d.Window), ledger.Daily, mostExamined
	res, err := c.Query(ctx, s, q)
	if err != nil {
		return nil, res, err
	}
	found := []UnusualDay{}
	for _, series := range res.Series {
		one := timelineOf(ledger.Result{Series: []ledger.Series{series}, LastCompleteDay: res.LastCompleteDay}, q.From, q.To)
		days := one.amounts[:max(0, int(one.complete-one.first)+1)] // an incomplete day always looks cheap
		known := 0
		for known < len(days) && days[known].IsZero() {
			known++ // before something costs for the first time, nothing is known about it
		}
		values := make([]float64, 0, len(days))
		for _, a := range days[known:] {
			values = append(values, a.Float64())
		}
		for _, a := range d.Anomalies(values, int(from-q.From)-known) {
			found = append(found, unusual(series, q.From+ledger.Day(known+a.Day), days[known+a.Day], a))
		}
	}
	slices.SortFunc(found, func(a, b UnusualDay) int {
		return cmp.Or(b.Difference.Abs().Cmp(a.Difference.Abs()), cmp.Compare(a.Day, b.Day))
	})
	return found, res, nil
}

func unusual(s ledger.Series, day ledger.Day, amount money.Amount, a Anomaly) UnusualDay {
	expected := estimated(a.Expected)
	return UnusualDay{
		Day: day, Keys: s.Keys, Other: s.Other, Amount: amount, Expected: expected, Difference: amount.Sub(expected).Round(places),
		Score: strconv.FormatFloat(math.Round(a.Score*10)/10, 'f', 1, 64),
	}
}
