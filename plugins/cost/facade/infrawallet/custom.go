package infrawallet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// customCost is a cost that no bill has, of one month.
type customCost struct {
	ID           string  `json:"id"`
	Provider     string  `json:"provider"`
	Account      string  `json:"account"`
	Service      string  `json:"service"`
	Category     string  `json:"category"`
	Currency     string  `json:"currency"`
	Amortization string  `json:"amortization_mode"`
	Month        int     `json:"usage_month"` // 202611
	Cost         number  `json:"cost"`
	Tags         tagsMap `json:"tags"`
}

// UnmarshalJSON reads what [number.MarshalJSON] writes, and numbers as texts, as forms send them.
func (n *number) UnmarshalJSON(b []byte) error { return (*money.Amount)(n).UnmarshalJSON(b) }

// tagsMap is an object, which some clients send as a text with JSON in it.
type tagsMap map[string]string

func (t *tagsMap) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		if b = []byte(text); strings.TrimSpace(text) == "" {
			*t = nil
			return nil
		}
	}
	return json.Unmarshal(b, (*map[string]string)(t))
}

func (w *wallet) customs() list[customCost] {
	return list[customCost]{w.Store, "infrawallet/custom-costs"}
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// The ways in which a month's cost gets to its days.
const (
	average  = "average"
	startDay = "start_day"
	asItIs   = "as_it_is" // on the last day
)

// check fills in what has a default and says what is wrong with the rest.
func (c *customCost) check() error {
	if c.Currency = strings.ToUpper(c.Currency); c.Currency == "" {
		c.Currency = "USD"
	}
	if c.Amortization == "" {
		c.Amortization = average
	}
	for _, text := range []struct {
		name, value string
		required    bool
	}{{"provider", c.Provider, true}, {"account", c.Account, true}, {"service", c.Service, false}, {"category", c.Category, false}} {
		if len(text.value) > 200 || text.required && strings.TrimSpace(text.value) == "" {
			return apierror.Inputf("%s: %q must have 1 to 200 bytes", text.name, excerpt.Short(text.value))
		}
	}
	_, err := ledger.ParsePeriod(c.period())
	switch {
	case err != nil || c.Month < 197001:
		return apierror.Inputf("usage_month: %d must be a month such as 202611", c.Month)
	case !currencyForm.MatchString(c.Currency):
		return apierror.Inputf("currency: %q must be a code of three letters, such as USD", excerpt.Short(c.Currency))
	case !slices.Contains([]string{average, startDay, asItIs}, c.Amortization):
		return apierror.Inputf("amortization_mode: %q is none of average, start_day, as_it_is", excerpt.Short(c.Amortization))
	case money.Amount(c.Cost).Abs().Cmp(money.FromUnits(1_000_000_000_000)) > 0:
		return apierror.Inputf("cost: %s cannot be right", money.Amount(c.Cost))
	case len(c.Tags) > 20:
		return apierror.Inputf("tags: there must be at most 20")
	}
	return nil
}

// period is "2026-11".
func (c customCost) period() string {
	text := fmt.Sprintf("%06d", c.Month)
	return text[:len(text)-2] + "-" + text[len(text)-2:]
}

func (w *wallet) listCustomCosts(_ http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if err := w.seesAll(r.Context()); err != nil {
		return nil, err
	}
	items, _, err := w.customs().read(r.Context())
	return done(items), err
}

// seesAll fails for who may not see everybody's charges.
func (w *wallet) seesAll(ctx context.Context) error {
	today := ledger.DayOf(w.Now())
	_, err := w.Costs.Values(ctx, ledger.Currency, today, today+1, 1)
	return err
}

func (w *wallet) createCustomCosts(out http.ResponseWriter, r *http.Request) (map[string]any, error) {
	var sent []customCost
	if err := decode(out, r, "a list of custom costs", &sent); err != nil {
		return nil, err
	}
	for i := range sent {
		sent[i].ID = rand.Text()
		if err := sent[i].check(); err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
	}
	err := w.write(r, "custom-cost.create", map[string]any{"count": len(sent)}, func(ctx context.Context) error {
		return w.customs().change(ctx, func(items []customCost) ([]customCost, error) { return append(items, sent...), nil })
	})
	return map[string]any{"created": len(sent), "status": http.StatusOK}, err
}

func (w *wallet) putCustomCost(out http.ResponseWriter, r *http.Request) (map[string]any, error) {
	var sent customCost
	if err := decode(out, r, "a custom cost", &sent); err != nil {
		return nil, err
	}
	if sent.ID == "" {
		sent.ID = rand.Text()
	}
	if err := sent.check(); err != nil {
		return nil, err
	}
	err := w.write(r, "custom-cost.write", map[string]any{"id": excerpt.Short(sent.ID)}, func(ctx context.Context) error {
		return w.customs().change(ctx, func(items []customCost) ([]customCost, error) {
			return put(items, sent, func(c customCost) bool { return c.ID == sent.ID }), nil
		})
	})
	return map[string]any{"updated": sent, "status": http.StatusOK}, err
}

func (w *wallet) deleteCustomCost(out http.ResponseWriter, r *http.Request) (map[string]any, error) {
	var sent struct{ ID string }
	if err := decode(out, r, "a custom cost with its id", &sent); err != nil {
		return nil, err
	}
	deleted := false
	err := w.write(r, "custom-cost.delete", map[string]any{"id": excerpt.Short(sent.ID)}, func(ctx context.Context) error {
		return w.customs().change(ctx, func(items []customCost) ([]customCost, error) {
			left := slices.DeleteFunc(slices.Clone(items), func(c customCost) bool { return c.ID == sent.ID })
			deleted = len(left) < len(items)
			return left, nil
		})
	})
	return map[string]any{"deleted": deleted, "status": http.StatusOK}, err
}

// customReports are custom costs as lines. They must be in the currency of the charges: a report has no place for two.
func (w *wallet) customReports(ctx context.Context, s span, currency string) ([]report, error) {
	items, _, err := w.customs().read(ctx)
	if err != nil {
		return nil, err
	}
	lines := map[string]*report{}
	var order []string
	for _, c := range items {
		amounts := c.amounts(s)
		if len(amounts) == 0 {
			continue
		}
		if currency == "" {
			currency = c.Currency
		}
		if c.Currency != currency {
			return nil, apierror.Inputf("the custom cost %s of %s is in %s, other costs are in %s: they cannot be added", c.ID, c.period(), c.Currency, currency)
		}
		id := strings.Join([]string{c.Provider, c.Account, c.Service, c.Category}, "-")
		if lines[id] == nil {
			lines[id], order = c.report(id), append(order, id)
		}
		for period, amount := range amounts {
			lines[id].amounts[period] = number(money.Amount(lines[id].amounts[period]).Add(amount))
		}
	}
	var out []report
	for _, id := range order {
		out = append(out, *lines[id])
	}
	return out, nil
}

func (c customCost) report(id string) *report {
	r := &report{
		id: id, provider: c.Provider, kind: custom, account: c.Account, service: c.Service, category: c.Category, project: c.Account,
		tags: map[string]string{}, amounts: map[string]number{},
	}
	maps.Copy(r.tags, c.Tags)
	return r
}

// amounts are the parts of the cost in the span, by period.
func (c customCost) amounts(s span) map[string]money.Amount {
	month := ledger.Period(c.period())
	first, next := month.First(), month.Next()
	out := map[string]money.Amount{}
	add := func(d ledger.Day, amount money.Amount) {
		if d >= s.from && d < s.to && !amount.IsZero() {
			out[s.period(d)] = out[s.period(d)].Add(amount)
		}
	}
	cost := money.Amount(c.Cost)
	switch c.Amortization {
	case average:
		days := money.FromUnits(int64(next - first))
		share := cost.Quo(days)
		for d := first; d < next-1; d++ {
			add(d, share)
		}
		add(next-1, cost.Sub(share.Mul(days.Sub(money.FromUnits(1))))) // so that the days add up to the cost
	case startDay:
		add(first, cost)
	default:
		add(next-1, cost)
	}
	return out
}
