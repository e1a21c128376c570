package tyk

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

// policy is one as Tyk lists it.
type policy struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Active   bool   `json:"active"`
	Inactive bool   `json:"is_inactive"`
	Rights   map[string]struct {
		Limit *limit `json:"limit"`
	} `json:"access_rights"`
	limit
}

var planName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// checkPlan finds what a policy cannot do.
func checkPlan(p driver.Plan) error {
	if !planName.MatchString(string(p.ID)) {
		return errors.New("the id must be 1 to 63 letters, digits, hyphens or underscores")
	}
	rates, quotas := 0, 0
	for _, l := range p.Limits {
		switch {
		case l.Requests <= 0 || l.Window < time.Second || l.Window%time.Second != 0:
			return errors.New("a limit must be at least one request in whole seconds")
		case l.Window < time.Hour:
			rates++
		default:
			quotas++
		}
	}
	if rates > 1 || quotas > 1 {
		return errors.New("Tyk keeps one limit of less than an hour, and one of an hour or more; leave the others out")
	}
	return nil
}

// limitOf is a plan as a policy has it: -1 = no limit.
func limitOf(p driver.Plan) limit {
	l := limit{Rate: -1, Per: -1, Max: -1}
	for _, one := range p.Limits {
		if one.Window < time.Hour {
			l.Rate, l.Per = float64(one.Requests), one.Window.Seconds()
		} else {
			l.Max, l.Renewal = one.Requests, int64(one.Window/time.Second)
		}
	}
	return l
}

// limits are those of a policy.
func (l limit) limits() []driver.Limit {
	var list []driver.Limit
	if l.Rate > 0 && l.Per > 0 {
		list = append(list, driver.Limit{Requests: int64(l.Rate), Window: time.Duration(l.Per * float64(time.Second))})
	}
	if l.Max > 0 && l.Renewal > 0 {
		list = append(list, driver.Limit{Requests: l.Max, Window: time.Duration(l.Renewal) * time.Second})
	}
	return list
}

// policyID is that of a plan of the driver's for an API.
func policyID(api driver.APIID, plan driver.PlanID) string {
	return ownPolicy + string(api) + "." + string(plan)
}

const ownPolicy = "portal-"

// api is the only API of a policy, "" = it has none or several.
func (p policy) api() driver.APIID {
	if len(p.Rights) == 1 {
		for api := range p.Rights {
			return driver.APIID(api)
		}
	}
	return ""
}

// foundPolicies are active ones that others made for one API each.
func (d *Driver) foundPolicies(ctx context.Context) ([]policy, error) {
	var all *[]policy
	if err := d.get(ctx, "/tyk/policies", &all); err != nil {
		return nil, err
	}
	if all == nil {
		return nil, d.unavailable("answers no list of policies")
	}
	var list []policy
	for _, p := range *all {
		if _, own := d.plans[driver.PlanID(p.ID)]; p.ID != "" && !own && p.Active && !p.Inactive && p.api() != "" && !strings.HasPrefix(p.ID, ownPolicy) {
			list = append(list, p)
		}
	}
	return list, nil
}

// Plans implements [driver.Driver].
func (d *Driver) Plans(ctx context.Context) iter.Seq2[driver.Plan, error] {
	found, err := d.foundPolicies(ctx)
	if err != nil {
		return rest.Failed[driver.Plan](err)
	}
	return func(yield func(driver.Plan, error) bool) {
		for _, p := range d.options.Plans {
			if p.Name == "" {
				p.Name = string(p.ID)
			}
			if !yield(p, nil) {
				return
			}
		}
		for _, p := range found {
			plan := driver.Plan{ID: driver.PlanID(p.ID), Name: p.Name, Limits: p.limits()}
			if plan.Name == "" {
				plan.Name = p.ID
			}
			if !yield(plan, nil) {
				return
			}
		}
	}
}

// SetPlan implements [driver.Driver]. It sets the policies of each of the application's keys.
func (d *Driver) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	wanted := ""
	if plan != "" {
		var err error
		if wanted, err = d.policyFor(ctx, api, plan); err != nil {
			return err
		}
	}
	defer d.lock(app)()
	a, err := d.application(ctx, app)
	if err != nil {
		if plan == "" && missing(err) {
			return nil
		}
		return err
	}
	if a.Policies[api] != wanted {
		if a.Policies[api] = wanted; wanted == "" {
			delete(a.Policies, api)
		}
		if err := d.note(ctx, a); err != nil {
			return err
		}
	}
	for _, k := range a.Keys {
		s, err := d.read(ctx, k.place())
		if missing(err) {
			continue
		}
		if err == nil && s.apply(a.policies()) {
			err = d.replace(ctx, k.place(), s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// policyFor is the policy of a plan for an API, which is made if it is the driver's and not there.
func (d *Driver) policyFor(ctx context.Context, api driver.APIID, plan driver.PlanID) (string, error) {
	def, err := d.definition(ctx, api)
	if err != nil {
		return "", err
	}
	if def.Keyless {
		return "", d.problem(apierror.Conflict, "API %s cannot be had with a plan: it lets in everybody, since it is keyless", api)
	}
	p, own := d.plans[plan]
	if own {
		return policyID(api, plan), d.ensurePolicy(ctx, def, p)
	}
	found, err := d.foundPolicies(ctx)
	for _, one := range found {
		if one.ID == string(plan) && one.api() == api {
			return one.ID, nil
		}
	}
	if err == nil {
		err = d.problem(apierror.NotFound, "has no plan %q for %s", rest.Line(string(plan)), api)
	}
	return "", err
}

func (d *Driver) ensurePolicy(ctx context.Context, def definition, p driver.Plan) error {
	id, wanted := policyID(driver.APIID(def.ID), p.ID), limitOf(p)
	var there policy
	err := d.get(ctx, rest.Path("tyk", "policies", id), &there)
	right := there.Rights[def.ID]
	switch {
	case err == nil && there.Rights == nil:
		return d.unavailable("answers something that is no policy")
	case err == nil && there.Active && !there.Inactive && right.Limit != nil && right.Limit.same(wanted):
		return nil
	case err != nil && !missing(err):
		return err
	}
	r := rest.Request{Method: http.MethodPut, Path: rest.Path("tyk", "policies", id)}
	if err != nil {
		r = rest.Request{Method: http.MethodPost, Path: "/tyk/policies"}
	}
	r.Body = map[string]any{
		"id": id, "name": def.Name + " " + string(p.ID), "org_id": d.options.Org, "active": true, "is_inactive": false, "state": "active",
		"partitions": map[string]bool{"per_api": true}, "tags": []string{"portal"},
		"rate": wanted.Rate, "per": wanted.Per, "quota_max": wanted.Max, "quota_renewal_rate": wanted.Renewal,
		"access_rights": map[string]any{def.ID: map[string]any{
			"api_id": def.ID, "api_name": def.Name, "versions": []string{"Default"},
			"limit": map[string]any{"rate": wanted.Rate, "per": wanted.Per, "quota_max": wanted.Max, "quota_renewal_rate": wanted.Renewal},
		}},
	}
	if _, err := d.write(ctx, r); err != nil {
		return err
	}
	return d.reload(ctx)
}

// same reports whether two limits are, whatever is left of them.
func (l limit) same(other limit) bool {
	return l.Rate == other.Rate && l.Per == other.Per && l.Max == other.Max && l.Renewal == other.Renewal
}

// PlanOf implements [driver.PlanReader].
func (d *Driver) PlanOf(ctx context.Context, app driver.AppID, api driver.APIID) (driver.PlanID, error) {
	a, err := d.application(ctx, app)
	if missing(err) {
		return "", nil
	}
	if plan, own := strings.CutPrefix(a.Policies[api], policyID(api, "")); own {
		return driver.PlanID(plan), err
	}
	return driver.PlanID(a.Policies[api]), err
}

// Quota implements [driver.Driver]. Tyk counts each key for itself: that of which the least is left is answered.
func (d *Driver) Quota(ctx context.Context, app driver.AppID, api driver.APIID) (driver.Quota, error) {
	a, err := d.application(ctx, app)
	if err != nil {
		return driver.Quota{}, err
	}
	if a.Policies[api] == "" {
		return driver.Quota{}, d.problem(apierror.NotFound, "application %s has no plan for %s", app, api)
	}
	var p policy
	if err := d.get(ctx, rest.Path("tyk", "policies", a.Policies[api]), &p); err != nil {
		return driver.Quota{}, err
	}
	least := p.limit
	if right := p.Rights[string(api)]; right.Limit != nil {
		least = *right.Limit
	}
	if least.Max <= 0 || least.Renewal <= 0 {
		return driver.Quota{}, d.problem(apierror.NotImplemented, "the plan of %s for %s has no quota, and what is left of a rate is not told", app, api)
	}
	least.Remaining = least.Max
	for _, k := range a.Keys {
		s, err := d.read(ctx, k.place())
		if err != nil && !missing(err) {
			return driver.Quota{}, err
		}
		if l, has := s.limit(api); err == nil && has && l.Max > 0 && (l.Remaining < least.Remaining || least.Renews == 0) {
			least = l
		}
	}
	q := driver.Quota{
		Limit: driver.Limit{Requests: least.Max, Window: time.Duration(least.Renewal) * time.Second}, Used: least.Max - least.Remaining, Remaining: max(least.Remaining, 0),
	}
	if least.Renews > 0 {
		q.Resets = time.Unix(least.Renews, 0).UTC()
	}
	return q, nil
}
