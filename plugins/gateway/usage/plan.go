package usage

import (
	"cmp"
	"slices"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// plan is a query made definite, and the result as far as it is known.
type plan struct {
	metric   string
	own      map[string]string // labels of the profile
	label    string            // that series are made by, "" = none
	more     []string          // matchers
	from, to time.Time         // whole steps
	step     time.Duration
	top      int
	result   Result
}

const (
	// mostPoints is far below the 11000 at which Prometheus refuses, and more than a chart has pixels for.
	mostPoints  = 2000
	mostValues  = 200 // applications or APIs in one question: their names make the address of the request
	defaultTop  = 10
	largestTop  = 50
	usualPoints = 100
)

// niceSteps are steps that people read off an axis.
var niceSteps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	48 * time.Hour, 7 * 24 * time.Hour,
}

func (s *Source) plan(q Query, metric string, own map[string]string) (plan, error) {
	p := plan{metric: metric, own: own, top: min(max(cmp.Or(q.Top, defaultTop), 1), largestTop)}
	if err := s.window(&p, q); err != nil {
		return plan{}, err
	}
	var known bool
	p.label, known = map[By]string{Together: "", ByApp: s.profile.App, ByAPI: s.profile.API, ByCode: s.profile.Code}[q.By]
	switch {
	case !known:
		return plan{}, apierror.Inputf("usage: by %q: one of app, api and code", q.By)
	case p.label == "" && q.By != Together:
		return plan{}, s.unknown(map[By]string{ByApp: "applications", ByAPI: "APIs", ByCode: "codes"}[q.By])
	case len(q.Apps) > 0 && s.profile.App == "":
		return plan{}, s.unknown("applications")
	case len(q.APIs) > 0 && s.profile.API == "":
		return plan{}, s.unknown("APIs")
	case len(q.Apps)+len(q.APIs) > mostValues:
		return plan{}, apierror.Inputf("usage: %d applications and APIs; at most %d in one question", len(q.Apps)+len(q.APIs), mostValues)
	}
	p.more = []string{anyOf(s.profile.App, q.Apps), anyOf(s.profile.API, q.APIs)}
	return p, nil
}

// window brings the range to whole steps. Steps are the same for whoever asks in the meantime, so that charts stand still.
func (s *Source) window(p *plan, q Query) error {
	to := q.To
	if to.IsZero() {
		to = s.now()
	}
	from := q.From
	if from.IsZero() {
		from = to.Add(-time.Hour)
	}
	if !from.Before(to) {
		return apierror.Inputf("usage: from %s is not before to %s", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	p.step = max(cmp.Or(q.Step, niceStep(to.Sub(from)/usualPoints)), s.scrape).Round(time.Millisecond)
	p.to = to.Truncate(p.step)
	p.from = from.Truncate(p.step)
	if !p.from.Before(p.to) {
		p.from = p.to.Add(-p.step)
	}
	n := int64(p.to.Sub(p.from) / p.step)
	if n > mostPoints {
		return apierror.Inputf("usage: %d points from %s to %s; at most %d: take longer steps than %s", n,
			from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339), mostPoints, p.step)
	}
	p.result = Result{Step: p.step, Times: make([]time.Time, n)}
	for k := range p.result.Times {
		p.result.Times[k] = p.from.Add(time.Duration(k+1) * p.step).UTC()
	}
	return nil
}

func niceStep(least time.Duration) time.Duration {
	for _, step := range niceSteps {
		if step >= least {
			return step
		}
	}
	return least.Round(24 * time.Hour)
}

// selector is that of a metric with all that the question asks for.
func (p *plan) selector(s *Source, metric string, more ...string) string {
	return s.selector(metric, p.own, slices.Concat(p.more, more)...)
}

// among matches the series that are shown; "" = all.
func (p *plan) among(keys []string) string {
	if p.label == "" {
		return ""
	}
	return anyOf(p.label, keys)
}

// order brings series into the order of keys, the rest last, quantiles rising.
func (p *plan) order(keys []string) {
	place := map[string]int{}
	for n, key := range keys {
		place[key] = n
	}
	slices.SortStableFunc(p.result.Series, func(a, b Series) int {
		if a.Rest != b.Rest {
			if a.Rest {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(place[a.Key], place[b.Key]), cmp.Compare(a.Quantile, b.Quantile))
	})
}

const (
	mostWarnings   = 5
	longestWarning = 200
)

// warn keeps a few of Prometheus's warnings, each once.
func (p *plan) warn(warnings []string) {
	for _, w := range warnings {
		w = excerpt.Line(w, longestWarning)
		if len(p.result.Warnings) < mostWarnings && !slices.Contains(p.result.Warnings, w) {
			p.result.Warnings = append(p.result.Warnings, w)
		}
	}
}
