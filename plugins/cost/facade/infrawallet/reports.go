package infrawallet

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/facade"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// number is an amount as the frontend computes with it: a number, not a text.
type number money.Amount

// MarshalJSON implements [encoding/json.Marshaler].
func (n number) MarshalJSON() ([]byte, error) { return money.Amount(n).MarshalText() }

// most is how many lines a report has. What is smaller is one line more.
const most = 5000

// question is a request for reports.
type question struct {
	span

	filters filters
	tags    []tag
	entity  string // namespace/name; "" = everybody's costs
}

func questionOf(r *http.Request) (q question, err error) {
	query := facade.Lenient(r.URL.RawQuery)
	if q.span, err = spanOf(query); err != nil {
		return q, err
	}
	if q.filters, err = parseFilters(query.Get("filters")); err != nil {
		return q, err
	}
	if q.tags, err = parseTags(query.Get("tags")); err != nil {
		return q, err
	}
	if q.entity = query.Get("entityName"); q.entity == "undefined" { // a template literal of the frontend
		q.entity = ""
	}
	return q, nil
}

// reports answers what charges add up to, by day or by month. Amounts are effective costs of all categories, taxes included.
func (w *wallet) reports(_ http.ResponseWriter, r *http.Request) (map[string]any, error) {
	q, err := questionOf(r)
	if err != nil {
		return nil, err
	}
	found, err := w.ask(r.Context(), q)
	if err != nil {
		return nil, err
	}
	list := found.reports(q.span)
	if q.entity == "" && len(q.tags) == 0 {
		added, err := w.customReports(r.Context(), q.span, found.Currency)
		if err != nil {
			return nil, err
		}
		list = append(list, added...)
	}
	data := []map[string]any{}
	for _, one := range list {
		if q.filters.keep(one) {
			data = append(data, one.document())
		}
	}
	return map[string]any{"data": data, "errors": []any{}, "status": http.StatusOK}, nil
}

// entityKinds are tried in this order: the frontend names an entity without its kind.
var entityKinds = []string{"component", "system", "resource", "api", "domain", "group"}

type result struct{ ledger.Result }

// ask sums charges of everybody, or of an entity.
func (w *wallet) ask(ctx context.Context, q question) (result, error) {
	sums := ledger.Query{From: q.from, To: q.to, Granularity: q.by, GroupBy: slices.Clone(groups), Limit: most}
	q.filters.narrow(&sums)
	narrowByTags(&sums, q.tags)
	if q.entity == "" {
		found, err := w.Costs.Query(ctx, "", sums)
		return result{found}, err
	}
	if strings.Count(q.entity, "/") != 1 {
		return result{}, apierror.Inputf("entityName: %q must be namespace/name", excerpt.Short(q.entity))
	}
	for _, kind := range entityKinds {
		found, err := w.Costs.Query(ctx, kind+":"+q.entity, sums)
		if !errors.Is(err, sdk.ErrNotFound) {
			return result{found}, err
		}
	}
	return result{}, apierror.NotFoundf("Entity %s not found", excerpt.Short(q.entity))
}

// reports are the series as lines; those that cost nothing are left out.
func (found result) reports(s span) []report {
	var out []report
	for _, series := range found.Series {
		r := reportOf(series.Keys)
		if series.Other {
			r = report{id: "other", provider: "Other", kind: integration, account: "Other", service: "Other", category: "Other", project: "Other", amounts: map[string]number{}}
		}
		for _, p := range series.Points {
			if !p.Amount.IsZero() {
				r.amounts[s.period(p.Day)] = number(p.Amount)
			}
		}
		if len(r.amounts) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// currency is that of the charges of the last months, USD when there are none.
func (w *wallet) currency(ctx context.Context) (string, error) {
	today := ledger.DayOf(w.Now())
	found, err := w.Costs.Query(ctx, "", ledger.Query{From: today - 92, To: today + 1, Granularity: ledger.Total})
	if errors.Is(err, sdk.ErrNotAllowed) {
		return "USD", nil // the wallet has a name for everybody, whoever may see what is in it
	}
	if err != nil {
		return "", err
	}
	if found.Currency == "" {
		return "USD", nil
	}
	return found.Currency, nil
}
