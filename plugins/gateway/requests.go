package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// accessBody asks for access.
type accessBody struct {
	App            string `json:"app"`
	API            string `json:"api"` // gateway/api, or the ref of an entity
	Plan           string `json:"plan"`
	TTLDays        int    `json:"ttlDays"`
	Reason         string `json:"reason"`
	OverrideReason string `json:"overrideReason"`
}

func (g *plugin) requestAccess(c *call) (any, error) {
	var b accessBody
	if err := c.decode(&b); err != nil {
		return nil, err
	}
	c.status = http.StatusCreated
	return g.access(c.Context(), c.actor, b, c.idempotencyKey())
}

// access asks on behalf of an actor, who must own the application and see the API.
func (g *plugin) access(ctx context.Context, a actor, b accessBody, key string) (lifecycle.Request, error) {
	h := g.hub.Load()
	app, err := g.app(ctx, a, b.App, false)
	if err != nil {
		return lifecycle.Request{}, err
	}
	ref, e, err := h.resolve(ctx, a.read, b.API)
	if err != nil {
		return lifecycle.Request{}, err
	}
	i, err := h.gateway(ref.gateway)
	if err != nil {
		return lifecycle.Request{}, err
	}
	if err := i.offers(ctx, ref.api, driver.PlanID(b.Plan)); err != nil {
		return lifecycle.Request{}, err
	}
	owners := ownersOf(e)
	r, err := h.engine.RequestAccess(ctx, lifecycle.AccessRequest{
		App: app.ID, Gateway: ref.gateway, Environment: i.Environment, API: ref.api, Plan: driver.PlanID(b.Plan), Entity: e,
		Approvers: owners, TTL: lifecycle.Days(b.TTLDays), Reason: b.Reason, Override: b.OverrideReason, By: a.ref, Groups: a.owns,
		AutoApprove: i.AutoApprove || a.ownsAny(owners), IdempotencyKey: key,
	})
	if r.ID != "" && errors.Is(err, sdk.ErrServiceUnavailable) {
		return r, nil // it is approved, and says why it is not granted yet
	}
	return r, err
}

// offers holds a request to what the gateway serves, as far as it tells.
func (i *instance) offers(ctx context.Context, api driver.APIID, plan driver.PlanID) error {
	l, err := i.list(ctx)
	if err != nil {
		return err
	}
	a, served := l.api(api)
	if !served && len(l.apis) > 0 && len(l.apis) < maxListed {
		return apierror.NotFoundf("api: gateway %s serves no %q", i.Name, api)
	}
	plans := l.plansOf(a)
	if len(plans) == 0 && plan == "" {
		return nil
	}
	for _, p := range plans {
		if p.ID == plan {
			return nil
		}
	}
	var names []string
	for _, p := range plans {
		names = append(names, string(p.ID))
	}
	return apierror.Inputf("plan: %q is none of those that %s/%s can be had with: %s", plan, i.Name, api, strings.Join(names, ", "))
}

// requestAnswer is a request, and whether the caller may decide it.
type requestAnswer struct {
	lifecycle.Request

	MayDecide bool `json:"mayDecide"`
}

// listRequests answers what waits for the caller's decision, or with ?app= the requests of an application.
func (g *plugin) listRequests(c *call) (any, error) {
	ctx, engine := c.Context(), g.hub.Load().engine
	var found []lifecycle.Request
	app := c.URL.Query().Get("app")
	if app != "" {
		a, err := g.app(ctx, c.actor, app, true)
		if err != nil {
			return nil, err
		}
		if found, err = engine.Requests(ctx, a.ID); err != nil {
			return nil, err
		}
	} else {
		var err error
		if found, err = engine.OpenRequests(ctx); err != nil {
			return nil, err
		}
	}
	var answers []requestAnswer
	for _, r := range found {
		may, err := g.mayDecide(ctx, c.actor, r)
		if err != nil {
			return nil, err
		}
		if app != "" || may && r.Status == lifecycle.Pending {
			answers = append(answers, requestAnswer{r, may && r.Status == lifecycle.Pending})
		}
	}
	return listed(answers), nil
}

// visible answers a request to who may decide it, or owns its application.
func (g *plugin) visible(c *call) (requestAnswer, error) {
	r, err := g.hub.Load().engine.Request(c.Context(), c.PathValue("id"))
	if err != nil {
		return requestAnswer{}, err
	}
	may, err := g.mayDecide(c.Context(), c.actor, r)
	if err != nil {
		return requestAnswer{}, err
	}
	if !may {
		if _, err := g.app(c.Context(), c.actor, string(r.App), true); isNotFound(err) {
			return requestAnswer{}, apierror.NotFoundf("there is no access request %q", r.ID)
		} else if err != nil {
			return requestAnswer{}, err
		}
	}
	return requestAnswer{r, may && r.Status == lifecycle.Pending}, nil
}

func (g *plugin) getRequest(c *call) (any, error) { return g.visible(c) }

func (g *plugin) approve(c *call) (any, error) { return g.decide(c, true) }
func (g *plugin) reject(c *call) (any, error)  { return g.decide(c, false) }

func (g *plugin) decide(c *call, approve bool) (any, error) {
	r, err := g.visible(c)
	if err != nil {
		return nil, err
	}
	if may, err := g.mayDecide(c.Context(), c.actor, r.Request); err != nil || !may {
		if err == nil {
			err = apierror.NotAllowedf("you may not decide access request %s: its approvers are %s", r.ID, strings.Join(r.Approvers, ", "))
		}
		return nil, err
	}
	var b struct {
		Comment string `json:"comment"`
	}
	if err := c.decodeOptional(&b); err != nil {
		return nil, err
	}
	decided, err := g.hub.Load().engine.Decide(c.Context(), r.ID, lifecycle.Decision{Approve: approve, By: c.actor.ref, Comment: b.Comment})
	if decided.Status == lifecycle.Granting && errors.Is(err, sdk.ErrServiceUnavailable) {
		c.status, err = http.StatusAccepted, nil // the decision stands, and says why it is not granted yet
	}
	return decided, err
}

// cancel takes a request of an own application back.
func (g *plugin) cancel(c *call) (any, error) {
	r, err := g.visible(c)
	if err != nil {
		return nil, err
	}
	if _, err := g.app(c.Context(), c.actor, string(r.App), false); err != nil {
		return nil, err
	}
	return g.hub.Load().engine.Cancel(c.Context(), r.ID, c.actor.ref)
}
