// Package costinsights answers the client of AWS Labs' Cost Insights backend, with which the frontend Cost Insights shows the
// costs of an entity. It is mounted where that backend would be, at /api/cost-insights-aws, and is not about AWS alone.
package costinsights

import (
	"errors"
	"net/http"

	"github.com/callboard/callboard/plugins/cost/facade"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// New answers GET /v1/entity/{namespace}/{kind}/{name}/{intervals} and GET /health. Intervals hold slashes, which clients
// send as %2F; sent as they are they are understood as well.
func New(costs facade.Costs) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		sdk.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /v1/entity/{namespace}/{kind}/{name}/{intervals...}", func(w http.ResponseWriter, r *http.Request) {
		c, err := costOf(r, costs)
		switch {
		case r.Context().Err() != nil: // the caller has gone: nobody is left to be told
		case err != nil:
			sdk.WriteError(w, r, err)
		default:
			sdk.WriteJSON(w, http.StatusOK, c)
		}
	})
	return mux
}

// cost is the frontend's type Cost.
type cost struct {
	ID           string            `json:"id"`
	Aggregation  []day             `json:"aggregation"`
	Change       *change           `json:"change,omitempty"`
	Trendline    *trendline        `json:"trendline,omitempty"`
	GroupedCosts map[string][]cost `json:"groupedCosts,omitempty"`
}

type day struct {
	Date   string  `json:"date"`
	Amount float64 `json:"amount"`
}

// change compares the last period with the one before it. Ratio is absent where that cost nothing: nothing has no multiple.
type change struct {
	Ratio  *float64 `json:"ratio,omitempty"`
	Amount float64  `json:"amount"`
}

// trendline is amount = slope × seconds since 1970 + intercept.
type trendline struct {
	Slope     float64 `json:"slope"`
	Intercept float64 `json:"intercept"`
}

// mostServices is how many services an entity's costs are broken down to; what is smaller is one more.
const mostServices = 50

func costOf(r *http.Request, costs facade.Costs) (*cost, error) {
	i, err := parseIntervals(r.PathValue("intervals"))
	if err != nil {
		return nil, err
	}
	ref := r.PathValue("kind") + ":" + r.PathValue("namespace") + "/" + r.PathValue("name")
	q := ledger.Query{From: i.from, To: i.to, Granularity: ledger.Daily, GroupBy: []ledger.Dimension{ledger.Service}, Limit: mostServices}
	found, err := costs.Query(r.Context(), ref, q)
	if errors.Is(err, sdk.ErrInput) && !errors.Is(err, ledger.ErrMixedCurrencies) { // a name that no entity can have
		return nil, apierror.NotFoundf("Entity %s not found", ref)
	}
	if err != nil {
		return nil, err
	}
	sums := make([]money.Amount, i.to-i.from)
	var services []cost
	for _, s := range found.Series {
		amounts := make([]money.Amount, len(sums))
		for _, p := range s.Points {
			amounts[p.Day-i.from] = amounts[p.Day-i.from].Add(p.Amount)
			sums[p.Day-i.from] = sums[p.Day-i.from].Add(p.Amount)
		}
		services = append(services, i.cost(title(s), amounts))
	}
	c := i.cost(ref, sums)
	if len(services) > 0 {
		c.GroupedCosts = map[string][]cost{"service": services}
	}
	return &c, nil
}

func title(s ledger.Series) string {
	switch name := s.Keys[ledger.Service]; {
	case s.Other:
		return "Other"
	case name == "":
		return "Unknown"
	default:
		return name
	}
}

// cost makes a cost of the amounts of all days.
func (i intervals) cost(id string, amounts []money.Amount) cost {
	c := cost{ID: id, Aggregation: make([]day, len(amounts))}
	var before, last money.Amount
	for n, a := range amounts {
		d := i.from + ledger.Day(n)
		c.Aggregation[n] = day{d.String(), a.Float64()}
		switch {
		case d >= i.last:
			last = last.Add(a)
		case d >= i.previous:
			before = before.Add(a)
		}
	}
	c.Change = &change{Amount: last.Sub(before).Float64()}
	if !before.IsZero() {
		ratio := last.Sub(before).Quo(before).Float64()
		c.Change.Ratio = &ratio
	}
	c.Trendline = regression(i.from, c.Aggregation)
	return c
}

// regression is the line of least squares. It is computed around the mean day, as squares of seconds since 1970 would leave
// no digits for the slope.
func regression(from ledger.Day, days []day) *trendline {
	const secondsPerDay = 86_400
	n := float64(len(days))
	if n < 2 {
		return nil
	}
	var mean float64
	for _, d := range days {
		mean += d.Amount / n
	}
	middle := (n - 1) / 2
	var above, below float64
	for x, d := range days {
		above += (float64(x) - middle) * (d.Amount - mean)
		below += (float64(x) - middle) * (float64(x) - middle)
	}
	slope := above / below / secondsPerDay
	at := (float64(from) + middle) * secondsPerDay
	return &trendline{slope, mean - slope*at}
}
