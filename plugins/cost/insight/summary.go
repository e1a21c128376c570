package insight

import (
	"context"
	"errors"
	"fmt"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// SummaryQuestion asks for the costs of an entity at a glance.
type SummaryQuestion struct {
	Scope    Scope
	Metric   ledger.Metric
	Currency string
	// From and To; To is exclusive. Both zero = the last 30 complete days.
	From, To ledger.Day
}

// Summary is the costs of an entity at a glance.
type Summary struct {
	Metric   ledger.Metric `json:"metric"`
	Currency string        `json:"currency"`
	From     ledger.Day    `json:"from"`
	To       ledger.Day    `json:"to"`
	Total    money.Amount  `json:"total"`
	// Previous is the sum of as many days before.
	Previous Previous `json:"previous"`
	Change   Change   `json:"change"`
	// Services are the most expensive ones, and all others as one.
	Services []ServiceAmount `json:"services"`
	Days     []DayAmount     `json:"days"`
	Month    Outlook         `json:"month"`

	LastCompleteDay ledger.Day           `json:"-"`
	Sources         []ledger.SourceState `json:"-"`
}

// Previous is the time that a sum is compared with.
type Previous struct {
	From  ledger.Day   `json:"from"`
	To    ledger.Day   `json:"to"`
	Total money.Amount `json:"total"`
}

// Change is the difference to the previous time.
type Change struct {
	Amount money.Amount `json:"amount"`
	// Ratio is the difference as a share of what was before; "" when that was nothing.
	Ratio string `json:"ratio,omitempty"`
}

// ServiceAmount is what a service cost.
type ServiceAmount struct {
	Service string       `json:"service"`
	Other   bool         `json:"other,omitempty"`
	Amount  money.Amount `json:"amount"`
	Share   string       `json:"share,omitempty"`
}

const (
	usualDays   = 30
	topServices = 8
)

// Summarize answers a summary.
func (c *Costs) Summarize(ctx context.Context, q SummaryQuestion) (Summary, error) {
	days, from, to, err := c.days(ctx, q)
	if err != nil {
		return Summary{}, err
	}
	length := to - from
	s := Summary{
		Metric: q.Metric, Currency: days.res.Currency, From: from, To: to, Total: days.sum(from, to),
		Previous:        Previous{from - length, from, days.sum(from-length, from)},
		Month:           days.outlook(c.Now()),
		LastCompleteDay: days.res.LastCompleteDay, Sources: days.res.Sources, Services: []ServiceAmount{}, Days: []DayAmount{},
	}
	s.Change.Amount = s.Total.Sub(s.Previous.Total)
	s.Change.Ratio = Ratio(s.Change.Amount, s.Previous.Total)
	for day := from; day < to; day++ {
		s.Days = append(s.Days, DayAmount{day, days.sum(day, day+1)})
	}
	s.Services, err = c.services(ctx, q, from, to, s.Total)
	return s, err
}

// observed is a timeline and the result that it was made of.
type observed struct {
	timeline

	res ledger.Result
}

// days reads all days that a summary needs in one query, and settles its range, which depends on how far the data reaches.
func (c *Costs) days(ctx context.Context, q SummaryQuestion) (observed, ledger.Day, ledger.Day, error) {
	today := c.today()
	begin, end := today-lookBack, today+1
	if q.To > q.From {
		begin, end = min(begin, q.From-(q.To-q.From)), max(end, q.To)
	}
	res, err := c.Query(ctx, q.Scope, ledger.Query{
		Metric: q.Metric, Currency: q.Currency, From: begin, To: end, Granularity: ledger.Daily,
	})
	if err != nil {
		return observed{}, 0, 0, fmt.Errorf("costs by day: %w", err)
	}
	from, to := q.From, q.To
	if to <= from {
		to = max(begin+2*usualDays, min(res.LastCompleteDay+1, today+1))
		from = to - usualDays
	}
	return observed{timelineOf(res, begin, end), res}, from, to, nil
}

func (c *Costs) services(ctx context.Context, q SummaryQuestion, from, to ledger.Day, total money.Amount) ([]ServiceAmount, error) {
	res, err := c.Query(ctx, q.Scope, ledger.Query{
		Metric: q.Metric, Currency: q.Currency, From: from, To: to, Granularity: ledger.Total,
		GroupBy: []ledger.Dimension{ledger.Service}, Limit: topServices,
	})
	if err != nil {
		return nil, fmt.Errorf("costs by service: %w", err)
	}
	out := []ServiceAmount{}
	for _, s := range res.Series {
		out = append(out, ServiceAmount{s.Keys[ledger.Service], s.Other, s.Total, Ratio(s.Total, total)})
	}
	return out, nil
}

// Outlook is what a month has cost so far and is expected to cost, for a filter or the charges of entities.
func (c *Costs) Outlook(ctx context.Context, s Scope, q ledger.Query) (Outlook, error) {
	today := c.today()
	q.From, q.To, q.Granularity, q.GroupBy = today-lookBack, today+1, ledger.Daily, nil
	res, err := c.Query(ctx, s, q)
	if err != nil {
		return Outlook{}, err
	}
	return timelineOf(res, q.From, q.To).outlook(c.Now()), nil
}

// Foresee is what the days to come are expected to cost, beginning with the first that is not complete; nil and a reason
// when there is too little data to tell.
func (c *Costs) Foresee(ctx context.Context, s Scope, q ledger.Query, days int) (*ForecastAnswer, ledger.Result, string, error) {
	today := c.today()
	q.From, q.To, q.Granularity, q.GroupBy = today-lookBack, today+1, ledger.Daily, nil
	res, err := c.Query(ctx, s, q)
	if err != nil {
		return nil, res, "", err
	}
	t := timelineOf(res, q.From, q.To)
	f, err := t.predict(t.complete+1, t.complete+1+ledger.Day(days))
	if short, ok := errors.AsType[*TooShortError](err); ok {
		return nil, res, short.Error(), nil
	}
	return f, res, "", err
}
