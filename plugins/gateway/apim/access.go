package apim

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
)

// SetPlan implements [driver.Driver]: the application's keys for the API become keys for the plan's product. The grant is
// written before keys follow it: what is cut off between is seen as drift, and done by the same call again.
func (d *Driver) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	if plan != "" {
		if _, err := d.product(ctx, plan); err != nil {
			return err
		}
		if err := d.has(ctx, plan, api); err != nil {
			return err
		}
	}
	kept, err := d.grant(ctx, app, api, plan)
	if plan == "" && missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	delete(kept, api)
	target := string(plan)
	if plan == "" {
		target = noAccess
	}
	var failed []error
	for s, err := range all[subscription](ctx, d, []string{"users", userID(app), "subscriptions"}, "") {
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if s.follows(api, plan, kept) {
			if err := d.move(ctx, app, s, target); err != nil && !missing(err) { // it may have been revoked meanwhile
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

// follows holds for subscriptions that change with the plan of an API. One for everything has one product all the same: it
// goes to the plan that was set last, and stays where the application still has the product for another API.
func (s subscription) follows(api driver.APIID, plan driver.PlanID, kept map[driver.APIID]driver.PlanID) bool {
	n, own := parseName(s.Name)
	if own && n.api == "" && plan == "" {
		return !slices.Contains(slices.Collect(maps.Values(kept)), driver.PlanID(s.product()))
	}
	return own && (n.api == api || n.api == "")
}

// product is the one that a subscription is for; "" = it is for an API, or for all.
func (s subscription) product() string {
	_, product, _ := strings.Cut(s.Properties.Scope, "/products/")
	return product
}

func (d *Driver) move(ctx context.Context, app driver.AppID, s subscription, product string) error {
	if strings.EqualFold(s.product(), product) {
		return nil
	}
	if product == noAccess {
		if err := d.ensureNoAccess(ctx); err != nil {
			return err
		}
	}
	return retried(func() error {
		s, etag, err := d.readOwned(ctx, app, driver.KeyID(s.Name))
		if err != nil || strings.EqualFold(s.product(), product) {
			return err
		}
		return d.patch(ctx, s, etag, map[string]string{"scope": "/products/" + product})
	})
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

type user struct {
	Properties struct {
		Note string `json:"note"`
	} `json:"properties"`
}

// grantLine begins a line of a user's note: "plan orders: gold". No name of an API has a colon.
const grantLine = "plan "

// granted are the plans of an application, by API.
func (u user) granted() map[driver.APIID]driver.PlanID {
	plans := map[driver.APIID]driver.PlanID{}
	for line := range strings.Lines(u.Properties.Note) {
		text, is := strings.CutPrefix(strings.TrimSpace(line), grantLine)
		if api, plan, ok := strings.Cut(text, ": "); is && ok {
			plans[driver.APIID(api)] = driver.PlanID(plan)
		}
	}
	return plans
}

// noted is the note with another plan of an API; what else it says stays.
func (u user) noted(api driver.APIID, plan driver.PlanID) string {
	var lines []string
	for line := range strings.Lines(u.Properties.Note) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, grantLine+string(api)+": ") {
			lines = append(lines, line)
		}
	}
	if plan != "" {
		lines = append(lines, grantLine+string(api)+": "+string(plan))
	}
	return strings.Join(lines, "\n")
}

// grant writes the plan of an API, and answers what was granted before.
func (d *Driver) grant(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) (before map[driver.APIID]driver.PlanID, err error) {
	path := []string{"users", userID(app)}
	err = retried(func() error {
		var u user
		etag, err := d.read(ctx, path, &u)
		if err != nil {
			return err
		}
		before = u.granted()
		if before[api] == plan {
			return nil
		}
		return d.change(ctx, http.MethodPatch, path, orElse(etag, "*"), map[string]any{"properties": map[string]string{"note": u.noted(api, plan)}})
	})
	return before, err
}

// PlanOf implements [driver.PlanReader]: the plan of the grant, unless a key for the API is for another product.
func (d *Driver) PlanOf(ctx context.Context, app driver.AppID, api driver.APIID) (driver.PlanID, error) {
	var u user
	if err := d.get(ctx, []string{"users", userID(app)}, &u); err != nil {
		if missing(err) {
			return "", nil
		}
		return "", err
	}
	granted := u.granted()[api]
	for s, err := range all[subscription](ctx, d, []string{"users", userID(app), "subscriptions"}, "") {
		if err != nil {
			return "", err
		}
		n, own := parseName(s.Name)
		product := s.product()
		if product == noAccess {
			product = ""
		}
		if own && n.api == api && !strings.EqualFold(product, string(granted)) {
			return driver.PlanID(product), nil
		}
	}
	return granted, nil
}
