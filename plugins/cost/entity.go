package main

import (
	"context"
	"net/http"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

// summary is the costs of an entity at a glance.
type summary struct {
	EntityRef string `json:"entityRef"`
	insight.Summary

	Allocation allocatedBy   `json:"allocation"`
	Budgets    []budgetState `json:"budgets"`
	Meta       meta          `json:"meta"`
}

// allocatedBy says why these charges are the entity's.
type allocatedBy struct {
	// Annotation and Claim are what the entity itself says; "" = nothing.
	Annotation string `json:"annotation,omitempty"`
	Claim      string `json:"claim,omitempty"`
	// Assignments are the operator's dimensions that name entities.
	Assignments []ledger.Dimension `json:"assignments"`
	// Parts are what an entity that consists of others is made up of, the most expensive first; only those that the caller may read.
	Parts []part `json:"parts,omitempty"`
	// Partial: further parts have costs.
	Partial bool `json:"partial,omitempty"`
}

type part struct {
	EntityRef string       `json:"entityRef"`
	Title     string       `json:"title,omitempty"`
	Amount    money.Amount `json:"amount"`
	Share     string       `json:"share,omitempty"`
}

// summary answers the costs of an entity to who may read it.
func (c *plugin) summary(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := parametersOf(r, "metric", "currency", "from", "to")
	if err != nil {
		return nil, err
	}
	q, err := p.common()
	if err != nil {
		return nil, err
	}
	if q.From != 0 || q.To != 0 {
		complete, _, err := c.complete(r.Context())
		if err != nil {
			return nil, err
		}
		if err := within(&q, complete, ledger.DayOf(c.now())); err != nil {
			return nil, err
		}
	}
	named := r.PathValue("kind") + ":" + r.PathValue("namespace") + "/" + r.PathValue("name")
	s, err := c.scope(r.Context(), named, q)
	if err != nil {
		return nil, err
	}
	return c.summarize(r.Context(), s, q)
}

func (c *plugin) summarize(ctx context.Context, s scoped, q ledger.Query) (*summary, error) {
	found, err := c.costs().Summarize(ctx, insight.SummaryQuestion{Scope: s.Scope, Metric: q.Metric, Currency: q.Currency, From: q.From, To: q.To})
	if err != nil {
		return nil, err
	}
	out := &summary{EntityRef: s.ref, Summary: found, Meta: c.meta(found.LastCompleteDay, found.Sources, s.warnings()...)}
	out.Allocation, err = c.allocatedBy(ctx, s, found)
	if err != nil {
		return nil, err
	}
	out.Budgets, err = c.budgetsOf(ctx, s)
	return out, err
}

func (c *plugin) allocatedBy(ctx context.Context, s scoped, found insight.Summary) (allocatedBy, error) {
	out := allocatedBy{Assignments: s.Directory.Assignments(), Partial: s.partial}
	if claim := s.Directory.Claim(s.ref); claim != nil {
		out.Annotation, out.Claim = claim.Annotation, claim.Text
	}
	if len(s.Refs) == 1 {
		return out, nil
	}
	shares, err := c.costs().Shares(ctx, s.Scope, ledger.Query{Metric: found.Metric, Currency: found.Currency, From: found.From, To: found.To})
	for _, a := range shares {
		out.Parts = append(out.Parts, part{a.Ref, s.Directory.Title(a.Ref), a.Amount, insight.Ratio(a.Amount, found.Total)})
	}
	return out, err
}
