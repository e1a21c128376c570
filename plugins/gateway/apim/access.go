package apim

import (
	"context"
	"net/http"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
)

// SetPlan implements [driver.Driver]: the application's keys for the API become keys for the plan's product. Keys that are
// made later are for the plan of their request.
func (d *Driver) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	scope := "/products/" + noAccess
	if plan != "" {
		p, err := d.product(ctx, plan)
		if err != nil {
			return err
		}
		if err := d.has(ctx, plan, api); err != nil {
			return err
		}
		scope = "/products/" + p.Name
	}
	if err := d.get(ctx, []string{"users", userID(app)}, &struct{}{}); err != nil {
		if plan == "" && missing(err) {
			return nil
		}
		return err
	}
	for s, err := range all[subscription](ctx, d, []string{"users", userID(app), "subscriptions"}, "") {
		if err != nil {
			return err
		}
		n, own := parseName(s.Name)
		if !own || n.api != "" && n.api != api || s.scoped(scope) {
			continue
		}
		if err := d.move(ctx, app, s, scope); err != nil && !missing(err) { // it may have been revoked meanwhile
			return err
		}
	}
	return nil
}

func (d *Driver) move(ctx context.Context, app driver.AppID, s subscription, scope string) error {
	if strings.HasSuffix(scope, noAccess) {
		if err := d.ensureNoAccess(ctx); err != nil {
			return err
		}
	}
	return retried(func() error {
		s, etag, err := d.readOwned(ctx, app, driver.KeyID(s.Name))
		if err != nil || s.scoped(scope) {
			return err
		}
		return d.patch(ctx, s, etag, map[string]string{"scope": scope})
	})
}

// scoped holds for subscriptions to a product; scopes are told as full ids.
func (s subscription) scoped(scope string) bool {
	return strings.HasSuffix(strings.ToLower(s.Properties.Scope), strings.ToLower(scope))
}

// ensureNoAccess makes the product without APIs.
func (d *Driver) ensureNoAccess(ctx context.Context) error {
	path := []string{"products", noAccess}
	if err := d.get(ctx, path, &struct{}{}); !missing(err) {
		return err
	}
	err := d.change(ctx, http.MethodPut, path, "", map[string]any{"properties": map[string]any{
		"displayName": "No access (portal)", "description": "Keys of applications whose access was taken away. It must not have APIs.",
		"subscriptionRequired": true, "approvalRequired": false, "state": "notPublished",
	}})
	if rest.StatusOf(err) == http.StatusPreconditionFailed {
		return nil
	}
	return err
}
