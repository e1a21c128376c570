package apisix

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

var planName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$`)

// checkPlan finds what limit-count cannot do.
func checkPlan(p driver.Plan) error {
	switch {
	case !planName.MatchString(string(p.ID)):
		return errors.New("the id must be 1 to 30 letters, digits, hyphens or underscores")
	case len(p.Limits) > 1:
		return errors.New("APISIX keeps one limit; leave the others out")
	}
	for _, l := range p.Limits {
		if l.Requests <= 0 || l.Window < time.Second || l.Window%time.Second != 0 {
			return errors.New("a limit must be at least one request in whole seconds")
		}
	}
	return nil
}

// Plans implements [driver.Driver].
func (d *Driver) Plans(context.Context) iter.Seq2[driver.Plan, error] {
	return func(yield func(driver.Plan, error) bool) {
		for _, p := range d.options.Plans {
			if p.Name == "" {
				p.Name = string(p.ID)
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// groupID is the group of a plan at a service.
func groupID(api driver.APIID, plan driver.PlanID) string { return string(api) + "." + string(plan) }

// SetPlan implements [driver.Driver]. Limits are there before access is.
func (d *Driver) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	wanted := ""
	if plan != "" {
		if err := d.ready(ctx, app, api, plan); err != nil {
			return err
		}
		wanted = groupID(api, plan)
	}
	c, err := d.consumerFor(ctx, app, api)
	switch {
	case missing(err) && wanted == "", err == nil && c.Group == wanted:
		return nil
	case err != nil && !missing(err):
		return err
	}
	return d.putConsumer(ctx, app, api, wanted)
}

// ready makes what an application needs to be given a plan of an API.
func (d *Driver) ready(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	s, err := one[service](ctx, d, "services", string(api))
	if err != nil {
		return err
	}
	p, there := d.plans[plan]
	if !there {
		return d.problem(apierror.NotFound, "has no plan %q", rest.Line(string(plan)))
	}
	known, err := d.known(ctx, app)
	if err == nil && !known {
		err = d.problem(apierror.NotFound, "does not know application %s", app)
	}
	if err == nil {
		err = d.ensureGroup(ctx, api, p)
	}
	if err == nil {
		err = d.allow(ctx, s)
	}
	return err
}

// ensureGroup makes the group of a plan, or has it keep the limit that the plan has now.
func (d *Driver) ensureGroup(ctx context.Context, api driver.APIID, p driver.Plan) error {
	g, err := one[group](ctx, d, "consumer_groups", groupID(api, p.ID))
	switch {
	case err == nil && g.Labels[ours] == "":
		return d.problem(apierror.Conflict, "has a consumer group %s that the portal did not make", groupID(api, p.ID))
	case err == nil && keeps(g.Plugins["limit-count"], p):
		return nil
	case err != nil && !missing(err):
		return err
	}
	return d.put(ctx, map[string]any{
		"plugins": limits(p), "labels": map[string]string{ours: "true", ofAPI: string(api)},
	}, nil, "consumer_groups", groupID(api, p.ID))
}

// limits are those of a plan as plugins.
func limits(p driver.Plan) map[string]any {
	plugins := map[string]any{}
	for _, l := range p.Limits {
		plugins["limit-count"] = map[string]any{
			"count": l.Requests, "time_window": int64(l.Window / time.Second), "key_type": "var", "key": "consumer_name", "policy": "local",
			"rejected_code": 429, "rejected_msg": "The limit of the plan is reached", "show_limit_quota_header": true,
		}
	}
	return plugins
}

// keeps reports whether a configuration of limit-count has the limit of a plan.
func keeps(config map[string]any, p driver.Plan) bool {
	if len(p.Limits) == 0 {
		return config == nil
	}
	count, _ := config["count"].(float64)
	seconds, _ := config["time_window"].(float64)
	return int64(count) == p.Limits[0].Requests && time.Duration(seconds)*time.Second == p.Limits[0].Window
}

// allow has the groups of all the driver's plans on the whitelist of a service.
func (d *Driver) allow(ctx context.Context, s service) error {
	if _, on := s.Plugins["key-auth"]; !on {
		return d.exposed(s, "plugin key-auth is not on")
	}
	restriction := s.Plugins["consumer-restriction"]
	if restriction["type"] != "consumer_group_id" || restriction["whitelist"] == nil {
		return d.exposed(s, "plugin consumer-restriction has no whitelist of the type consumer_group_id")
	}
	allowed := texts(restriction["whitelist"])
	before := len(allowed)
	for _, name := range d.groups(driver.APIID(s.ID)) {
		if !slices.Contains(allowed, name) {
			allowed = append(allowed, name)
		}
	}
	if len(allowed) == before {
		return nil
	}
	change := map[string]any{"plugins": map[string]any{"consumer-restriction": map[string]any{"whitelist": allowed}}}
	return d.patch(ctx, change, "services", s.ID)
}

func (d *Driver) exposed(s service, what string) error {
	return d.problem(apierror.Conflict, "service %s cannot be had with a plan, because %s at it; callers with any key would get in, or none", s.ID, what)
}

func (d *Driver) groups(api driver.APIID) []string {
	list := make([]string, 0, len(d.options.Plans))
	for _, p := range d.options.Plans {
		list = append(list, groupID(api, p.ID))
	}
	return list
}

// PlanOf implements [driver.PlanReader].
func (d *Driver) PlanOf(ctx context.Context, app driver.AppID, api driver.APIID) (driver.PlanID, error) {
	c, err := d.consumerFor(ctx, app, api)
	if missing(err) {
		return "", nil
	}
	plan, _ := strings.CutPrefix(c.Group, groupID(api, ""))
	return driver.PlanID(plan), err
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, one := range list {
		if text, is := one.(string); is {
			out = append(out, text)
		}
	}
	return out
}
