package usage

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Requests answers how many requests there were in each step.
//
// Prometheus knows a counter at the moments when it read it, and increase() guesses beyond them: by steps, it counts some
// requests not at all and others twice. Here each step is seen together with one reading before it, so that neighbours
// share a reading and the steps add up to what was counted. What remains are the first steps of a new series, which show too
// little: a counter that appears with 3 was never seen at 0, and Prometheus does not extrapolate one below that.
func (s *Source) Requests(ctx context.Context, q Query) (Result, error) { return s.counted(ctx, q, "") }

// Errors is [Source.Requests] of those that were answered with 4xx or 5xx.
func (s *Source) Errors(ctx context.Context, q Query) (Result, error) {
	if s.profile.Code == "" {
		return Result{}, s.unknown("codes")
	}
	return s.counted(ctx, q, s.profile.Code+`=~"[45].."`)
}

func (s *Source) counted(ctx context.Context, q Query, more string) (Result, error) {
	p, err := s.plan(q, s.requestsFor(q), s.profile.Match)
	if err != nil {
		return Result{}, err
	}
	p.more = append(p.more, more)
	keys, rest, err := s.largest(ctx, &p, p.metric)
	if err != nil || p.label != "" && len(keys) == 0 {
		return p.result, err
	}
	expression := func(m ...string) string {
		return fmt.Sprintf("rate(%s) * %s", within(p.selector(s, p.metric, m...), p.step+s.scrape), decimal(p.step.Seconds()))
	}
	if err := s.ask(ctx, &p, summed(p.label, expression(p.among(keys))), template{}); err != nil {
		return Result{}, err
	}
	if rest {
		err = s.ask(ctx, &p, summed("", expression(noneOf(p.label, keys))), template{Rest: true})
	}
	p.order(keys)
	return p.result, err
}

// Totals answers the largest numbers of requests over the whole range, the largest first.
func (s *Source) Totals(ctx context.Context, q Query) ([]Count, error) {
	p, err := s.plan(q, s.requestsFor(q), s.profile.Match)
	if err != nil {
		return nil, err
	}
	found, err := s.totals(ctx, &p, p.metric, p.top)
	return found, err
}

// Latency answers within which time, in seconds, the given parts of the requests were answered, such as 0.95.
func (s *Source) Latency(ctx context.Context, q Query, quantiles ...float64) (Result, error) {
	if s.profile.Latency == "" {
		return Result{}, s.unknown("latency")
	}
	if (len(q.Apps) > 0 || q.By == ByApp) && !s.profile.LatencyByApp {
		return Result{}, s.unknown("the latency of applications; ask for that of an API")
	}
	p, err := s.plan(q, s.profile.Latency, s.profile.LatencyMatch)
	if err != nil {
		return Result{}, err
	}
	keys, _, err := s.largest(ctx, &p, p.metric+"_count")
	if err != nil || p.label != "" && len(keys) == 0 {
		return p.result, err
	}
	by := strings.TrimPrefix(p.label+",le", ",")
	for _, quantile := range quantiles {
		if math.IsNaN(quantile) || quantile <= 0 || quantile >= 1 {
			return Result{}, apierror.Inputf("usage: quantile %v: between 0 and 1, such as 0.95", quantile)
		}
		buckets := summed(by, "rate("+within(p.selector(s, p.metric+"_bucket", p.among(keys)), p.step+s.scrape)+")")
		expression := fmt.Sprintf("histogram_quantile(%s, %s) * %s", decimal(quantile), buckets, decimal(s.profile.Unit.Seconds()))
		if err := s.ask(ctx, &p, expression, template{Quantile: quantile}); err != nil {
			return Result{}, err
		}
	}
	p.order(keys)
	return p.result, nil
}

// requestsFor is the counter that knows what is asked for.
func (s *Source) requestsFor(q Query) string {
	if s.profile.AppRequests != "" && (len(q.Apps) > 0 || q.By == ByApp) {
		return s.profile.AppRequests
	}
	return s.profile.Requests
}

func (s *Source) unknown(what string) error {
	return apierror.Newf(apierror.NotImplemented, "usage of %s: the gateway's metrics do not know %s", s.prometheus.name, what)
}

// largest finds which series are shown, and whether there are more. It asks only where there can be several.
func (s *Source) largest(ctx context.Context, p *plan, metric string) (keys []string, more bool, err error) {
	if p.label == "" {
		return nil, false, nil
	}
	found, err := s.totals(ctx, p, metric, p.top+1)
	if err != nil {
		return nil, false, err
	}
	for _, c := range found[:min(len(found), p.top)] {
		keys = append(keys, c.Key)
	}
	return keys, len(found) > p.top, nil
}

func (s *Source) totals(ctx context.Context, p *plan, metric string, most int) ([]Count, error) {
	whole := p.to.Sub(p.from)
	expression := summed(p.label, fmt.Sprintf("rate(%s) * %s", within(p.selector(s, metric), whole+s.scrape), decimal(whole.Seconds())))
	answer, err := s.prometheus.query(ctx, fmt.Sprintf("topk(%d, %s)", most, expression), p.to)
	if err != nil {
		return nil, err
	}
	p.warn(answer.warnings)
	var counts []Count
	for _, found := range answer.series {
		if v := found.last(); v != nil {
			counts = append(counts, Count{found.labels[p.label], *v})
		}
	}
	slices.SortStableFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Key, b.Key))
	})
	return counts[:min(len(counts), most)], nil
}

// template is what series of one query have in common.
type template struct {
	Rest     bool
	Quantile float64
}

// ask adds the series of one query to the result.
func (s *Source) ask(ctx context.Context, p *plan, expression string, t template) error {
	answer, err := s.prometheus.queryRange(ctx, expression, p.from.Add(p.step), p.to, p.step)
	if err != nil {
		return err
	}
	p.warn(answer.warnings)
	for _, found := range answer.series {
		one := Series{Rest: t.Rest, Quantile: t.Quantile, Values: make([]*float64, len(p.result.Times))}
		if !t.Rest {
			one.Key = found.labels[p.label]
		}
		for _, point := range found.points {
			if n := p.index(point.at); n >= 0 {
				one.Values[n] = point.value
			}
		}
		p.result.Series = append(p.result.Series, one)
	}
	return nil
}

// index is the place of a point in the result, -1 = it was not asked for.
func (p *plan) index(at time.Time) int {
	n := int(at.Sub(p.result.Times[0]).Round(p.step) / p.step)
	if n < 0 || n >= len(p.result.Times) || at.Sub(p.result.Times[n]).Abs() > time.Second/2 {
		return -1
	}
	return n
}
