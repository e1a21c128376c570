package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

// widgetArgs are what viewers choose.
type widgetArgs struct {
	Metric   string `json:"metric" enum:"effective,billed,list,contracted" default:"effective" desc:"Which amounts: effective has discounts and commitments spread over the time that they are for"`
	Currency string `json:"currency,omitempty" pattern:"^([A-Z]{3})?$" desc:"Where charges are in several currencies, the one to show"`
}

const (
	// alone are entities whose charges are only their own, so that whoever may read one may see its costs.
	alone = "kind:component,resource,api"
	// together are entities that sum what others cost. Which of those a viewer may read cannot be asked for a widget, so that
	// viewers must hold cost.read.
	together = "kind:group,user,system,domain"

	refresh = 10 * time.Minute
)

// widgets registers what is shown on pages of entities, and on pages of their own. The host has checked that the viewer may
// read the entity, and holds the widget's permission.
func (c *plugin) widgets(p *sdk.Plugin) {
	over := sdk.Widget{
		ID: "cost-over-time", Title: "Cost over time", View: sdk.ViewStacked, For: alone, Args: widgetArgs{}, Refresh: refresh, Data: c.overTime,
		Description: "What each day cost, by service",
	}
	p.Widget(over)
	over.ID, over.For, over.Permission = "cost-over-time-of-parts", together, readAll.Name
	p.Widget(over)
	budget := sdk.Widget{
		ID: "cost-budget", Title: "Budgets", View: sdk.ViewStatus, For: alone, Refresh: refresh, Data: c.budgetWidget,
		Description: "What is spent of each budget this month, and what it will be",
	}
	p.Widget(budget)
	budget.ID, budget.For, budget.Permission = "cost-budget-of-parts", together, readAll.Name
	p.Widget(budget)
	top := sdk.Widget{
		ID: "cost-top-entities", Title: "Most expensive", View: sdk.ViewTable, Args: widgetArgs{}, Refresh: refresh, Data: c.topEntities,
		Permission: readAll.Name, Description: "The entities that cost most, and what is nobody's",
	}
	p.Widget(top)
	top.ID, top.View, top.Title, top.Data = "cost-unallocated", sdk.ViewStat, "Unallocated cost", c.unallocated
	top.Description = "What belongs to no entity, beside the time before"
	p.Widget(top)
}

// asked is the question of a widget: the viewer's range, else the last days that are complete.
func (c *plugin) asked(ctx context.Context, w sdk.WidgetQuery) (ledger.Query, error) {
	a, err := sdk.WidgetArgs[widgetArgs](w)
	if err != nil {
		return ledger.Query{}, err
	}
	q := ledger.Query{Metric: ledger.Metric(a.Metric), Currency: a.Currency}
	if !w.From.IsZero() {
		q.From = ledger.DayOf(w.From)
	}
	if !w.To.IsZero() {
		q.To = ledger.DayOf(w.To.Add(-time.Nanosecond)) + 1
	}
	complete, _, err := c.complete(ctx)
	if err != nil {
		return q, err
	}
	return q, within(&q, complete, ledger.DayOf(c.now()))
}

// viewed is the charges of a widget's entity. The permission of the widget lets those see all parts who get to see any.
func (c *plugin) viewed(ctx context.Context, w sdk.WidgetQuery, q ledger.Query) (scoped, error) {
	if w.Entity == nil {
		return scoped{}, fmt.Errorf("the widget is shown for an entity: %w", sdk.ErrInput)
	}
	return c.scopeOf(ctx, w.Entity.Ref().String(), q, everyPart)
}

const (
	stackedServices = 8
	// longestDaily is how many days are shown one by one; of more, months are.
	longestDaily = 100
)

// overTime has a column for each of the most expensive services, and one for all others.
func (c *plugin) overTime(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	q, err := c.asked(ctx, w)
	if err != nil {
		return nil, err
	}
	q.GroupBy, q.Limit, q.Granularity = []ledger.Dimension{ledger.Service}, stackedServices, ledger.Daily
	if q.To-q.From > longestDaily {
		q.Granularity = ledger.Monthly
	}
	s, err := c.viewed(ctx, w, q)
	if err != nil {
		return nil, err
	}
	res, err := c.costs().Query(ctx, s.Scope, q)
	if err != nil || len(res.Series) == 0 {
		return nil, explained(err)
	}
	when := frame.Times("day").Labeled(c.asOf("Day", res.LastCompleteDay))
	for _, p := range res.Series[0].Points {
		when.Add(p.Day.Time())
	}
	f := frame.New("cost", when)
	for i, found := range res.Series {
		col := frame.Numbers[float64](fmt.Sprintf("service%d", i+1)).Labeled(serviceLabel(found)).In(res.Currency).Round(2)
		for _, p := range found.Points {
			col.Add(p.Amount.Float64())
		}
		f.Columns = append(f.Columns, col)
	}
	return f, nil
}

func serviceLabel(s ledger.Series) string {
	switch name := s.Keys[ledger.Service]; {
	case s.Other:
		return fmt.Sprintf("%d others", s.Groups)
	case name == "":
		return "no service"
	default:
		return strings.ToValidUTF8(clip(name), "")
	}
}

// asOf is a label that says so when the data is older than bills usually are.
func (c *plugin) asOf(label string, complete ledger.Day) string {
	if complete == 0 || ledger.DayOf(c.now())-complete-1 <= oldAfter {
		return label
	}
	return label + ", as of " + complete.String()
}

const topRows = 15

// topEntities lists accounts, and what is nobody's beside them wherever it would stand. A last row sums the others.
func (c *plugin) topEntities(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	now, before, d, err := c.twice(ctx, w)
	if err != nil || len(now.Result.Series) == 0 {
		return nil, explained(err)
	}
	former := map[string]money.Amount{}
	for _, a := range before.Accounts {
		former[a.Ref] = a.Amount
	}
	who := frame.Strings("account").Labeled(c.asOf("Account", now.Result.LastCompleteDay))
	f := frame.New("top", who, frame.EntityRefs("entity").Labeled("Entity"),
		frame.Numbers[float64]("cost").Labeled("Cost").In(now.Currency).Round(2),
		frame.Numbers[float64]("share").Labeled("Share").In("%").Round(1),
		frame.Numbers[float64]("change").Labeled("Change").In(now.Currency).Round(2))
	row := func(name string, ref any, amount, was money.Amount) {
		f.Append(name, ref, amount.Float64(), percent(amount, now.Total), amount.Sub(was).Float64())
	}
	row("Unallocated", nil, now.Unallocated, before.Unallocated)
	var rest, restBefore money.Amount
	for i, a := range now.Accounts {
		if i < topRows {
			row(clip(cmp.Or(d.Title(a.Ref), nameOf(a.Ref))), a.Ref, a.Amount, former[a.Ref])
			continue
		}
		rest, restBefore = rest.Add(a.Amount), restBefore.Add(former[a.Ref])
	}
	if more := len(now.Accounts) - topRows; more > 0 {
		row(fmt.Sprintf("%d others", more), nil, rest, restBefore)
	}
	return f, nil
}

// twice is the allocation of the range, and of as many days before.
func (c *plugin) twice(ctx context.Context, w sdk.WidgetQuery) (now, before insight.Allocation, d *insight.Directory, err error) {
	q, err := c.asked(ctx, w)
	if err != nil {
		return now, before, nil, err
	}
	if d, err = c.engine.Load().catalog.directory(ctx); err != nil {
		return now, before, nil, err
	}
	if now, err = c.costs().Allocate(ctx, d, q); err != nil {
		return now, before, nil, err
	}
	q.From, q.To, q.Currency = q.From-(q.To-q.From), q.From, now.Currency
	before, err = c.costs().Allocate(ctx, d, q)
	return now, before, d, err
}

// nameOf is the name in a ref.
func nameOf(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

func percent(part, whole money.Amount) any {
	if whole.IsZero() {
		return nil
	}
	return 100 * part.Float64() / whole.Float64()
}

// unallocated answers what is nobody's, beside what was before.
func (c *plugin) unallocated(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	now, before, _, err := c.twice(ctx, w)
	if err != nil || len(now.Result.Series) == 0 {
		return nil, explained(err)
	}
	return frame.New("unallocated",
		frame.Numbers("unallocated", now.Unallocated.Float64()).Labeled(c.asOf("Unallocated", now.Result.LastCompleteDay)).In(now.Currency).Round(2),
		frame.Numbers("before", before.Unallocated.Float64()).Labeled("Before").In(now.Currency).Round(2)), nil
}

// budgetWidget lists the budgets of an entity.
func (c *plugin) budgetWidget(ctx context.Context, w sdk.WidgetQuery) (*frame.Frame, error) {
	s, err := c.viewed(ctx, w, ledger.Query{})
	if err != nil {
		return nil, err
	}
	list, err := c.budgetsOf(ctx, s)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	f := frame.New("budgets", frame.Strings("budget"), frame.Strings("status"), frame.Strings("spent"), frame.Strings("expected"))
	for _, b := range list {
		if b.State == nil {
			f.Append(clip(b.Name), "", clip(b.Problem), nil)
			continue
		}
		spent := fmt.Sprintf("%s of %s %s, %.0f %%", b.State.Spent.Round(2), b.Amount.Round(2), b.Currency, 100*b.State.Ratio.Float64())
		f.Append(clip(b.Name), string(drawn[b.State.Status]), spent, expected(b))
	}
	return f, nil
}

// drawn is what the host draws the status of a budget as. One that cannot be told has none.
var drawn = map[insight.BudgetStatus]frame.Status{
	insight.WithinBudget: frame.OK, insight.OverrunForecast: frame.Warn, insight.ThresholdCrossed: frame.Warn, insight.Exceeded: frame.Danger,
}

func expected(b budgetState) any {
	if b.State.Expected == nil {
		return nil
	}
	return fmt.Sprintf("%s %s in %s", b.State.Expected.Round(2), b.Currency, b.State.Month)
}
