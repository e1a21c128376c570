package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

func (c *plugin) routes(p *sdk.Plugin) {
	p.HandleFunc("GET /v1/query", answering(c.query))
	p.HandleFunc("GET /v1/dimensions", answering(c.dimensions))
	p.HandleFunc("GET /v1/entities/{kind}/{namespace}/{name}/summary", answering(c.summary))
	p.HandleFunc("GET /v1/allocation", answering(c.allocation))
	p.HandleFunc("GET /v1/anomalies", answering(c.anomalies))
	p.HandleFunc("GET /v1/forecast", answering(c.forecast))
	p.HandleFunc("GET /v1/carbon", answering(c.carbon))
	p.HandleFunc("GET /v1/budgets", answering(c.listBudgets))
	p.HandleFunc("GET /v1/budgets/{id}", answering(c.getBudget))
	p.HandleFunc("PUT /v1/budgets/{id}", answering(c.putBudget))
	p.HandleFunc("DELETE /v1/budgets/{id}", c.deleteBudget)
	p.HandleFunc("GET /health", answering(c.report))
}

// answering makes a handler of what answers a value or an error.
func answering(answer func(http.ResponseWriter, *http.Request) (any, error)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := answer(w, r)
		if r.Context().Err() != nil {
			return // the caller has gone: nobody is left to be told
		}
		if err != nil {
			sdk.WriteError(w, r, explained(err))
			return
		}
		sdk.WriteJSON(w, http.StatusOK, value)
	}
}

// explained says what to do about charges that cannot be added.
func explained(err error) error {
	if mixed, ok := errors.AsType[*ledger.MixedCurrenciesError](err); ok {
		return apierror.Inputf("currency: the charges are in %s, which cannot be added; choose one by the parameter currency=%s", list(mixed.Currencies), mixed.Currencies[0])
	}
	return err
}

// list writes "EUR, GBP and USD".
func list(texts []string) string {
	last := len(texts) - 1
	if last < 1 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}
