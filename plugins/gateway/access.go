package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// The permissions that a policy can decide about. They are asked only where the settings say so.
var (
	approvePermission = sdk.Permission{Name: "gateway.request.approve", Action: "update"}
	operatePermission = sdk.Permission{Name: "gateway.operate", Action: "update"}
	permissions       = []sdk.Permission{approvePermission, operatePermission}
)

// actor is on whose behalf something is done.
type actor struct {
	ref     string
	owns    []string // refs, in lower case
	service bool     // it acts for everybody: the portal's operators decide which services may call
	token   string   // of a user who calls; "" = the policy cannot be asked
	read    reader
}

// caller is the actor of a request.
func (g *plugin) caller(ctx context.Context) actor {
	c := sdk.Principal(ctx)
	owns := lower(c.OwnershipRefs)
	if own := strings.ToLower(c.Subject); c.IsUser() && !slices.Contains(owns, own) {
		owns = append(owns, own)
	}
	return actor{ref: c.Subject, owns: owns, service: c.IsService(), token: c.UserToken(), read: g.host.Catalog.As(c)}
}

// user is the actor of a step or a widget, of whom only the ref is known: what he owns is read from the catalog.
func (g *plugin) user(ctx context.Context, ref string) (actor, error) {
	a := actor{ref: ref, owns: []string{strings.ToLower(ref)}, read: g.host.Catalog}
	if ref == "" {
		return a, apierror.NotAllowedf("nobody is known on whose behalf it is done")
	}
	e, err := g.host.Catalog.Entity(ctx, ref)
	if isNotFound(err) {
		return a, nil // users need not be in the catalog
	}
	if err != nil {
		return a, fmt.Errorf("what %s owns: %w", ref, err)
	}
	relations, _ := e["relations"].([]any)
	for _, r := range relations {
		relation, _ := r.(map[string]any)
		if target, _ := relation["targetRef"].(string); relation["type"] == "memberOf" {
			a.owns = append(a.owns, strings.ToLower(target))
		}
	}
	groups, _ := e.Spec()["memberOf"].([]any)
	for _, name := range groups {
		if name, ok := name.(string); ok {
			a.owns = append(a.owns, fullRef(name, "group", e.Namespace()))
		}
	}
	return a, nil
}

func lower(refs []string) []string {
	out := make([]string, len(refs))
	for i, ref := range refs {
		out[i] = strings.ToLower(ref)
	}
	return out
}

// ownsAny reports whether one of the refs is among what the actor owns through.
func (a actor) ownsAny(refs []string) bool {
	return slices.ContainsFunc(refs, func(ref string) bool { return slices.Contains(a.owns, strings.ToLower(ref)) })
}

// allowed asks the policy, where the settings say that there is one.
func (g *plugin) allowed(ctx context.Context, a actor, p sdk.Permission) (bool, error) {
	if !g.hub.Load().settings.Permissions || a.token == "" {
		return false, nil
	}
	decisions, err := g.host.Permission.Authorize(ctx, a.token, sdk.PermissionRequest{Permission: p})
	if err != nil {
		return false, err
	}
	return decisions[0], nil
}

func (g *plugin) isOperator(ctx context.Context, a actor) (bool, error) {
	if a.service || a.ownsAny(g.hub.Load().settings.Operators) {
		return true, nil
	}
	return g.allowed(ctx, a, operatePermission)
}

// operator fails unless the actor is one.
func (g *plugin) operator(ctx context.Context, a actor) error {
	ok, err := g.isOperator(ctx, a)
	if err == nil && !ok {
		err = apierror.NotAllowedf("only operators of the gateways may do this")
	}
	return err
}

// app answers an application that the actor owns. Those of others are as if they were not there, except for operators who
// only look.
func (g *plugin) app(ctx context.Context, a actor, id string, look bool) (lifecycle.App, error) {
	found, err := g.hub.Load().engine.App(ctx, driver.AppID(id))
	if err != nil || a.service || a.ownsAny([]string{found.Owner}) {
		return found, err
	}
	if operator, err := g.isOperator(ctx, a); err != nil || operator && look {
		return found, err
	}
	return lifecycle.App{}, apierror.NotFoundf("there is no application %q", id)
}

// credential answers a credential of an application that the actor owns.
func (g *plugin) credential(ctx context.Context, a actor, id string, look bool) (lifecycle.Credential, error) {
	c, err := g.hub.Load().engine.Credential(ctx, id)
	if err != nil {
		return c, err
	}
	if _, err := g.app(ctx, a, string(c.App), look); isNotFound(err) {
		return lifecycle.Credential{}, apierror.NotFoundf("there is no credential %q", id)
	} else if err != nil {
		return lifecycle.Credential{}, err
	}
	return c, nil
}

// mayDecide reports whether the actor may decide a request.
func (g *plugin) mayDecide(ctx context.Context, a actor, r lifecycle.Request) (bool, error) {
	s := g.hub.Load().settings
	switch {
	case s.FourEyes && strings.EqualFold(a.ref, r.By):
		return false, nil
	case a.ownsAny(r.Approvers) || a.ownsAny(s.Approvers):
		return true, nil
	}
	return g.allowed(ctx, a, approvePermission)
}
