package infrawallet

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// budget is what a provider may cost in a month. It is one of the plugin's budgets, told by its id and filter, so that what
// the plugin does for budgets it does for these.
type budget struct {
	ID       string `json:"id"`
	WalletID string `json:"wallet_id"`
	Provider string `json:"provider"`
	Name     string `json:"name"`
	Amount   number `json:"amount"`
}

// ofWallet begins the ids of the budgets that the wallet shows: infrawallet-aws. The frontend has one for each provider.
const ofWallet = "infrawallet-"

var unusual = regexp.MustCompile(`[^a-z0-9]+`)

func budgetID(provider string) string {
	return ofWallet + strings.Trim(unusual.ReplaceAllString(strings.ToLower(provider), "-"), "-")
}

// filterOf selects a provider's charges, as insight.ParseFilter reads it.
func filterOf(provider string) string {
	var values []string
	for _, name := range billedNames(provider) {
		values = append(values, `"`+strings.ReplaceAll(name, `"`, `""`)+`"`)
	}
	return "provider=" + strings.Join(values, "|")
}

// providerOf is the provider of a filter that filterOf made; false for others, which are not the wallet's.
func providerOf(b insight.Budget) (string, bool) {
	f, err := insight.ParseFilter(b.Filter)
	if !strings.HasPrefix(b.ID, ofWallet) || err != nil || len(f.All) != 1 || len(f.All[0].Values) == 0 {
		return "", false
	}
	provider := providerName(f.All[0].Values[0])
	return provider, filterOf(provider) == b.Filter
}

func (w *wallet) listBudgets(_ http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if err := known(r); err != nil {
		return nil, err
	}
	all, err := w.Budgets.Budgets(r.Context())
	if err != nil {
		return nil, err
	}
	only := r.URL.Query().Get("provider")
	data := []budget{}
	for _, b := range all {
		if provider, ok := providerOf(b); ok && (only == "" || strings.EqualFold(only, provider)) {
			data = append(data, budget{b.ID, walletID, provider, b.Name, number(b.Amount)})
		}
	}
	return done(data), nil
}

// putBudget makes or replaces the budget of a provider, in the currency of the charges.
func (w *wallet) putBudget(out http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if err := known(r); err != nil {
		return nil, err
	}
	var sent struct {
		ID       json.RawMessage // an earlier one; there is one budget for each provider
		Provider string
		Name     string
		Amount   number
	}
	if err := decode(out, r, "a budget", &sent); err != nil {
		return nil, err
	}
	id := budgetID(sent.Provider)
	if id == ofWallet || len(id) > 63 {
		return nil, apierror.Inputf("provider: %q is none", excerpt.Short(sent.Provider))
	}
	currency, err := w.currency(r.Context())
	if err != nil {
		return nil, err
	}
	b := insight.Budget{ID: id, Name: sent.Name, Filter: filterOf(sent.Provider), Currency: currency, Amount: money.Amount(sent.Amount)}
	if err := b.Check(); err != nil {
		return nil, err
	}
	if err := w.Budgets.PutBudget(r.Context(), b); err != nil {
		return nil, err
	}
	return map[string]any{"updated": true, "status": http.StatusOK}, nil
}
