package main

import (
	"context"
	"errors"
	"time"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
)

type issueForm struct {
	App   string `json:"app" title:"Application" desc:"One that has access to the API" min:"1" max:"40"`
	Label string `json:"label,omitempty" title:"Label" desc:"What people call the key" max:"100"`
	Days  int    `json:"days,omitempty" title:"Days" desc:"How many days it lives; empty = as usual here" min:"1" max:"36500"`
}

type rotateForm struct {
	Credential string `json:"credential" title:"Key" min:"1" max:"100"`
	Grace      string `json:"grace,omitempty" title:"The old key ends" desc:"Empty = as usual here" enum:"0s,1h,24h,168h"`
	Sure       bool   `json:"sure" title:"Make a new key in place of this one" enum:"true"`
}

type revokeForm struct {
	Credential string `json:"credential" title:"Key" min:"1" max:"100"`
	Reason     string `json:"reason,omitempty" title:"Reason" max:"1000"`
	Sure       bool   `json:"sure" title:"End this key for good" enum:"true"`
}

// issueFrames are the applications that a key can be issued for.
func (g *plugin) issueFrames(ctx context.Context, w sdk.WidgetQuery) ([]*frame.Frame, error) {
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
	var able []sdk.Choice
	for _, app := range apps {
		if grant, ok := app.Grant(ref.gateway, ref.api); ok && !grant.Withdrawn && !app.Deleting {
			able = append(able, sdk.Choice{Value: string(app.ID), Label: app.Name})
		}
	}
	return []*frame.Frame{sdk.Choices("app", able...)}, nil
}

// submitIssue makes a key.
func (g *plugin) submitIssue(ctx context.Context, w sdk.WidgetQuery) (sdk.WidgetResult, error) {
	f, err := sdk.WidgetArgs[issueForm](w)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	_, ref, err := g.sentFor(w)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	a := g.caller(ctx)
	app, err := g.app(ctx, a, f.App, false)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	k, err := g.hub.Load().engine.Issue(ctx, lifecycle.KeyRequest{
		App: app.ID, Gateway: ref.gateway, API: ref.api, Label: f.Label, TTL: lifecycle.Days(f.Days).Duration(), By: a.ref, IdempotencyKey: once("key", w),
	})
	if err != nil {
		return wrongIn(err, "ttl:days")
	}
	return g.show(ctx, k, "The key is there.")
}

// heldKey is a key that is chosen for one of the forms.
type heldKey struct {
	app lifecycle.App
	lifecycle.Credential
}

// held are the viewer's keys.
func (g *plugin) held(ctx context.Context, user string) ([]heldKey, error) {
	a, err := g.user(ctx, user)
	if err != nil {
		return nil, err
	}
	engine := g.hub.Load().engine
	apps, err := engine.Apps(ctx, a.owns...)
	if err != nil {
		return nil, err
	}
	var keys []heldKey
	for _, app := range apps {
		all, err := engine.Credentials(ctx, app.ID)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			keys = append(keys, heldKey{app, c})
		}
	}
	return keys, nil
}

// keyChoices are those of the viewer's keys that something can be done with.
func (g *plugin) keyChoices(ctx context.Context, w sdk.WidgetQuery, can func(lifecycle.State) bool) ([]*frame.Frame, error) {
	if w.User == "" {
		return nil, nil
	}
	keys, err := g.held(ctx, w.User)
	if err != nil {
		return nil, err
	}
	var choices []sdk.Choice
	for _, k := range keys {
		if can(k.State) && len(choices) < maxKeys {
			choices = append(choices, sdk.Choice{Value: k.ID, Label: k.app.Name + ", " + k.Gateway + "/" + string(k.API) + ", " + k.Prefix + "…"})
		}
	}
	return []*frame.Frame{sdk.Choices("credential", choices...)}, nil
}

func (g *plugin) rotateFrames(ctx context.Context, w sdk.WidgetQuery) ([]*frame.Frame, error) {
	return g.keyChoices(ctx, w, func(s lifecycle.State) bool { return s == lifecycle.Active })
}

func (g *plugin) revokeFrames(ctx context.Context, w sdk.WidgetQuery) ([]*frame.Frame, error) {
	return g.keyChoices(ctx, w, lifecycle.State.Alive)
}

// submitRotate makes a new key in place of one.
func (g *plugin) submitRotate(ctx context.Context, w sdk.WidgetQuery) (sdk.WidgetResult, error) {
	f, err := sdk.WidgetArgs[rotateForm](w)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	a := g.caller(ctx)
	old, err := g.credential(ctx, a, f.Credential, false)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	rotation := lifecycle.Rotation{Credential: old.ID, By: a.ref, IdempotencyKey: once("rotation", w)}
	if f.Grace != "" {
		grace, err := duration("grace", f.Grace)
		if err != nil {
			return wrongIn(err, "grace")
		}
		rotation.Grace = &grace
	}
	k, err := g.hub.Load().engine.Rotate(ctx, rotation)
	if err != nil {
		return wrongIn(err, "grace")
	}
	shown, err := g.show(ctx, k, "The new key is there, in place of "+old.Prefix+"….")
	if err != nil {
		return shown, err
	}
	if old, err = g.hub.Load().engine.Credential(ctx, old.ID); err == nil && ends(old) != nil {
		shown.Frames = append(shown.Frames, frame.New("old", frame.Times("until").Labeled("The old key ends").Add(ends(old))))
	}
	return shown, nil
}

// show hands a secret to the host, which shows it once, and notes that. A sender who has left in the meantime gets no key.
func (g *plugin) show(ctx context.Context, k lifecycle.Issued, said string) (sdk.WidgetResult, error) {
	if k.Replayed {
		return sdk.WidgetResult{Message: "The key " + k.Credential.Prefix + "… was made, and shown, when this form was sent before. If you do not have it, rotate it."}, nil
	}
	engine := g.hub.Load().engine
	if err := ctx.Err(); err != nil {
		g.logged(ctx, k, engine.Untold(ctx, k.Credential.ID, "the sender left before the secret could be shown"))
		return sdk.WidgetResult{}, err
	}
	c, err := engine.Told(ctx, k.Credential.ID)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	f := frame.New("key", frame.Strings("key", k.Secret.Reveal()).Labeled("Key"))
	if p := g.present(ctx, c); p != nil {
		f.Columns = append(f.Columns, present(*p)...)
	}
	if at := ends(c); at != nil {
		f.Columns = append(f.Columns, frame.Times("ends").Labeled("Ends").Add(at))
	}
	return sdk.WidgetResult{Message: said, Frames: []*frame.Frame{f}, Secret: true}, nil
}

// present says how a request carries the key, as far as the gateway tells.
func present(p presentation) (columns []*frame.Column) {
	header := p.Header
	if p.Scheme != "" {
		header += ": " + p.Scheme
	}
	for _, c := range []struct{ name, label, value string }{{"header", "Header", header}, {"query", "Parameter", p.Query}, {"address", "Address", p.URL}} {
		if c.value != "" {
			columns = append(columns, frame.Strings(c.name, c.value).Labeled(c.label))
		}
	}
	return columns
}

// submitRevoke ends a key.
func (g *plugin) submitRevoke(ctx context.Context, w sdk.WidgetQuery) (sdk.WidgetResult, error) {
	f, err := sdk.WidgetArgs[revokeForm](w)
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	a := g.caller(ctx)
	if _, err := g.credential(ctx, a, f.Credential, false); err != nil {
		return sdk.WidgetResult{}, err
	}
	c, err := g.hub.Load().engine.Revoke(ctx, f.Credential, lifecycle.Ending{By: a.ref, Reason: f.Reason})
	g.observe(c, err)
	if err != nil && c.Intent != nil && errors.Is(err, sdk.ErrServiceUnavailable) {
		return sdk.WidgetResult{Message: "The key " + c.Prefix + "… is being revoked. The gateway does not answer at present; it is tried again every minute."}, nil
	}
	if err != nil {
		return sdk.WidgetResult{}, err
	}
	return sdk.WidgetResult{Message: "The key " + c.Prefix + "… is " + string(c.State) + "." + proven(c)}, nil
}

// proven says how it was seen that the gateway refuses a key.
func proven(c lifecycle.Credential) string {
	if n := len(c.Proofs); n > 0 && c.Proofs[n-1].Result == lifecycle.Refused {
		p := c.Proofs[n-1]
		return " The gateway was seen to refuse it after " + p.Took.Round(time.Millisecond).String() + "."
	}
	return ""
}
