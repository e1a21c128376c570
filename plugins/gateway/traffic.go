package main

import (
	"context"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/usage"
	"github.com/callboard/callboard/sdk/apierror"
)

// quantiles are those of latency that are shown.
var quantiles = []float64{0.5, 0.95, 0.99}

// trafficAnswer is the usage of one API.
type trafficAnswer struct {
	Gateway  string         `json:"gateway"`
	API      driver.APIID   `json:"api"`
	Step     string         `json:"step,omitempty"`
	Times    []time.Time    `json:"times"`
	Requests []seriesAnswer `json:"requests"`
	Errors   []seriesAnswer `json:"errors"`
	Latency  []seriesAnswer `json:"latency"`
	Warnings []string       `json:"warnings,omitempty"`
	// Problem says why something is missing.
	Problem string `json:"problem,omitempty"`
}

// seriesAnswer has a value, or null, for each of the times.
type seriesAnswer struct {
	Key      string     `json:"key,omitempty"`
	Rest     bool       `json:"rest,omitempty"`
	Quantile float64    `json:"quantile,omitempty"`
	Values   []*float64 `json:"values"`
}

func series(all []usage.Series) []seriesAnswer {
	out := []seriesAnswer{}
	for _, s := range all {
		out = append(out, seriesAnswer{s.Key, s.Rest, s.Quantile, s.Values})
	}
	return out
}

// source is the metrics of a gateway, and how they call an API: some by its name, some by its id.
func (i *instance) source(ctx context.Context, api driver.APIID) (*usage.Source, []string, error) {
	if i.usage == nil {
		return nil, nil, apierror.Newf(apierror.NotImplemented, "gateway %s: its metrics are not known: set usage", i.Name)
	}
	names := []string{string(api)}
	if l, err := i.list(ctx); err == nil {
		if a, _ := l.api(api); a.Name != "" && a.Name != string(api) {
			names = append(names, a.Name)
		}
	}
	return i.usage, names, nil
}

// query reads the range of a request.
func (c *call) query() (usage.Query, error) {
	var q usage.Query
	var err error
	if q.From, err = c.moment("from"); err != nil {
		return q, err
	}
	if q.To, err = c.moment("to"); err != nil {
		return q, err
	}
	if q.Step, err = duration("step", c.URL.Query().Get("step")); err != nil {
		return q, err
	}
	switch by := usage.By(c.URL.Query().Get("by")); by {
	case usage.Together, usage.ByApp, usage.ByCode:
		q.By = by
	default:
		return q, apierror.Inputf("by: %q is none of app and code", by)
	}
	return q, nil
}

// metered is what the metrics call an application.
func (i *instance) metered(app driver.AppID, api driver.APIID) string {
	if d, ok := i.driver.(driver.Metered); ok {
		return d.Metered(app, api)
	}
	return string(app)
}

// traffic answers what is known of the usage of an API, by all applications or by one. What the metrics do not know is a problem of that API alone.
func (h *hub) traffic(ctx context.Context, ref apiRef, app driver.AppID, q usage.Query) trafficAnswer {
	a := trafficAnswer{
		Gateway: ref.gateway, API: ref.api, Times: []time.Time{}, Requests: []seriesAnswer{}, Errors: []seriesAnswer{}, Latency: []seriesAnswer{},
	}
	if err := h.fill(ctx, &a, ref, app, q); err != nil {
		a.Problem = message(err)
	}
	return a
}

func (h *hub) fill(ctx context.Context, a *trafficAnswer, ref apiRef, app driver.AppID, q usage.Query) error {
	i, err := h.gateway(ref.gateway)
	if err != nil {
		return err
	}
	source, names, err := i.source(ctx, ref.api)
	if err != nil {
		return err
	}
	if q.APIs = names; app != "" {
		q.Apps = []string{i.metered(app, ref.api)}
	}
	requests, err := source.Requests(ctx, q)
	if err != nil {
		return err
	}
	a.Step, a.Times, a.Requests, a.Warnings = requests.Step.String(), requests.Times, series(requests.Series), requests.Warnings
	failed, err := source.Errors(ctx, q)
	if err != nil {
		return err
	}
	a.Errors = series(failed.Series)
	q.By = usage.Together
	latency, err := source.Latency(ctx, q, quantiles...)
	if err == nil {
		a.Latency = series(latency.Series)
	}
	return err
}

func (g *plugin) entityUsage(c *call) (any, error) {
	e, err := g.entity(c)
	if err != nil {
		return nil, err
	}
	h := g.hub.Load()
	refs, err := h.annotated(e)
	if err != nil {
		return nil, err
	}
	q, err := c.query()
	if err != nil {
		return nil, err
	}
	var all []trafficAnswer
	for _, ref := range refs {
		all = append(all, h.traffic(c.Context(), ref, "", q))
	}
	return listed(all), nil
}

// appUsage answers what an application asks of the APIs that it has access to.
func (g *plugin) appUsage(c *call) (any, error) {
	a, err := g.app(c.Context(), c.actor, c.PathValue("app"), true)
	if err != nil {
		return nil, err
	}
	q, err := c.query()
	if err != nil {
		return nil, err
	}
	var all []trafficAnswer
	for _, grant := range a.Grants {
		all = append(all, g.hub.Load().traffic(c.Context(), apiRef{grant.Gateway, grant.API}, a.ID, q))
	}
	return listed(all), nil
}
