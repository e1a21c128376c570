// Package infrawallet answers InfraWallet's frontend: the routes of its backend, over the ledger. It is mounted where that
// backend would be, at /api/infrawallet.
//
//	reports.go    costs; filter.go and period.go read what the frontend asks for; name.go names things as it shows them
//	tags.go       keys and values of tags
//	budgets.go    budgets by provider
//	custom.go     costs that no bill has; metrics.go settings of business metrics; document.go keeps both
//
// There is one wallet, default. What a report cannot hold is refused as a whole: frontends take an answer with errors beside
// the data for none.
package infrawallet

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/facade"
	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Budgets are those of the plugin, as far as the caller of ctx may see and change them.
type Budgets interface {
	Budgets(ctx context.Context) ([]insight.Budget, error)
	// PutBudget makes or replaces a budget; NotAllowedError for who may not.
	PutBudget(ctx context.Context, b insight.Budget) error
}

// Store keeps documents; [sdk.KV] is one.
type Store interface {
	GetJSON(ctx context.Context, key string, into any) (version int64, err error)
	PutJSON(ctx context.Context, key string, value any, options ...sdk.PutOptions) (version int64, err error)
}

// Options are what a wallet consists of. All of them are required.
type Options struct {
	Costs   facade.Costs
	Budgets Budgets
	Store   Store
	// MayImport fails for a caller who may not bring charges in: neither custom costs nor settings of metrics are written.
	MayImport func(ctx context.Context) error
	// Audit records what was written, or tried.
	Audit func(ctx context.Context, event string, failure error, meta map[string]any)
	Now   func() time.Time
}

type wallet struct{ Options }

// New answers requests with paths below "/", such as /reports.
func New(o Options) http.Handler {
	w := &wallet{o}
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(http.ResponseWriter, *http.Request) (map[string]any, error){
		"GET /health":                      w.health,
		"GET /reports":                     w.reports,
		"GET /tag-keys":                    w.tagKeys,
		"GET /tag-values":                  w.tagValues,
		"GET /{wallet}":                    w.describe,
		"GET /{wallet}/budgets":            w.listBudgets,
		"PUT /{wallet}/budgets":            w.putBudget,
		"GET /{wallet}/metrics":            w.metrics,
		"GET /{wallet}/metrics-setting":    w.listMetricSettings,
		"PUT /{wallet}/metrics-setting":    w.putMetricSetting,
		"DELETE /{wallet}/metrics-setting": w.deleteMetricSetting,
		"GET /metric/metric-configs":       w.metricConfigs,
		"GET /custom-costs":                w.listCustomCosts,
		"POST /custom-costs":               w.createCustomCosts,
		"PUT /custom-cost":                 w.putCustomCost,
		"DELETE /custom-cost":              w.deleteCustomCost,
		"GET /fetch_and_save_costs":        w.fetch,
		"POST /{wallet}/delete_cost_items": w.deleteItems,
	} {
		mux.Handle(pattern, answering(answer))
	}
	return mux
}

// answering writes an answer, whose status stands in the body as well.
func answering(answer func(http.ResponseWriter, *http.Request) (map[string]any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value, err := answer(w, r)
		var refused *refusal
		switch {
		case r.Context().Err() != nil: // the caller has gone: nobody is left to be told
		case errors.As(err, &refused):
			sdk.WriteJSON(w, refused.status, map[string]any{"error": refused.message, "status": refused.status})
		case err != nil:
			sdk.WriteError(w, r, err)
		default:
			sdk.WriteJSON(w, http.StatusOK, value)
		}
	})
}

// refusal is an error in the form that the backend itself gives some.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func (w *wallet) health(http.ResponseWriter, *http.Request) (map[string]any, error) {
	return map[string]any{"status": "ok"}, nil
}

// walletID is the id of the only wallet; business metrics refer to it.
const walletID = "00000000-0000-4000-8000-000000000001"

func known(r *http.Request) error {
	if r.PathValue("wallet") != "default" {
		return &refusal{http.StatusNotFound, "Wallet not found"}
	}
	return nil
}

func (w *wallet) describe(_ http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if err := known(r); err != nil {
		return nil, err
	}
	currency, err := w.currency(r.Context())
	if err != nil {
		return nil, err
	}
	return done(map[string]any{"id": walletID, "name": "default", "currency": strings.ToLower(currency), "description": "All costs that Callboard knows."}), nil
}

func done(data any) map[string]any { return map[string]any{"data": data, "status": http.StatusOK} }

// fetch refuses what the backend does on a mere GET, which a link could make somebody's browser do.
func (w *wallet) fetch(out http.ResponseWriter, _ *http.Request) (map[string]any, error) {
	out.Header().Set("Allow", "OPTIONS")
	return nil, &refusal{http.StatusMethodNotAllowed, "a GET must change nothing; charges are brought in by the imports of the plugin cost, at /api/cost/v1/imports"}
}

func (w *wallet) deleteItems(http.ResponseWriter, *http.Request) (map[string]any, error) {
	return nil, &refusal{http.StatusForbidden, "charges are those of bills; a bill is taken away as a whole, at /api/cost/v1/imports"}
}

// write is a change by the caller: allowed, done and recorded.
func (w *wallet) write(r *http.Request, event string, meta map[string]any, do func(context.Context) error) error {
	if err := w.MayImport(r.Context()); err != nil {
		return err
	}
	err := do(r.Context())
	w.Audit(r.Context(), event, err, meta)
	return err
}

// wrongBody says what a body must be.
func wrongBody(what string, err error) error {
	return apierror.Inputf("body: it must be %s as JSON: %v", what, err)
}
