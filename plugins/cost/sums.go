package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
)

// sums are the answer to a question for series. Amounts are decimals as texts: no reader rounds them by accident.
type sums struct {
	Metric      ledger.Metric      `json:"metric"`
	Currency    string             `json:"currency,omitempty"`
	Unit        string             `json:"unit,omitempty"`
	Granularity ledger.Granularity `json:"granularity"`
	From        ledger.Day         `json:"from"`
	To          ledger.Day         `json:"to"`
	EntityRef   string             `json:"entityRef,omitempty"`
	Series      []series           `json:"series"`
	Total       money.Amount       `json:"total"`
	Meta        meta               `json:"meta"`
}

type series struct {
	Keys map[ledger.Dimension]string `json:"keys"`
	// Other stands for all groups beyond the limit; Groups is how many.
	Other  bool `json:"other,omitempty"`
	Groups int  `json:"groups,omitempty"`
	// Points are pairs of the first day of a time, and its amount.
	Points [][2]string  `json:"points"`
	Total  money.Amount `json:"total"`
}

// query answers sums of charges, by groups and time.
func (c *plugin) query(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "metric", "groupBy", "granularity", "from", "to", "filter", "currency", "limit", "entity")
	if err != nil {
		return nil, err
	}
	q, err := p.grouped()
	if err != nil {
		return nil, err
	}
	return c.sums(r.Context(), p["entity"], q)
}

// carbon answers emissions where the charges tell them; in kilograms of CO₂ equivalent.
func (c *plugin) carbon(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "groupBy", "granularity", "from", "to", "filter", "limit", "entity")
	if err != nil {
		return nil, err
	}
	q, err := p.grouped()
	if err != nil {
		return nil, err
	}
	q.Metric = ledger.Carbon
	answer, err := c.sums(r.Context(), p["entity"], q)
	if err != nil {
		return nil, err
	}
	answer.Unit = "kg CO2e"
	answer.Series = slices.DeleteFunc(answer.Series, func(s series) bool {
		return !slices.ContainsFunc(s.Points, func(p [2]string) bool { return p[1] != "0" })
	})
	if len(answer.Series) == 0 && len(answer.Meta.Sources) > 0 {
		answer.Meta.Warnings = append(answer.Meta.Warnings, "the charges of this time tell no emissions")
	}
	return answer, nil
}

func (c *plugin) sums(ctx context.Context, entity string, q ledger.Query) (*sums, error) {
	complete, _, err := c.complete(ctx)
	if err != nil {
		return nil, err
	}
	if err := within(&q, complete, ledger.DayOf(c.now())); err != nil {
		return nil, err
	}
	s, err := c.scope(ctx, entity, q)
	if err != nil {
		return nil, err
	}
	res, err := c.costs().Query(ctx, s.Scope, q)
	if err != nil {
		return nil, err
	}
	out := &sums{
		Metric: q.Metric, Currency: res.Currency, Granularity: q.Granularity, From: q.From, To: q.To, EntityRef: s.ref,
		Series: []series{}, Total: res.Total, Meta: c.meta(res.LastCompleteDay, res.Sources, s.warnings()...),
	}
	for _, found := range res.Series {
		out.Series = append(out.Series, seriesOf(found))
	}
	return out, nil
}

func seriesOf(s ledger.Series) series {
	out := series{Keys: s.Keys, Other: s.Other, Points: make([][2]string, len(s.Points)), Total: s.Total}
	if s.Other {
		out.Keys, out.Groups = map[ledger.Dimension]string{}, s.Groups
	}
	for i, p := range s.Points {
		out.Points[i] = [2]string{p.Day.String(), p.Amount.String()}
	}
	return out
}

// dimensions answers what can be asked for: the dimensions, the keys of tags, and the values of one of them.
func (c *plugin) dimensions(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "from", "to", "dimension", "limit")
	if err != nil {
		return nil, err
	}
	var q ledger.Query
	if q.From, q.To, err = p.dates(); err != nil {
		return nil, err
	}
	limit, err := p.number("limit", 1, mostSeries, 200)
	if err != nil {
		return nil, err
	}
	if err := c.need(r.Context(), readAll, "values of dimensions are for who may see all costs"); err != nil {
		return nil, err
	}
	complete, _, err := c.complete(r.Context())
	if err != nil {
		return nil, err
	}
	if err := within(&q, complete, ledger.DayOf(c.now())); err != nil {
		return nil, err
	}
	return c.values(r.Context(), p["dimension"], q, limit)
}

func (c *plugin) values(ctx context.Context, dimension string, q ledger.Query, limit int) (any, error) {
	if dimension == "" {
		keys, err := c.ledger.TagKeys(ctx, q.From, q.To, limit)
		return map[string]any{"dimensions": insight.Dimensions(), "tagKeys": present(keys)}, err
	}
	d, err := insight.ParseDimension(dimension)
	if err != nil {
		return nil, wrong("dimension", err)
	}
	values, err := c.ledger.Values(ctx, d, q.From, q.To, limit)
	return map[string]any{"dimension": d, "values": present(values)}, err
}

// present is an array in JSON also when it is empty.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// anomalies answers days that are unlike their weekday, and by which method they were found.
func (c *plugin) anomalies(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "metric", "groupBy", "from", "to", "filter", "currency", "entity", "threshold", "minimum")
	if err != nil {
		return nil, err
	}
	q, err := p.common()
	if err != nil {
		return nil, err
	}
	if q.GroupBy, err = p.dimensions("groupBy"); err != nil {
		return nil, err
	}
	if len(q.GroupBy) == 0 {
		q.GroupBy = []ledger.Dimension{ledger.Service}
	}
	d := c.engine.Load().settings.detection()
	if d.Threshold, err = p.decimal("threshold", 1, 100, d.Threshold); err != nil {
		return nil, err
	}
	if d.Minimum, err = p.decimal("minimum", 0, 1e12, d.Minimum); err != nil {
		return nil, err
	}
	return c.detect(r.Context(), p["entity"], q, d)
}

// longestDetection bounds how many days are looked at: each is compared with the weeks before it.
const longestDetection = 366

type detected struct {
	Metric    ledger.Metric        `json:"metric"`
	Currency  string               `json:"currency,omitempty"`
	From      ledger.Day           `json:"from"`
	To        ledger.Day           `json:"to"`
	EntityRef string               `json:"entityRef,omitempty"`
	Method    detectionMethod      `json:"method"`
	Anomalies []insight.UnusualDay `json:"anomalies"`
	Meta      meta                 `json:"meta"`
}

type detectionMethod struct {
	Name       string  `json:"name"`
	WindowDays int     `json:"windowDays"`
	Weekdays   int     `json:"weekdaysNeeded"`
	Threshold  float64 `json:"threshold"`
	Minimum    float64 `json:"minimum"`
}

func (c *plugin) detect(ctx context.Context, entity string, q ledger.Query, d insight.Detection) (any, error) {
	complete, _, err := c.complete(ctx)
	if err != nil {
		return nil, err
	}
	if err := within(&q, complete, ledger.DayOf(c.now())); err != nil {
		return nil, err
	}
	if q.To-q.From > longestDetection {
		return nil, apierror.Inputf("from: %s is more than %d days before to, %s", q.From, longestDetection, q.To)
	}
	s, err := c.scope(ctx, entity, q)
	if err != nil {
		return nil, err
	}
	found, res, err := c.costs().Detect(ctx, s.Scope, q, d)
	if err != nil {
		return nil, err
	}
	return detected{
		q.Metric, res.Currency, q.From, q.To, s.ref,
		detectionMethod{insight.DetectionMethod, d.Window, d.Weekdays, d.Threshold, d.Minimum},
		found, c.meta(res.LastCompleteDay, res.Sources, s.warnings()...),
	}, nil
}

type foreseen struct {
	Metric    ledger.Metric           `json:"metric"`
	Currency  string                  `json:"currency,omitempty"`
	EntityRef string                  `json:"entityRef,omitempty"`
	Forecast  *insight.ForecastAnswer `json:"forecast"`
	// Reason is why there is no forecast.
	Reason string `json:"reason,omitempty"`
	Meta   meta   `json:"meta"`
}

// forecast answers what the days to come are expected to cost.
func (c *plugin) forecast(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "metric", "filter", "currency", "entity", "days")
	if err != nil {
		return nil, err
	}
	q, err := p.common()
	if err != nil {
		return nil, err
	}
	days, err := p.number("days", 1, insight.LongestForecast, usualRange)
	if err != nil {
		return nil, err
	}
	s, err := c.scope(r.Context(), p["entity"], q)
	if err != nil {
		return nil, err
	}
	f, res, reason, err := c.costs().Foresee(r.Context(), s.Scope, q, days)
	if err != nil {
		return nil, err
	}
	return foreseen{q.Metric, res.Currency, s.ref, f, reason, c.meta(res.LastCompleteDay, res.Sources, s.warnings()...)}, nil
}
