package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/sdk/rpcerror"
)

// budgetState is a budget and how it is doing. State is nil, and Problem says why, when that cannot be told.
type budgetState struct {
	insight.Budget

	Version int64                `json:"version"`
	State   *insight.BudgetState `json:"state"`
	// Outlook is what the state was judged by.
	Outlook *insight.Outlook `json:"outlook,omitempty"`
	// Partial: parts of the entity have costs which the caller may not read, and which are not counted.
	Partial bool   `json:"partial,omitempty"`
	Problem string `json:"problem,omitempty"`
}

const (
	budgetKeys = "budget/"
	// mostBudgets keeps lists and the hourly look at all of them short.
	mostBudgets   = 1000
	longestBudget = 64 << 10
)

// stored is a budget with the version that is there.
type stored struct {
	insight.Budget

	version int64
}

func (c *plugin) budget(ctx context.Context, id string) (stored, error) {
	var s stored
	version, err := c.host.KV.GetJSON(ctx, budgetKeys+id, &s.Budget)
	if errors.Is(err, sdk.ErrNotFound) || errors.Is(err, sdk.ErrInput) { // an id that no budget can have
		return s, apierror.NotFoundf("there is no budget %q", excerpt.Short(id))
	}
	s.version = version
	return s, err
}

// everyBudget reads all budgets, by id.
func (c *plugin) everyBudget(ctx context.Context) ([]stored, error) {
	var out []stored
	for key, err := range c.host.KV.Keys(ctx, budgetKeys) {
		if err != nil {
			return nil, fmt.Errorf("list budgets: %w", err)
		}
		s, err := c.budget(ctx, strings.TrimPrefix(key, budgetKeys))
		switch {
		case errors.Is(err, sdk.ErrNotFound): // removed meanwhile
		case err != nil:
			return nil, err
		default:
			out = append(out, s)
		}
	}
	return out, nil
}

// mayRead reports whether the caller may know of a budget: as of the costs that it is about.
func (c *plugin) mayRead(ctx context.Context, b insight.Budget) error {
	if b.EntityRef == "" {
		return c.need(ctx, readAll, "the budget is for more than an entity")
	}
	_, err := c.entity(ctx, b.EntityRef)
	if !errors.Is(err, sdk.ErrNotFound) {
		return err
	}
	d, directoryErr := c.engine.Load().catalog.directory(ctx)
	if directoryErr != nil || d.Has(b.EntityRef) {
		return err
	}
	return c.need(ctx, readAll, "the entity of the budget is gone") // somebody must be able to clean up
}

// listBudgets answers the budgets that the caller may know of, with their states.
func (c *plugin) listBudgets(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "entity")
	if err != nil {
		return nil, err
	}
	all, err := c.visibleBudgets(r.Context(), p["entity"])
	if err != nil {
		return nil, err
	}
	may, err := c.keeper(r.Context())
	if err != nil {
		return nil, err
	}
	out := []budgetState{}
	for _, b := range all {
		out = append(out, c.judge(r.Context(), b, may))
	}
	return map[string]any{"budgets": out}, nil
}

// visibleBudgets are those that the caller may know of; with an entity only those of it.
func (c *plugin) visibleBudgets(ctx context.Context, entity string) ([]stored, error) {
	list, err := c.everyBudget(ctx)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(b stored) bool { return entity != "" && !strings.EqualFold(entity, b.EntityRef) })
	all, err := c.may(ctx, readAll)
	if err != nil {
		return nil, err
	}
	refs := []string{}
	for _, b := range list {
		if b.EntityRef != "" && !slices.Contains(refs, b.EntityRef) {
			refs = append(refs, b.EntityRef)
		}
	}
	kept, err := c.readable(ctx, refs)
	if err != nil {
		return nil, err
	}
	d, err := c.engine.Load().catalog.directory(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(b stored) bool {
		gone := !d.Has(b.EntityRef) // those of everything are of no entity
		return !slices.Contains(kept, b.EntityRef) && (!gone || !all)
	}), nil
}

func (c *plugin) getBudget(w http.ResponseWriter, r *http.Request) (any, error) {
	b, err := c.budget(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if err := c.mayRead(r.Context(), b.Budget); err != nil {
		return nil, err
	}
	return c.shown(w, r, b)
}

// shown answers a budget as its reader may see it.
func (c *plugin) shown(w http.ResponseWriter, r *http.Request, b stored) (any, error) {
	may, err := c.keeper(r.Context())
	if err != nil {
		return nil, err
	}
	w.Header().Set("ETag", etag(b.version))
	return c.judge(r.Context(), b, may), nil
}

// putBudget makes or replaces a budget. With If-Match it replaces that version and no other, with If-None-Match: * none.
func (c *plugin) putBudget(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := c.need(r.Context(), writeBudgets, "budgets are changed by who holds it"); err != nil {
		return nil, err
	}
	b, err := c.offered(w, r)
	if err != nil {
		return nil, err
	}
	s, err := c.writeBudget(r.Context(), b, r.Header.Get("If-Match"), r.Header.Get("If-None-Match"))
	if err != nil {
		return nil, err
	}
	return c.shown(w, r, s)
}

// writeBudget makes or replaces a budget for who may. match and none are those headers of a request.
func (c *plugin) writeBudget(ctx context.Context, b insight.Budget, match, none string) (stored, error) {
	if err := c.need(ctx, writeBudgets, "budgets are changed by who holds it"); err != nil {
		return stored{}, err
	}
	if err := c.checkBudget(ctx, &b); err != nil {
		return stored{}, err
	}
	version, err := c.writable(ctx, b, match, none)
	if err != nil {
		return stored{}, err
	}
	b.UpdatedBy, b.UpdatedAt = sdk.Principal(ctx).Subject, c.now().UTC()
	version, err = c.host.KV.PutJSON(ctx, budgetKeys+b.ID, b, sdk.PutOptions{IfVersion: &version})
	c.audit(ctx, "budget.write", err, map[string]any{
		"budget": b.ID, "entityRef": b.EntityRef, "filter": b.Filter, "amount": b.Amount.String(), "currency": b.Currency,
	})
	if errors.Is(err, sdk.ErrConflict) {
		err = apierror.Conflictf("budget %s was changed meanwhile; read it again", b.ID)
	}
	return stored{b, version}, err
}

// offered reads the budget of a request.
func (c *plugin) offered(w http.ResponseWriter, r *http.Request) (insight.Budget, error) {
	var b insight.Budget
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, longestBudget))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return b, apierror.Inputf("body: it must be a budget as JSON of at most %d bytes: %v", longestBudget, err)
	}
	if id := r.PathValue("id"); b.ID != "" && b.ID != id {
		return b, apierror.Inputf("id: %q differs from that of the path, %q", excerpt.Short(b.ID), excerpt.Short(id))
	}
	b.ID = r.PathValue("id")
	return b, nil
}

// checkBudget checks all that a budget says, and fills in what has a default.
func (c *plugin) checkBudget(ctx context.Context, b *insight.Budget) error {
	b.EntityRef = strings.ToLower(b.EntityRef)
	if err := b.Check(); err != nil {
		return err
	}
	m, err := (parameters{"metric": b.Metric}).metric()
	if err != nil {
		return err
	}
	b.Metric = string(m)
	if b.Filter != "" {
		if _, err := insight.ParseFilter(b.Filter); err != nil {
			return wrong("filter", err)
		}
	}
	if b.EntityRef == "" {
		return nil
	}
	_, err = c.entity(ctx, b.EntityRef)
	return err
}

// writable is the version that a budget may be written over.
func (c *plugin) writable(ctx context.Context, b insight.Budget, match, none string) (int64, error) {
	former, err := c.budget(ctx, b.ID)
	if err != nil && !errors.Is(err, sdk.ErrNotFound) {
		return 0, err
	}
	if err == nil {
		// Whoever may not know of a budget must not replace it either.
		if err := c.mayRead(ctx, former.Budget); err != nil {
			return 0, apierror.Conflictf("id: %q is taken by a budget that you may not see", b.ID)
		}
	} else if err := c.room(ctx); err != nil {
		return 0, err
	}
	switch {
	case match != "" && match != "*" && match != etag(former.version), match == "*" && former.version == 0:
		return 0, apierror.Conflictf("budget %s has version %s, not %s; read it again", b.ID, etag(former.version), excerpt.Short(match))
	case none == "*" && former.version != 0:
		return 0, apierror.Conflictf("budget %s is there already", b.ID)
	}
	return former.version, nil
}

func (c *plugin) room(ctx context.Context) error {
	n := 0
	for _, err := range c.host.KV.Keys(ctx, budgetKeys) {
		if err != nil {
			return err
		}
		n++
	}
	if n >= mostBudgets {
		return apierror.Inputf("there are %d budgets already, and no more can be made", n)
	}
	return nil
}

func (c *plugin) deleteBudget(w http.ResponseWriter, r *http.Request) {
	err := c.need(r.Context(), writeBudgets, "budgets are removed by who holds it")
	var b stored
	if err == nil {
		b, err = c.budget(r.Context(), r.PathValue("id"))
	}
	if err == nil {
		err = c.mayRead(r.Context(), b.Budget)
	}
	if match := r.Header.Get("If-Match"); err == nil && match != "" && match != "*" && match != etag(b.version) {
		err = apierror.Conflictf("budget %s has version %s, not %s; read it again", b.ID, etag(b.version), excerpt.Short(match))
	}
	if err == nil {
		err = errors.Join(c.host.KV.Delete(r.Context(), budgetKeys+b.ID), c.forgetTold(r.Context(), b.ID))
		c.audit(r.Context(), "budget.delete", err, map[string]any{"budget": b.ID, "entityRef": b.EntityRef, "filter": b.Filter})
	}
	if err != nil {
		sdk.WriteError(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// budgetsOf are the budgets of an entity, judged by the charges that the caller may see.
func (c *plugin) budgetsOf(ctx context.Context, s scoped) ([]budgetState, error) {
	all, err := c.everyBudget(ctx)
	if err != nil {
		return nil, err
	}
	out := []budgetState{}
	for _, b := range all {
		if b.EntityRef == s.ref {
			out = append(out, c.judgeIn(ctx, b, s))
		}
	}
	return out, nil
}

// judge tells how a budget is doing. may keeps the parts of its entity that count.
func (c *plugin) judge(ctx context.Context, b stored, may keeper) budgetState {
	if b.EntityRef == "" {
		return c.judgeIn(ctx, b, scoped{})
	}
	s, err := c.scopeOf(ctx, b.EntityRef, ledger.Query{Metric: ledger.Metric(b.Metric)}, may)
	if err != nil {
		return c.unjudged(ctx, b, err)
	}
	return c.judgeIn(ctx, b, s)
}

// unjudged is a budget whose state cannot be told; the reason goes beside it, so that one budget does not hide the others.
func (c *plugin) unjudged(ctx context.Context, b stored, err error) budgetState {
	slog.WarnContext(ctx, "a budget cannot be judged", "budget", b.ID, "error", err)
	return budgetState{Budget: b.Budget, Version: b.version, Problem: rpcerror.Message(explained(err))}
}

func (c *plugin) judgeIn(ctx context.Context, b stored, s scoped) budgetState {
	q := ledger.Query{Metric: ledger.Metric(b.Metric), Currency: b.Currency}
	if b.Filter != "" {
		f, err := insight.ParseFilter(b.Filter)
		if err != nil {
			return c.unjudged(ctx, b, wrong("filter", err))
		}
		q.Filter = f
	}
	o, err := c.costs().Outlook(ctx, s.Scope, q)
	if err != nil {
		return c.unjudged(ctx, b, err)
	}
	out := budgetState{Budget: b.Budget, Version: b.version, Partial: s.partial}
	state := b.StateOf(o.Month, o.Spent, nil)
	if o.Forecast != nil {
		state = b.StateOf(o.Month, o.Spent, &o.Forecast.Expected)
		o.Forecast.Days = nil
	}
	out.State, out.Outlook = &state, &o
	return out
}
