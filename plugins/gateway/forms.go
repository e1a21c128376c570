package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
)

// requestForm is what is filled in to ask for access. It is the body of POST /v1/requests, and a new application if none is
// chosen.
type requestForm struct {
	App            string `json:"app,omitempty" title:"Application" desc:"That will call the API"`
	NewApp         string `json:"newApp,omitempty" title:"Name of a new application" desc:"Where none is chosen above" max:"100"`
	Owner          string `json:"owner,omitempty" title:"Owner of the new application"`
	Plan           string `json:"plan,omitempty" title:"Plan"`
	TTLDays        int    `json:"ttlDays,omitempty" title:"Days" desc:"How many days a key may live; empty = as usual here" min:"1" max:"36500"`
	Reason         string `json:"reason,omitempty" title:"Reason" desc:"What it is for, for who has to approve it" max:"2000"`
	OverrideReason string `json:"overrideReason,omitempty" title:"Reason to override" desc:"Why the policy's warnings do not matter, if it warns" max:"2000"`
}

// forms registers what takes input.
func (g *plugin) forms(p *sdk.Plugin) {
	const annotated = "annotation:" + apiAnnotation
	p.Widget(sdk.Widget{
		ID: "request", Title: "Request access", View: sdk.ViewForm, For: annotated, Args: requestForm{}, Refresh: formRefresh,
		Stream: streamed(g.requestFrames), Submit: g.submitRequest, Description: "Access of an application to the API. The policy, and perhaps an owner of the API, decide.",
	})
	p.Widget(sdk.Widget{
		ID: "issue-key", Title: "Issue a key", View: sdk.ViewForm, For: annotated, Args: issueForm{}, Refresh: formRefresh,
		Stream: streamed(g.issueFrames), Submit: g.submitIssue, Description: "A key for an application that has access to the API. It is shown once.",
	})
	p.Widget(sdk.Widget{
		ID: "rotate-key", Title: "Rotate a key", View: sdk.ViewForm, Args: rotateForm{}, Refresh: formRefresh,
		Stream: streamed(g.rotateFrames), Submit: g.submitRotate, Description: "A new key in place of one, which goes on for a while beside it.",
	})
	p.Widget(sdk.Widget{
		ID: "revoke-key", Title: "Revoke a key", View: sdk.ViewForm, Args: revokeForm{}, Refresh: formRefresh,
		Stream: streamed(g.revokeFrames), Submit: g.submitRevoke, Description: "Ends a key for good, at once.",
	})
}

// formRefresh is short: what can be chosen follows what was just done elsewhere.
const formRefresh = 5 * time.Second

// streamed is a widget's stream of frames that are made together.
func streamed(frames func(context.Context, sdk.WidgetQuery) ([]*frame.Frame, error)) func(context.Context, sdk.WidgetQuery) iter.Seq2[*frame.Frame, error] {
	return func(ctx context.Context, w sdk.WidgetQuery) iter.Seq2[*frame.Frame, error] {
		return func(yield func(*frame.Frame, error) bool) {
			all, err := frames(ctx, w)
			for _, f := range all {
				if !yield(f, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
}

// requestFrames are the choices of the form, what the viewer has already, and what the policy says to what is filled in.
func (g *plugin) requestFrames(ctx context.Context, w sdk.WidgetQuery) ([]*frame.Frame, error) {
	i, ref, err := g.viewed(w)
	if err != nil || i == nil || w.User == "" {
		return nil, err
	}
	a, err := g.user(ctx, w.User)
	if err != nil {
		return nil, err
	}
	apps, err := g.hub.Load().engine.Apps(ctx, a.owns...)
	if err != nil {
		return nil, err
	}
	l, err := i.list(ctx)
	if err != nil {
		return nil, err
	}
	mine := []sdk.Choice{{Label: "A new application"}}
	for _, app := range apps {
		mine = append(mine, sdk.Choice{Value: string(app.ID), Label: app.Name})
	}
	frames := append(ownerChoices(a), sdk.Choices("app", mine...), planChoices(l, ref))
	if had := accessFrame(apps, ref); had.Rows() > 0 {
		frames = append(frames, had)
	}
	verdict, err := g.foreseen(ctx, a, i, ref, w)
	if verdict != nil {
		frames = append(frames, verdict)
	}
	return frames, err
}

// ownerChoices are whom a new application can belong to. Groups come first, since they outlast people.
func ownerChoices(a actor) []*frame.Frame {
	owners := slices.Compact(slices.Sorted(slices.Values(a.owns))) // "group:" before "user:"
	choices := make([]sdk.Choice, len(owners))
	for i, ref := range owners {
		choices[i].Value = ref
	}
	return []*frame.Frame{sdk.Choices("owner", choices...), frame.New("values", frame.Strings("owner", owners[0]))}
}

func planChoices(l listing, ref apiRef) *frame.Frame {
	api, _ := l.api(ref.api)
	var plans []sdk.Choice
	for _, p := range l.plansOf(api) {
		label := p.Name
		if label == "" {
			label = string(p.ID)
		}
		for _, limit := range p.Limits {
			label += fmt.Sprintf(", %d requests per %s", limit.Requests, windowName(limit.Window))
		}
		plans = append(plans, sdk.Choice{Value: string(p.ID), Label: label})
	}
	return sdk.Choices("plan", plans...)
}

// accessFrame is the access that applications have to an API already.
func accessFrame(apps []lifecycle.App, ref apiRef) *frame.Frame {
	f := frame.New("Access", frame.Strings("app").Labeled("Application"), frame.Strings("plan").Labeled("Plan"), frame.Times("since").Labeled("Since"))
	for _, app := range apps {
		if grant, ok := app.Grant(ref.gateway, ref.api); ok && f.Rows() < maxKeys {
			f.Append(app.Name, string(grant.Plan), grant.Since)
		}
	}
	return f
}

// foreseen is what the policy would say to what is filled in; nil = no application is chosen yet.
func (g *plugin) foreseen(ctx context.Context, a actor, i *instance, ref apiRef, w sdk.WidgetQuery) (*frame.Frame, error) {
	filled, err := sdk.FilledArgs[requestForm](w)
	if err != nil || filled.App == "" {
		return nil, err
	}
	app, err := g.app(ctx, a, filled.App, false)
	var v lifecycle.Verdict
	if err == nil {
		v, err = g.hub.Load().engine.Preview(ctx, asked(filled, a, i, ref, w.Entity, app.ID))
	}
	if isNotFound(err) { // of the application, or of the plan
		return frame.New("Policy", frame.Enums("severity", severities, "critical"), frame.Strings("message", message(err))), nil
	}
	if err != nil {
		return nil, err
	}
	return verdictFrame(v), nil
}

// asked is the request that a form makes.
func asked(f requestForm, a actor, i *instance, ref apiRef, e sdk.Entity, app driver.AppID) lifecycle.AccessRequest {
	owners := ownersOf(e)
	return lifecycle.AccessRequest{
		App: app, Gateway: ref.gateway, Environment: i.Environment, API: ref.api, Plan: driver.PlanID(f.Plan), Entity: e, Approvers: owners,
		TTL: lifecycle.Days(f.TTLDays), Reason: f.Reason, Override: f.OverrideReason, By: a.ref, Groups: a.owns,
		AutoApprove: i.AutoApprove || a.ownsAny(owners),
	}
}

// sentFor is the API that a form is sent for.
func (g *plugin) sentFor(w sdk.WidgetQuery) (*instance, apiRef, error) {
	i, ref, err := g.viewed(w)
	if err == nil && i == nil {
		err = apierror.NotFoundf("the entity names no API: annotation %s must be gateway/api", apiAnnotation)
	}
	return i, ref, err
}

// submitRequest asks for access. The host has checked that the sender may read the entity.
func (g *plugin) submitRequest(ctx context.Context, w sdk.WidgetQuery) (sdk.WidgetResult, error) {
	f, err := sdk.WidgetArgs[requestForm](w)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	i, ref, err := g.sentFor(w)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	a := g.caller(ctx)
	if err := i.offers(ctx, ref.api, driver.PlanID(f.Plan)); err != nil {
		return wrongIn(err, "plan")
	}
	app, made, err := g.applicant(ctx, a, f, once("app", w))
	if err != nil {
		return wrongIn(err, "name:newApp", "owner", "newApp")
	}
	req := asked(f, a, i, ref, w.Entity, app.ID)
	req.IdempotencyKey = once("request", w)
	r, err := g.hub.Load().engine.RequestAccess(ctx, req)
	if err != nil && (r.ID == "" || !errors.Is(err, sdk.ErrServiceUnavailable)) {
		if made {
			g.unmake(ctx, a, app)
		}
		return wrongIn(err, "ttlDays", "overrideReason")
	}
	return told(r, app), nil
}

// applicant is the application that was chosen, or a new one.
func (g *plugin) applicant(ctx context.Context, a actor, f requestForm, key string) (app lifecycle.App, made bool, err error) {
	switch {
	case f.App != "" && f.NewApp != "":
		return app, false, apierror.Inputf("newApp: leave this empty, or choose no application")
	case f.App != "":
		app, err = g.app(ctx, a, f.App, false)
		return app, false, err
	case f.NewApp == "":
		return app, false, apierror.Inputf("newApp: choose an application, or name a new one")
	}
	change, err := appBody{Name: f.NewApp, Owner: f.Owner}.change(a)
	if err != nil {
		return app, false, err
	}
	app, err = g.hub.Load().engine.CreateApp(ctx, a.ref, change, key)
	return app, true, err
}

// unmake takes back an application that was made for a request which came to nothing.
func (g *plugin) unmake(ctx context.Context, a actor, app lifecycle.App) {
	engine := g.hub.Load().engine
	if asked, err := engine.Requests(ctx, app.ID); err != nil || len(asked) > 0 || len(app.Grants) > 0 {
		return // the same form, sent twice, has made something of it
	}
	_ = engine.DeleteApp(ctx, a.ref, app.ID) // it stays without access: its owner sees it, and can delete it
}

// told is the answer to a request, in the policy's words where it has some.
func told(r lifecycle.Request, app lifecycle.App) sdk.WidgetResult {
	api := r.Gateway + "/" + string(r.API)
	var out sdk.WidgetResult
	switch r.Status {
	case lifecycle.Granted:
		out.Message = app.Name + " has access to " + api + ". A key can be issued for it now."
	case lifecycle.Pending:
		out.Message = "The request was sent. It needs approval by " + approvers(r) + "."
	case lifecycle.Granting:
		out.Message = "The request is approved. The gateway does not answer at present; it is tried again every minute."
	default:
		out.Message = "The request is " + string(r.Status) + "."
	}
	if f := findingsFrame(r.Verdict); f.Rows() > 0 {
		out.Frames = append(out.Frames, f)
	}
	return out
}

func approvers(r lifecycle.Request) string {
	if len(r.Approvers) == 0 {
		return "an operator of the gateways"
	}
	return strings.Join(r.Approvers, ", ")
}

// once is the idempotency key of what a form does, for each thing that it does.
func once(what string, w sdk.WidgetQuery) string {
	return fmt.Sprintf("form/%s/%x", what, sha256.Sum256([]byte(w.IdempotencyKey)))
}

// wrongIn makes an error of the input, which begins with the name of what is wrong, one of that field. "name:newApp" is
// another name of the field newApp. Other errors stay as they are.
func wrongIn(err error, fields ...string) (sdk.WidgetResult, error) {
	if !errors.Is(err, sdk.ErrInput) && !errors.Is(err, sdk.ErrNotAllowed) {
		return sdk.WidgetResult{}, err
	}
	text := message(err)
	for _, field := range fields {
		name, into, other := strings.Cut(field, ":")
		if !other {
			into = name
		}
		if rule, ok := strings.CutPrefix(text, name+": "); ok {
			return sdk.WidgetResult{FieldErrors: map[string]string{into: rule}}, nil
		}
	}
	return sdk.WidgetResult{}, err
}
