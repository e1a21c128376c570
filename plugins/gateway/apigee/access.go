package apigee

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
)

// SetPlan implements [driver.Driver]. The grant is written before keys follow it: what is cut off between is seen as drift,
// and done by the same call again. A key gets its new product before it loses the old one.
func (d *Driver) SetPlan(ctx context.Context, id driver.AppID, api driver.APIID, plan driver.PlanID) error {
	if plan != "" {
		if err := d.checkPlan(ctx, plan, api); err != nil {
			return err
		}
	}
	a, err := d.app(ctx, id)
	if plan == "" && missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.grant(ctx, a, api, plan); err != nil {
		return err
	}
	opening, err := d.opening(ctx, api)
	if err != nil {
		return err
	}
	kept := a.granted()
	delete(kept, api)
	var failed []error
	for _, c := range a.Credentials {
		if c.serves(api) {
			if err := d.move(ctx, id, c, opening, plan, kept); err != nil && !missing(err) { // it may have been revoked meanwhile
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

// grant writes the plan of an API. Apigee replaces all attributes of an app at once: two grants of one application at a time
// would lose one.
func (d *Driver) grant(ctx context.Context, a app, api driver.APIID, plan driver.PlanID) error {
	if a.granted()[api] == plan {
		return nil
	}
	return d.call(ctx, rest.Request{Method: http.MethodPost, Path: d.appPath(driver.AppID(a.Name), "attributes"), Body: map[string]any{
		"attribute": a.Attributes.with(grantAttribute+string(api), string(plan)),
	}}, &struct{}{})
}

// opening are the names of the products that open a proxy.
func (d *Driver) opening(ctx context.Context, api driver.APIID) (map[string]bool, error) {
	names := map[string]bool{}
	for p, err := range d.products(ctx) {
		if err != nil {
			return nil, err
		}
		names[p.Name] = p.has(api)
	}
	return names, nil
}

// move gives a key a product and takes away the others that open the proxy. A key for everything keeps products that the
// application still has for other APIs.
func (d *Driver) move(ctx context.Context, id driver.AppID, c credential, opening map[string]bool, plan driver.PlanID, kept map[driver.APIID]driver.PlanID) error {
	there := plan == ""
	for _, p := range c.Products {
		there = there || p.Name == string(plan)
	}
	if !there {
		if _, err := d.add(ctx, id, c, plan); err != nil {
			return err
		}
	}
	for _, p := range c.Products {
		if p.Name == string(plan) || !opening[p.Name] {
			continue
		}
		if c.Attributes.get(apiAttribute) == "" && slices.Contains(slices.Collect(maps.Values(kept)), driver.PlanID(p.Name)) {
			continue
		}
		err := d.call(ctx, rest.Request{Method: http.MethodDelete, Path: d.appPath(id, "keys", c.Key, "apiproducts", p.Name), Hide: []sdk.Secret{sdk.Secret(c.Key)}}, nil)
		if err != nil && !missing(err) {
			return err
		}
	}
	return nil
}

// PlanOf implements [driver.PlanReader]: the plan of the grant, unless a key for the API has another product.
func (d *Driver) PlanOf(ctx context.Context, id driver.AppID, api driver.APIID) (driver.PlanID, error) {
	a, err := d.app(ctx, id)
	if missing(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	granted := a.granted()[api]
	opening, err := d.opening(ctx, api)
	if err != nil {
		return "", err
	}
	for _, c := range a.Credentials {
		if c.Attributes.get(apiAttribute) != string(api) || !c.serves(api) {
			continue
		}
		var has []driver.PlanID
		for _, p := range c.Products {
			if opening[p.Name] {
				has = append(has, driver.PlanID(p.Name))
			}
		}
		if !slices.Contains(has, granted) {
			return append(has, "")[0], nil
		}
	}
	return granted, nil
}
