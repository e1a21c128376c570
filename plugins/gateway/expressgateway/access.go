package expressgateway

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// EnsureConsumer implements [driver.Driver].
func (d *Driver) EnsureConsumer(ctx context.Context, a driver.App) error {
	_, err := d.findUser(ctx, string(a.ID))
	if !errors.Is(err, sdk.ErrNotFound) {
		return err
	}
	made := user{Username: string(a.ID), First: cmp.Or(a.Name, string(a.ID)), Last: cmp.Or(a.Owner, "-")}
	err = d.call(ctx, rest.Request{Method: http.MethodPost, Path: "/users", Body: made}, nil)
	if errors.Is(err, sdk.ErrConflict) { // somebody was faster
		return nil
	}
	return err
}

// SetPlan implements [driver.Driver]. The plan is that of the API, since pipelines are; what is given and taken is access.
func (d *Driver) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	endpoints, err := d.endpoints(ctx)
	if err != nil {
		return err
	}
	e, known := endpoints[string(api)]
	if plan != "" {
		if !known {
			return apierror.NotFoundf("%s has no API endpoint %s", d.admin.Name, api)
		}
		if err := d.checkPlan(ctx, api, plan); err != nil {
			return err
		}
	}
	u, err := d.findUser(ctx, string(app))
	if plan == "" && errors.Is(err, sdk.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if plan == "" {
		return d.takeAccess(ctx, u, api, e)
	}
	return d.giveAccess(ctx, u, api, endpoints)
}

func (d *Driver) checkPlan(ctx context.Context, api driver.APIID, plan driver.PlanID) error {
	pipelines, err := d.pipelines(ctx)
	if err != nil {
		return err
	}
	if _, known := pipelines[string(plan)]; !known {
		return apierror.NotFoundf("%s has no pipeline %s", d.admin.Name, plan)
	}
	if in := pipelineOf(pipelines, string(api)); in != string(plan) {
		return apierror.Inputf("%s: API endpoint %s is in pipeline %s, not %s", d.admin.Name, api, in, plan)
	}
	return nil
}

// subscriptionName has no dot before the API's: ids of applications have none.
func subscriptionName(app string, api driver.APIID) string { return app + "." + string(api) }

// access are the APIs that a user has access to.
func (d *Driver) access(ctx context.Context, u user) (map[driver.APIID]subscription, error) {
	all, err := d.subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	found := map[driver.APIID]subscription{}
	for _, s := range all {
		if api, ok := strings.CutPrefix(s.Name, u.Username+"."); ok && s.UserID == u.ID {
			found[driver.APIID(api)] = s
		}
	}
	return found, nil
}

func (d *Driver) giveAccess(ctx context.Context, u user, api driver.APIID, endpoints map[string]endpoint) error {
	has, err := d.access(ctx, u)
	if err != nil {
		return err
	}
	if _, there := has[api]; !there {
		made := subscription{UserID: u.ID, Name: subscriptionName(u.Username, api)}
		err := d.call(ctx, rest.Request{Method: http.MethodPost, Path: "/apps", Body: made}, nil)
		if err != nil && !errors.Is(err, sdk.ErrConflict) { // a conflict: somebody was faster
			return err
		}
		has[api] = made
	}
	keys, err := d.credentials(ctx, u)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Operation == "" {
			continue // what others made for themselves is not given more than they gave it
		}
		if err := d.setScopes(ctx, k, scopesOf(k.API, has, endpoints)); err != nil {
			return err
		}
	}
	return nil
}

// takeAccess takes the scopes of an API from all keys of the user, whoever made them, and then forgets the access: when it is
// broken off, doing it again does the rest.
func (d *Driver) takeAccess(ctx context.Context, u user, api driver.APIID, e endpoint) error {
	has, err := d.access(ctx, u)
	if err != nil {
		return err
	}
	s, there := has[api]
	if there && len(e.Scopes) == 0 {
		return apierror.Newf(apierror.NotImplemented, "%s: API endpoint %s has no scopes, so that every key is let in; access to it cannot be taken away", d.admin.Name, api)
	}
	keys, err := d.credentials(ctx, u)
	if err != nil {
		return err
	}
	for _, k := range keys {
		left := slices.DeleteFunc(slices.Clone(k.Scopes), func(s string) bool { return slices.Contains(e.Scopes, s) })
		if err := d.setScopes(ctx, k, left); err != nil {
			return err
		}
	}
	if !there {
		return nil
	}
	err = d.call(ctx, rest.Request{Method: http.MethodDelete, Path: rest.Path("apps", s.ID)}, nil)
	if errors.Is(err, sdk.ErrNotFound) {
		return nil
	}
	return err
}

// scopesOf are the scopes of a key for one API, or for all that there is access to.
func scopesOf(api driver.APIID, has map[driver.APIID]subscription, endpoints map[string]endpoint) []string {
	var found []string
	for id := range has {
		if api == "" || api == id {
			found = append(found, endpoints[string(id)].Scopes...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
