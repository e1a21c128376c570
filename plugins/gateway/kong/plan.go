package kong

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

const day = 24 * time.Hour

// windows are those of plugin rate-limiting, from the shortest on.
var windows = []struct {
	name   string
	length time.Duration
}{{"second", time.Second}, {"minute", time.Minute}, {"hour", time.Hour}, {"day", day}, {"month", 30 * day}, {"year", 365 * day}}

var planName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// checkPlan finds what plugin rate-limiting would refuse.
func checkPlan(p driver.Plan) error {
	if !planName.MatchString(string(p.ID)) {
		return errors.New("the id must be 1 to 63 letters, digits, dots, hyphens or underscores")
	}
	limits := map[time.Duration]int64{}
	for _, l := range p.Limits {
		if l.Requests <= 0 {
			return errors.New("a limit must be more than no request")
		}
		if _, twice := limits[l.Window]; twice {
			return fmt.Errorf("there are two limits for %v", l.Window)
		}
		limits[l.Window] = l.Requests
	}
	shorter := int64(0)
	for _, w := range windows {
		n, set := limits[w.length]
		delete(limits, w.length)
		if set && n < shorter {
			return fmt.Errorf("the limit for a %s cannot be lower than that for a shorter time", w.name)
		}
		shorter = max(shorter, n)
	}
	for length := range limits {
		return fmt.Errorf("Kong has no window of %v; it has second, minute, hour, day, month (720h) and year (8760h)", length)
	}
	return nil
}

// rates are the limits of a plan as the configuration of rate-limiting; windows without a limit are null.
func (d *Driver) rates(p driver.Plan) map[string]any {
	config := map[string]any{"policy": d.options.Policy, "limit_by": "consumer"}
	for _, w := range windows {
		config[w.name] = nil
		for _, l := range p.Limits {
			if l.Window == w.length {
				config[w.name] = l.Requests
			}
		}
	}
	return config
}

// group is the ACL group of a plan of the driver's at a service.
func group(api driver.APIID, plan driver.PlanID) string { return string(api) + ":" + string(plan) }

// groups are those of all plans of the driver's.
func (d *Driver) groups(api driver.APIID) []string {
	list := make([]string, 0, len(d.options.Plans))
	for _, p := range d.options.Plans {
		list = append(list, group(api, p.ID))
	}
	return list
}

// Plans implements [driver.Driver].
func (d *Driver) Plans(ctx context.Context) iter.Seq2[driver.Plan, error] {
	if _, err := d.writable(ctx); err != nil {
		return rest.Failed[driver.Plan](err)
	}
	found, err := d.foundGroups(ctx)
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
		for _, name := range found.names {
			p := driver.Plan{ID: driver.PlanID(name), Name: name, Description: "Group of plugin acl at " + string(found.api[name]) + "; its limits are not known"}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// found are groups that others made, each allowed by one service.
type found struct {
	names []string
	api   map[string]driver.APIID
}

func (d *Driver) foundGroups(ctx context.Context) (found, error) {
	f := found{api: map[string]driver.APIID{}}
	all, err := d.served(ctx)
	if err != nil {
		return f, err
	}
	for _, s := range all.services {
		for _, name := range all.allowed[s.ID] {
			if _, own := d.plans[driver.PlanID(name)]; !own && all.exclusive(name) && !slices.Contains(d.groups(apiID(s)), name) {
				f.names = append(f.names, name)
				f.api[name] = apiID(s)
			}
		}
	}
	slices.Sort(f.names)
	return f, nil
}

// SetPlan implements [driver.Driver]. Limits are there before access is, and access goes before limits go.
func (d *Driver) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	n, err := d.writable(ctx)
	if err != nil {
		return err
	}
	s, err := d.service(ctx, api)
	if err != nil {
		return err
	}
	held, err := d.memberships(ctx, app)
	if err != nil {
		if plan == "" && missing(err) {
			return nil
		}
		return err
	}
	g, err := d.guard(ctx, s)
	if err != nil {
		return err
	}
	wanted, err := d.wanted(ctx, g, api, plan)
	if err != nil {
		return err
	}
	changes, err := d.transition(n, g, app, wanted, plan, held)
	if err != nil {
		return err
	}
	return d.apply(ctx, n, changes...)
}

// wanted is the group that a plan is at a service, "" = none.
func (d *Driver) wanted(ctx context.Context, g guard, api driver.APIID, plan driver.PlanID) (string, error) {
	if plan == "" {
		return "", nil
	}
	if _, own := d.plans[plan]; own {
		return group(apiID(g.service), plan), nil
	}
	f, err := d.foundGroups(ctx)
	if err != nil {
		return "", err
	}
	if f.api[string(plan)] != apiID(g.service) {
		return "", d.problem(apierror.NotFound, "has no plan %q for %s", rest.Line(string(plan)), rest.Line(string(api)))
	}
	return string(plan), nil
}

// transition are the writes from the groups that an application holds to the one that it should hold.
func (d *Driver) transition(n *Node, g guard, app driver.AppID, wanted string, plan driver.PlanID, held []membership) ([]change, error) {
	limit := d.limiting(g, app, plan)
	var changes []change
	if limit.verb == put {
		changes = append(changes, limit)
	}
	if wanted != "" {
		allow, err := d.allow(n, g)
		if err != nil {
			return nil, err
		}
		changes = append(changes, allow...)
		changes = append(changes, change{
			verb: put, kind: memberships, owner: consumerID(app), id: membershipID(app, wanted, held),
			body: map[string]any{"group": wanted, "tags": []any{ours, ofApp + string(app)}},
		})
	}
	changes = append(changes, d.leaving(n, g, app, wanted, held)...)
	if limit.verb == remove {
		changes = append(changes, limit)
	}
	return changes, nil
}

// limiting is the limit of a plan for an application at a service, or that it goes.
func (d *Driver) limiting(g guard, app driver.AppID, plan driver.PlanID) change {
	limit := change{verb: remove, kind: plugins, id: stableID("rate-limiting", g.service.ID, string(app))}
	if p, own := d.plans[plan]; own && len(p.Limits) > 0 {
		limit.verb = put
		limit.body = map[string]any{
			"name": "rate-limiting", "service": ref{g.service.ID}, "consumer": ref{consumerID(app)}, "config": d.rates(p), "tags": []any{ours, ofApp + string(app)},
		}
	}
	return limit
}

// leaving has an application leave all groups of a service but one. Where nodes have no database in common, one of them may
// know a membership that the first does not.
func (d *Driver) leaving(n *Node, g guard, app driver.AppID, wanted string, held []membership) []change {
	var changes []change
	leave := func(id string) {
		changes = append(changes, change{verb: remove, kind: memberships, owner: consumerID(app), id: id})
	}
	groups := append(d.groups(apiID(g.service)), g.allowed...)
	for _, m := range held {
		if m.Group != wanted && slices.Contains(groups, m.Group) {
			leave(m.ID)
		}
	}
	for _, name := range groups {
		if n.Declarative && name != wanted {
			leave(stableID("acl", string(app), name))
		}
	}
	return changes
}

// membershipID is that of a membership which is there already, whoever made it, or of a new one.
func membershipID(app driver.AppID, group string, held []membership) string {
	for _, m := range held {
		if m.Group == group {
			return m.ID
		}
	}
	return stableID("acl", string(app), group)
}

func (d *Driver) memberships(ctx context.Context, app driver.AppID) ([]membership, error) {
	var held []membership
	for m, err := range list[membership](ctx, d, rest.Path(consumers.path, consumerID(app), memberships.nested)) {
		if err != nil {
			return nil, err
		}
		held = append(held, m)
	}
	return held, nil
}

// guard is what stands before a service.
type guard struct {
	service  service
	keyAuth  *plugin
	acl      *plugin
	allowed  []string
	exposing string // what is missing for groups to mean anything, "" = nothing
}

func (d *Driver) guard(ctx context.Context, s service) (guard, error) {
	g := guard{service: s}
	for p, err := range list[plugin](ctx, d, rest.Path(services.path, s.ID, plugins.path)) {
		if err != nil {
			return g, err
		}
		if !p.Enabled || p.Consumer.ID != "" || p.Route.ID != "" {
			continue
		}
		switch p.Name {
		case "key-auth":
			g.keyAuth = &p
		case "acl":
			g.acl, g.allowed = &p, texts(p.Config["allow"])
		}
	}
	switch {
	case g.keyAuth == nil:
		g.exposing = "plugin key-auth is not on"
	case g.acl == nil:
		g.exposing = "plugin acl is not on"
	case g.acl.Config["allow"] == nil:
		g.exposing = "plugin acl denies groups instead of allowing some"
	}
	return g, nil
}

// allow has the groups of all the driver's plans among those that a service allows. All at once, so that two plans that are
// given at the same time do not undo each other.
func (d *Driver) allow(n *Node, g guard) ([]change, error) {
	if g.exposing != "" {
		return nil, d.problem(apierror.Conflict, "service %s cannot be had with a plan, because %s at it; callers with any key would get in, or none", apiID(g.service), g.exposing)
	}
	allowed := slices.Clone(g.allowed)
	for _, name := range d.groups(apiID(g.service)) {
		if !slices.Contains(allowed, name) {
			allowed = append(allowed, name)
		}
	}
	if len(allowed) == len(g.allowed) && !n.Declarative {
		return nil, nil
	}
	return []change{{verb: patch, kind: plugins, id: g.acl.ID, body: map[string]any{"config": map[string]any{"allow": anys(allowed)}}}}, nil
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, one := range list {
		out[i] = one
	}
	return out
}

// Quota implements [driver.Driver].
func (d *Driver) Quota(context.Context, driver.AppID, driver.APIID) (driver.Quota, error) {
	return driver.Quota{}, d.problem(apierror.NotImplemented, "what is left of a limit is told to callers only, in headers of answers")
}

// texts are the strings of a list.
func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, one := range list {
		if text, is := one.(string); is {
			out = append(out, strings.TrimSpace(text))
		}
	}
	return out
}

// PlanOf implements [driver.PlanReader].
func (d *Driver) PlanOf(ctx context.Context, app driver.AppID, api driver.APIID) (driver.PlanID, error) {
	s, err := d.service(ctx, api)
	if err != nil {
		return "", err
	}
	held, err := d.memberships(ctx, app)
	if err != nil {
		if missing(err) {
			return "", nil
		}
		return "", err
	}
	g, err := d.guard(ctx, s)
	if err != nil {
		return "", err
	}
	for _, m := range held {
		if !slices.Contains(g.allowed, m.Group) {
			continue
		}
		if plan, own := strings.CutPrefix(m.Group, group(apiID(s), "")); own {
			return driver.PlanID(plan), nil
		}
		return driver.PlanID(m.Group), nil
	}
	return "", nil
}
