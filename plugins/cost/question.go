package main

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// parameters are those of a query, by name in lower case. A name that a route does not know is refused: a misspelt filter
// would otherwise answer the costs of something else.
type parameters map[string]string

// Filters have semicolons, which people do not encode; the standard library would leave such a parameter out.
func parametersOf(r *http.Request, known ...string) (parameters, error) {
	query, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B"))
	if err != nil {
		return nil, apierror.Inputf("query: it cannot be decoded: %v", err)
	}
	names := map[string]bool{}
	for _, k := range known {
		names[strings.ToLower(k)] = true
	}
	p := parameters{}
	for name, values := range query {
		lower := strings.ToLower(name)
		_, twice := p[lower]
		switch {
		case !names[lower]:
			slices.Sort(known)
			return nil, apierror.Inputf("there is no parameter %q; there are %s", excerpt.Short(name), strings.Join(known, ", "))
		case twice || len(values) > 1 && lower != "groupby":
			return nil, apierror.Inputf("%s: it is given more than once", name)
		}
		p[lower] = strings.TrimSpace(strings.Join(values, ","))
	}
	return p, nil
}

// wrong says which parameter is wrong, and why.
func wrong(name string, err error) error {
	return apierror.Inputf("%s: %s", name, rpcerror.Message(err))
}

var metricNames = map[string]ledger.Metric{
	"": ledger.Effective, "effective": ledger.Effective, "billed": ledger.Billed, "list": ledger.List, "contracted": ledger.Contracted,
}

func (p parameters) metric() (ledger.Metric, error) {
	m, ok := metricNames[strings.ToLower(p["metric"])]
	if !ok {
		return "", apierror.Inputf("metric: %q is none of effective, billed, list, contracted", excerpt.Short(p["metric"]))
	}
	return m, nil
}

var granularities = map[string]ledger.Granularity{
	"day": ledger.Daily, "daily": ledger.Daily, "month": ledger.Monthly, "monthly": ledger.Monthly, "total": ledger.Total, "": ledger.Daily,
}

func (p parameters) granularity() (ledger.Granularity, error) {
	g, ok := granularities[strings.ToLower(p["granularity"])]
	if !ok {
		return "", apierror.Inputf("granularity: %q is none of day, month, total", excerpt.Short(p["granularity"]))
	}
	return g, nil
}

func (p parameters) currency() (string, error) {
	c := strings.ToUpper(p["currency"])
	if c != "" && (len(c) != 3 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return "", apierror.Inputf("currency: %q must be a code of three letters, such as USD", excerpt.Short(p["currency"]))
	}
	return c, nil
}

// dimensions are what to group by.
func (p parameters) dimensions(name string) ([]ledger.Dimension, error) {
	var out []ledger.Dimension
	for text := range strings.SplitSeq(p[strings.ToLower(name)], ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		d, err := insight.ParseDimension(text)
		if err != nil {
			return nil, wrong(name, err)
		}
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	if len(out) > mostDimensions {
		return nil, apierror.Inputf("%s: there must be at most %d", name, mostDimensions)
	}
	return out, nil
}

const (
	mostDimensions = 5
	usualSeries    = 50
	mostSeries     = 1000
	// mostPoints bounds an answer to some 10 MiB.
	mostPoints = 400_000
	usualRange = 30
)

func (p parameters) filter() (ledger.Filter, error) {
	if p["filter"] == "" {
		return ledger.Filter{}, nil
	}
	f, err := insight.ParseFilter(p["filter"])
	if err != nil {
		return f, wrong("filter", err)
	}
	return f, nil
}

// number reads a number within bounds.
func (p parameters) number(name string, least, most, otherwise int) (int, error) {
	text := p[strings.ToLower(name)]
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, apierror.Inputf("%s: %q must be a number from %d to %d", name, excerpt.Short(text), least, most)
	}
	return n, nil
}

// decimal reads a number that may have a fraction.
func (p parameters) decimal(name string, least, most, otherwise float64) (float64, error) {
	text := p[strings.ToLower(name)]
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= least && n <= most) {
		return 0, apierror.Inputf("%s: %q must be a number from %v to %v", name, excerpt.Short(text), least, most)
	}
	return n, nil
}

// dates are the range of a question, to exclusive; both 0 when neither is given, and 0 for to when only from is.
func (p parameters) dates() (from, to ledger.Day, err error) {
	if from, err = p.day("from"); err != nil {
		return 0, 0, err
	}
	if to, err = p.day("to"); err != nil {
		return 0, 0, err
	}
	if from != 0 && to != 0 && to <= from {
		return 0, 0, apierror.Inputf("to: %s must be after from, %s; it is the day after the last one", to, from)
	}
	return from, to, nil
}

// day reads a day, the first day of a month, or the day (UTC) of a point in time.
func (p parameters) day(name string) (ledger.Day, error) {
	text := p[name]
	if text == "" {
		return 0, nil
	}
	if d, err := ledger.ParseDay(text); err == nil && d != 0 {
		return d, nil
	}
	if m, err := ledger.ParsePeriod(text); err == nil {
		return m.First(), nil
	}
	if t, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+")); err == nil { // a plus that was not encoded
		if d := ledger.DayOf(t); d.Valid() {
			return d, nil
		}
	}
	return 0, apierror.Inputf("%s: %q must be a day such as 2026-11-22, a month such as 2026-11, or a time such as 2026-11-22T08:00:00Z", name, excerpt.Short(text))
}

// common reads what most questions have.
func (p parameters) common() (q ledger.Query, err error) {
	if q.Metric, err = p.metric(); err != nil {
		return q, err
	}
	if q.Currency, err = p.currency(); err != nil {
		return q, err
	}
	if q.From, q.To, err = p.dates(); err != nil {
		return q, err
	}
	q.Filter, err = p.filter()
	return q, err
}

// grouped reads the rest of what a question for series has.
func (p parameters) grouped() (ledger.Query, error) {
	q, err := p.common()
	if err != nil {
		return q, err
	}
	if q.Granularity, err = p.granularity(); err != nil {
		return q, err
	}
	if q.GroupBy, err = p.dimensions("groupBy"); err != nil {
		return q, err
	}
	q.Limit, err = p.number("limit", 1, mostSeries, usualSeries)
	return q, err
}

// within settles the range of a question that leaves it open: the last days that are complete.
func within(q *ledger.Query, complete, today ledger.Day) error {
	if q.To == 0 {
		q.To = today + 1
		if complete > 0 && complete < today && q.From <= complete {
			q.To = complete + 1
		}
	}
	if q.From == 0 {
		q.From = q.To - usualRange
	}
	if q.To <= q.From {
		return apierror.Inputf("from: %s must not lie in the future", q.From)
	}
	points := int(q.To-q.From) * max(1, q.Limit)
	if q.Granularity == ledger.Daily && points > mostPoints {
		return apierror.Inputf("limit: %d series of %d days are too much for an answer; ask for months, fewer days or fewer series", q.Limit, q.To-q.From)
	}
	return nil
}

func clip(s string) string { return excerpt.Short(s) }
