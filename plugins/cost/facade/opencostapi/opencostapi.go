// Package opencostapi answers OpenCost's frontend, GET /allocation/compute: from an OpenCost that is configured, else from the
// ledger, whose tags then say what Kubernetes' names are.
//
//	window.go      the time that is asked about
//	allocation.go  allocations out of charges
//	passthrough.go answers of an OpenCost, kept for a while; upstream.go asks it
//
// OpenCost knows no callers: who may see one allocation may see all. So does this facade, for who may see everybody's costs.
package opencostapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/callboard/callboard/plugins/cost/facade"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Options are what the facade works with.
type Options struct {
	Costs facade.Costs
	// Upstream is the OpenCost that is asked; nil = none, and answers are made of the ledger. It is called for each request,
	// as settings may change.
	Upstream func() Upstream
	// Dimensions say what the names of OpenCost's aggregates are in the ledger, beside and before the usual ones: tags that are
	// called the same, the sub account for cluster and the resource for node.
	Dimensions map[string]ledger.Dimension
	Now        func() time.Time
}

// Upstream is an OpenCost; [At] is one.
type Upstream interface {
	// Get answers the body of GET path?query, which is at most maxBody bytes of JSON. Errors are for callers:
	// ServiceUnavailableError when there is no answer.
	Get(ctx context.Context, path string, query url.Values, maxBody int64) ([]byte, error)
}

type api struct {
	Options

	kept *cache
}

// New answers GET /allocation/compute, also by its other name /allocation, and GET /healthz.
func New(o Options) http.Handler {
	a := &api{Options: o, kept: newCache(o.Now)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for _, path := range []string{"/allocation/compute", "/allocation"} {
		mux.HandleFunc("GET "+path, a.allocations)
	}
	return mux
}

// question is a request for allocations.
type question struct {
	from, to   ledger.Day
	aggregate  []string
	accumulate bool
	raw        url.Values
}

func (a *api) allocations(w http.ResponseWriter, r *http.Request) {
	answer, err := a.answer(r)
	switch {
	case r.Context().Err() != nil: // the caller has gone: nobody is left to be told
	case err != nil:
		sdk.WriteError(w, r, err)
	default:
		sdk.WriteJSON(w, http.StatusOK, answer)
	}
}

func (a *api) answer(r *http.Request) (any, error) {
	q, err := a.parse(facade.Lenient(r.URL.RawQuery))
	if err != nil {
		return nil, err
	}
	if up := a.upstream(); up != nil {
		if err := a.seesAll(r.Context()); err != nil {
			return nil, err
		}
		return a.passThrough(r.Context(), up, q)
	}
	return a.fromLedger(r.Context(), q)
}

func (a *api) upstream() Upstream {
	if a.Upstream == nil {
		return nil
	}
	return a.Upstream()
}

// seesAll fails for who may not see everybody's charges.
func (a *api) seesAll(ctx context.Context) error {
	today := ledger.DayOf(a.Now())
	_, err := a.Costs.Values(ctx, ledger.Currency, today, today+1, 1)
	return err
}

// parse reads what the frontend sends. Other parameters go on to an OpenCost, and mean nothing to the ledger.
func (a *api) parse(values url.Values) (question, error) {
	q := question{raw: values}
	var err error
	if q.from, q.to, err = windowOf(values.Get("window"), a.Now()); err != nil {
		return q, err
	}
	if q.aggregate, err = aggregates(values.Get("aggregate")); err != nil {
		return q, err
	}
	switch values.Get("accumulate") {
	case "true", "1", "all":
		q.accumulate = true
	case "", "false", "0", "none", "day":
	default:
		return q, apierror.Inputf("accumulate: %q is neither true nor false", excerpt.Short(values.Get("accumulate")))
	}
	switch step := values.Get("step"); step {
	case "", "1d", "24h", "day":
	case "window":
		q.accumulate = true
	default:
		if !q.accumulate {
			return q, apierror.Inputf("step: %q is none: charges are kept by day, 1d", excerpt.Short(step))
		}
	}
	return q, nil
}
