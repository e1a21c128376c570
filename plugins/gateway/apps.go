package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk/apierror"
)

type appBody struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Owner       string `json:"owner"` // "" = the caller
}

// change is the body as the engine takes it. Nobody gives an application to those whom he does not belong to.
func (b appBody) change(a actor) (lifecycle.AppChange, error) {
	owner := fullRef(b.Owner, "group", "default")
	if owner == "" {
		owner = a.ref
	}
	if !a.service && !a.ownsAny([]string{owner}) {
		return lifecycle.AppChange{}, apierror.NotAllowedf("owner: you do not belong to %s", owner)
	}
	return lifecycle.AppChange{Name: b.Name, Description: b.Description, Owner: owner}, nil
}

// listApps answers the caller's applications; with ?all=true, to operators, everybody's.
func (g *plugin) listApps(c *call) (any, error) {
	owners := c.actor.owns
	if all := c.URL.Query().Get("all") == "true"; all || c.actor.service {
		if err := g.operator(c.Context(), c.actor); err != nil {
			return nil, err
		}
		owners = nil
	}
	apps, err := g.hub.Load().engine.Apps(c.Context(), owners...)
	return listed(apps), err
}

func (g *plugin) createApp(c *call) (any, error) {
	var b appBody
	if err := c.decode(&b); err != nil {
		return nil, err
	}
	change, err := b.change(c.actor)
	if err != nil {
		return nil, err
	}
	c.status = http.StatusCreated
	return g.hub.Load().engine.CreateApp(c.Context(), c.actor.ref, change, c.idempotencyKey())
}

func (g *plugin) getApp(c *call) (any, error) {
	return g.app(c.Context(), c.actor, c.PathValue("app"), true)
}

func (g *plugin) changeApp(c *call) (any, error) {
	a, err := g.app(c.Context(), c.actor, c.PathValue("app"), false)
	if err != nil {
		return nil, err
	}
	var b appBody
	if err := c.decode(&b); err != nil {
		return nil, err
	}
	change, err := b.change(c.actor)
	if err != nil {
		return nil, err
	}
	return g.hub.Load().engine.ChangeApp(c.Context(), c.actor.ref, a.ID, change)
}

func (g *plugin) deleteApp(c *call) (any, error) {
	a, err := g.app(c.Context(), c.actor, c.PathValue("app"), false)
	if err != nil {
		return nil, err
	}
	return nil, g.hub.Load().engine.DeleteApp(c.Context(), c.actor.ref, a.ID)
}

func (g *plugin) withdraw(c *call) (any, error) {
	a, err := g.app(c.Context(), c.actor, c.PathValue("app"), false)
	if err != nil {
		return nil, err
	}
	return nil, g.hub.Load().engine.Withdraw(c.Context(), c.actor.ref, a.ID, c.PathValue("gateway"), driver.APIID(c.PathValue("api")))
}

const (
	usualEvents = 100
	mostEvents  = 1000
)

// trail answers what happened to an application, the newest first.
func (g *plugin) trail(c *call) (any, error) {
	a, err := g.app(c.Context(), c.actor, c.PathValue("app"), true)
	if err != nil {
		return nil, err
	}
	limit := usualEvents
	if text := c.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > mostEvents {
			return nil, apierror.Inputf("limit: %q is not between 1 and %d", text, mostEvents)
		}
	}
	events, err := g.hub.Load().engine.Trail(c.Context(), a.ID, limit)
	return listed(events), err
}

// quotaAnswer is what is left of a plan.
type quotaAnswer struct {
	Requests  int64      `json:"requests"`
	Window    string     `json:"window"`
	Used      int64      `json:"used"`
	Remaining int64      `json:"remaining"`
	Resets    *time.Time `json:"resets,omitempty"`
}

func (g *plugin) quota(c *call) (any, error) {
	a, err := g.app(c.Context(), c.actor, c.PathValue("app"), true)
	if err != nil {
		return nil, err
	}
	ref, ok := parseAPIRef(c.URL.Query().Get("api"))
	if !ok {
		return nil, apierror.Inputf("api: %q is not gateway/api", c.URL.Query().Get("api"))
	}
	i, err := g.hub.Load().gateway(ref.gateway)
	if err != nil {
		return nil, err
	}
	q, err := i.driver.Quota(c.Context(), a.ID, ref.api)
	if err != nil {
		return nil, err
	}
	out := quotaAnswer{Requests: q.Limit.Requests, Window: q.Limit.Window.String(), Used: q.Used, Remaining: q.Remaining}
	if !q.Resets.IsZero() {
		out.Resets = &q.Resets
	}
	return out, nil
}
