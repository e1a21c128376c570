package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
)

// gatewayAnswer is one gateway, and what it can do.
type gatewayAnswer struct {
	Name         string               `json:"name"`
	Type         string               `json:"type"`
	Title        string               `json:"title"`
	Environment  string               `json:"environment,omitempty"`
	Status       string               `json:"status"` // "ok", "degraded" or "unknown"
	Message      string               `json:"message,omitempty"`
	Capabilities *driver.Capabilities `json:"capabilities,omitempty"` // absent = the gateway cannot be asked
}

func (g *plugin) listGateways(c *call) (any, error) {
	h := g.hub.Load()
	var all []gatewayAnswer
	for _, name := range h.order {
		i := h.gateways[name]
		a := gatewayAnswer{Name: name, Type: i.Type, Title: kinds[i.Type].title, Environment: i.Environment}
		can, err := i.driver.Capabilities(c.Context())
		if c.Context().Err() == nil {
			i.state.note(err)
		}
		if err == nil {
			a.Capabilities = &can
		}
		a.Status, a.Message = i.state.summary()
		all = append(all, a)
	}
	return listed(all), nil
}

// apiAnswer is an API of the catalog at a gateway.
type apiAnswer struct {
	ID      string       `json:"id"` // gateway/api
	Gateway string       `json:"gateway"`
	API     driver.APIID `json:"api"`
	Name    string       `json:"name"`
	Title   string       `json:"title"` // for choices
	Entity  string       `json:"entity"`
	Owners  []string     `json:"owners"`
	BaseURL string       `json:"baseUrl,omitempty"`
	Plans   []planAnswer `json:"plans"`
	// Served: the gateway lists it. Problem says why nothing more is known.
	Served  bool       `json:"served"`
	Problem string     `json:"problem,omitempty"`
	AsOf    *time.Time `json:"asOf,omitempty"` // when the gateway cannot be asked: of when the plans are
}

type planAnswer struct {
	ID          driver.PlanID `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Limits      []limitAnswer `json:"limits"`
	Approval    bool          `json:"approval,omitempty"`
}

type limitAnswer struct {
	Requests int64  `json:"requests"`
	Window   string `json:"window"`
}

func planAnswers(plans []driver.Plan) []planAnswer {
	out := []planAnswer{}
	for _, p := range plans {
		a := planAnswer{ID: p.ID, Name: p.Name, Description: p.Description, Limits: []limitAnswer{}, Approval: p.Approval}
		for _, l := range p.Limits {
			a.Limits = append(a.Limits, limitAnswer{l.Requests, l.Window.String()})
		}
		out = append(out, a)
	}
	return out
}

// describe says what is known of an API.
func (h *hub) describe(ctx context.Context, ref apiRef, e sdk.Entity) apiAnswer {
	a := apiAnswer{
		ID: ref.String(), Gateway: ref.gateway, API: ref.api, Name: string(ref.api), Entity: e.Ref().String(), Owners: ownersOf(e), Plans: []planAnswer{},
	}
	title, _ := e.Metadata()["title"].(string)
	a.Title = cmp.Or(title, e.Name()) + " (" + ref.gateway + ")"
	i, err := h.gateway(ref.gateway)
	if err != nil {
		a.Problem = message(err)
		return a
	}
	l, err := i.list(ctx)
	if err != nil {
		a.Problem = message(err)
		return a
	}
	found, served := l.api(ref.api)
	a.Name, a.BaseURL, a.Served, a.Plans = found.Name, found.BaseURL, served, planAnswers(l.plansOf(found))
	if l.stale != nil {
		a.AsOf, a.Problem = &l.at, message(l.stale)
	}
	return a
}

// listAPIs answers the APIs that entities name which the caller may read.
func (g *plugin) listAPIs(c *call) (any, error) {
	h := g.hub.Load()
	var all []apiAnswer
	for e, err := range c.actor.read.Query(c.Context(), sdk.Query{Filters: h.filters(nil)}) {
		if err != nil {
			return nil, err
		}
		for _, ref := range h.apisOf(e) {
			if _, err := h.gateway(ref.gateway); err == nil {
				all = append(all, h.describe(c.Context(), ref, e))
			}
		}
	}
	slices.SortFunc(all, func(a, b apiAnswer) int { return cmp.Or(cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID)) })
	return listed(all), nil
}

// entity answers the entity that a route names, if the caller may read it.
func (g *plugin) entity(c *call) (sdk.Entity, error) {
	return c.actor.read.Entity(c.Context(), c.PathValue("kind")+":"+c.PathValue("namespace")+"/"+c.PathValue("name"))
}

func (g *plugin) entityAPIs(c *call) (any, error) {
	e, err := g.entity(c)
	if err != nil {
		return nil, err
	}
	h := g.hub.Load()
	refs, err := h.annotated(e)
	if err != nil {
		return nil, err
	}
	var all []apiAnswer
	for _, ref := range refs {
		all = append(all, h.describe(c.Context(), ref, e))
	}
	return listed(all), nil
}

// offeredPlan is a plan of a gateway, for choices.
type offeredPlan struct {
	planAnswer

	Title    string   `json:"title"`
	Gateways []string `json:"gateways"`
}

// listPlans answers the plans of all gateways, each id once: choices of a form do not depend on each other.
func (g *plugin) listPlans(c *call) (any, error) {
	h := g.hub.Load()
	var all []offeredPlan
	for _, name := range h.order {
		l, err := h.gateways[name].list(c.Context())
		if err != nil {
			continue // its health tells; the other gateways' plans can be chosen
		}
		for _, p := range planAnswers(l.plans) {
			n := slices.IndexFunc(all, func(o offeredPlan) bool { return o.ID == p.ID })
			if n < 0 {
				all = append(all, offeredPlan{planAnswer: p, Title: cmp.Or(p.Name, string(p.ID))})
				n = len(all) - 1
			}
			all[n].Gateways = append(all[n].Gateways, name)
		}
	}
	return listed(all), c.Context().Err()
}

func (g *plugin) drift(c *call) (any, error) {
	if err := g.operator(c.Context(), c.actor); err != nil {
		return nil, err
	}
	return g.hub.Load().engine.Drift(c.Context(), c.PathValue("gateway"))
}

func (g *plugin) repair(c *call) (any, error) {
	if err := g.operator(c.Context(), c.actor); err != nil {
		return nil, err
	}
	var b struct {
		Repair string `json:"repair"`
	}
	if err := c.decode(&b); err != nil {
		return nil, err
	}
	return nil, g.hub.Load().engine.Repair(c.Context(), c.actor.ref, c.PathValue("gateway"), c.PathValue("id"), lifecycle.Repair(b.Repair))
}
