package awsgateway

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
)

// grants are tags of the key that stands for an application: the API after the colon, and its plan.
const grantTag = "callboard:plan:"

// granted are the plans of an application, by API.
func (a application) granted() map[driver.APIID]driver.PlanID {
	plans := map[driver.APIID]driver.PlanID{}
	for tag, plan := range a.marker.Tags {
		if api, ok := strings.CutPrefix(tag, grantTag); ok {
			plans[driver.APIID(api)] = driver.PlanID(plan)
		}
	}
	return plans
}

// SetPlan implements [driver.Driver]. The grant is written before keys follow it: what is cut off between is seen as drift,
// and done by the same call again.
func (d *Driver) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	s, err := d.stage(api)
	if err != nil {
		return err
	}
	if plan != "" {
		if err := d.checkPlan(ctx, plan, s); err != nil {
			return err
		}
	}
	a, err := d.application(ctx, app)
	switch {
	case err != nil:
		return err
	case !a.known && plan == "":
		return nil
	case !a.known:
		return d.unknown(app)
	}
	if err := d.grant(ctx, a, api, plan); err != nil {
		return err
	}
	kept := a.granted()
	delete(kept, api)
	var failed []error
	for _, k := range a.own {
		if n, _ := k.named(); n.api == api || n.api == "" {
			if err := d.move(ctx, k, n, s, plan, kept); err != nil && !missing(err) { // it may have been revoked meanwhile
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

func (d *Driver) grant(ctx context.Context, a application, api driver.APIID, plan driver.PlanID) error {
	arn := "arn:" + d.partition() + ":apigateway:" + d.options.Region + "::/apikeys/" + a.marker.ID
	r := rest.Request{Method: http.MethodPut, Path: rest.Path("tags", arn), Body: map[string]map[string]string{"tags": {grantTag + string(api): string(plan)}}}
	switch had, has := a.granted()[api]; {
	case has && had == plan, plan == "" && !has:
		return nil
	case plan == "":
		r.Method, r.Body, r.Query = http.MethodDelete, nil, url.Values{"tagKeys": {grantTag + string(api)}}
	}
	return d.call(ctx, r, nil)
}

// partition is the part of AWS that a region is in.
func (d *Driver) partition() string {
	switch region := d.options.Region; {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// move takes a key out of the plans that give it a stage, and puts it into another. A key for everything stays in plans that
// the application still has for other APIs.
func (d *Driver) move(ctx context.Context, k apiKey, n name, s stage, plan driver.PlanID, kept map[driver.APIID]driver.PlanID) error {
	plans, err := d.plansOf(ctx, k, s)
	if err != nil {
		return err
	}
	there := false
	for _, p := range plans {
		if p == plan {
			there = true
			continue
		}
		if n.api == "" && slices.Contains(slices.Collect(maps.Values(kept)), p) {
			continue
		}
		err := d.call(ctx, rest.Request{Method: http.MethodDelete, Path: rest.Path("usageplans", string(p), "keys", k.ID)}, nil)
		if err != nil && !missing(err) {
			return err
		}
	}
	if plan == "" || there {
		return nil
	}
	return d.join(ctx, k, []driver.PlanID{plan})
}

// plansOf are the plans that a key is in and that have a stage.
func (d *Driver) plansOf(ctx context.Context, k apiKey, s stage) ([]driver.PlanID, error) {
	var plans []driver.PlanID
	for p, err := range all[usagePlan](ctx, d, "/usageplans", url.Values{"keyId": {k.ID}}) {
		if err != nil {
			return nil, err
		}
		if p.has(s) {
			plans = append(plans, driver.PlanID(p.ID))
		}
	}
	return plans, nil
}

// join puts a key into plans; it may be in them.
func (d *Driver) join(ctx context.Context, k apiKey, plans []driver.PlanID) error {
	for _, plan := range plans {
		path := rest.Path("usageplans", string(plan), "keys")
		err := d.call(ctx, rest.Request{Method: http.MethodPost, Path: path, Body: map[string]string{"keyId": k.ID, "keyType": "API_KEY"}}, &struct{}{})
		if conflicting(err) { // in this plan, or in another one with the same stage
			there := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("usageplans", string(plan), "keys", k.ID)}, &struct{}{})
			if missing(there) {
				return err
			}
			err = there
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wanted are the plans that the key of a request goes into: the request's, or all that the application was given. A key that
// is there already goes nowhere unless it is in no plan.
func (d *Driver) wanted(ctx context.Context, a application, r driver.KeyRequest) ([]driver.PlanID, error) {
	k, issued := a.issued(r.Operation)
	if r.API == "" {
		return slices.Compact(slices.Sorted(maps.Values(a.granted()))), nil
	}
	s, err := d.stage(r.API)
	if err != nil || r.Plan == "" {
		return nil, err
	}
	if err := d.checkPlan(ctx, r.Plan, s); err != nil {
		return nil, err
	}
	if issued {
		if now, err := d.plansOf(ctx, k, s); err != nil || len(now) > 0 {
			return nil, err
		}
	}
	return []driver.PlanID{r.Plan}, nil
}

// PlanOf implements [driver.PlanReader]: the plan of the grant, unless a key for the API is in another one.
func (d *Driver) PlanOf(ctx context.Context, app driver.AppID, api driver.APIID) (driver.PlanID, error) {
	s, err := d.stage(api)
	if err != nil {
		return "", err
	}
	a, err := d.application(ctx, app)
	if err != nil {
		return "", err
	}
	granted := a.granted()[api]
	for _, k := range a.own {
		if n, _ := k.named(); n.api != api {
			continue
		}
		plans, err := d.plansOf(ctx, k, s)
		switch {
		case err != nil:
			return "", err
		case len(plans) == 0 && granted != "":
			return "", nil
		case len(plans) > 0 && !slices.Contains(plans, granted):
			return plans[0], nil
		}
	}
	return granted, nil
}
