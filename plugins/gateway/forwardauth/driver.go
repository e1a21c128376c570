package forwardauth

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Driver is one gateway whose keys are kept here. [Driver.Run] keeps it in step with other hosts.
type Driver struct {
	name   string
	prefix string // of keys in the store
	store  Store
	apis   map[driver.APIID]*API
	plans  map[driver.PlanID]*Plan
	order  struct {
		apis  []driver.APIID
		plans []driver.PlanID
	}
	routes  []route
	stale   time.Duration
	metrics *Metrics
	now     func() time.Time

	index  atomic.Pointer[index] // nil until it was loaded
	seen   atomic.Int64          // when the store was followed last, in nanoseconds since 1970
	taking sync.Mutex            // of whoever replaces index
	meters meters
	notes  notes

	loading sync.Mutex // guards the first load
	tried   time.Time  // when it failed
	trouble error      // why
}

// New makes a driver. It reads nothing yet.
func New(o Options) (*Driver, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	d := &Driver{
		name: o.Name, prefix: "forwardauth/" + o.Name + "/", store: o.Store, stale: o.Stale, metrics: o.Metrics, now: o.Now,
		apis: map[driver.APIID]*API{}, plans: map[driver.PlanID]*Plan{},
	}
	for n := range o.APIs {
		d.apis[o.APIs[n].ID] = &o.APIs[n]
		d.order.apis = append(d.order.apis, o.APIs[n].ID)
	}
	for n := range o.Plans {
		d.plans[o.Plans[n].ID] = &o.Plans[n]
		d.order.plans = append(d.order.plans, o.Plans[n].ID)
	}
	d.routes = routesTo(o.APIs)
	return d, nil
}

// Name is the gateway's.
func (d *Driver) Name() string { return d.name }

// Capabilities implements [driver.Driver].
func (d *Driver) Capabilities(ctx context.Context) (driver.Capabilities, error) {
	return driver.Capabilities{
		APIs: true, Plans: true, Keys: true, KeyTTL: true, OwnSecret: true, RotateDual: true, Suspend: true, QuotaRead: true,
		Usage: d.metrics != nil, Declarative: true,
		Why: map[string]string{
			"publish":      "the gateway routes by its own configuration; name the API there and in the settings of the plugin",
			"approval":     "approval is the portal's own",
			"oauthClients": "it knows API keys only",
		},
	}, ctx.Err()
}

// Health implements [driver.Driver].
func (d *Driver) Health(ctx context.Context) error {
	if _, err := d.store.Get(ctx, d.prefix+"health"); err != nil && !errors.Is(err, sdk.ErrNotFound) {
		return d.storeError("check the store", err)
	}
	if err := d.load(ctx); err != nil {
		return err
	}
	if age := d.age(); age > time.Minute {
		return apierror.Newf(apierror.ServiceUnavailable, "gateway %s: the changes of other hosts were seen last %s ago", d.name, age.Round(time.Second))
	}
	return nil
}

// APIs implements [driver.Driver].
func (d *Driver) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	return listed(ctx, d.order.apis, func(id driver.APIID) driver.API {
		a := d.apis[id]
		return driver.API{ID: a.ID, Name: a.Name, BaseURL: a.URL, Tags: a.Tags, Plans: a.Plans}
	})
}

// Plans implements [driver.Driver].
func (d *Driver) Plans(ctx context.Context) iter.Seq2[driver.Plan, error] {
	return listed(ctx, d.order.plans, func(id driver.PlanID) driver.Plan {
		p := d.plans[id]
		out := driver.Plan{ID: p.ID, Name: p.Name, Description: p.Description}
		for _, l := range p.Limits {
			out.Limits = append(out.Limits, driver.Limit{Requests: l.Requests, Window: l.Window.Length()})
		}
		return out
	})
}

func listed[I, T any](ctx context.Context, ids []I, of func(I) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, id := range ids {
			if err := ctx.Err(); err != nil {
				var none T
				yield(none, err)
				return
			}
			if !yield(of(id), nil) {
				return
			}
		}
	}
}

// Publish implements [driver.Driver].
func (d *Driver) Publish(context.Context, driver.Publication) (driver.API, error) {
	return driver.API{}, apierror.Newf(apierror.NotImplemented, "gateway %s routes by its own configuration: name the API there and in the settings of the plugin", d.name)
}

// EnsureConsumer implements [driver.Driver].
func (d *Driver) EnsureConsumer(ctx context.Context, a driver.App) error {
	if !appID.MatchString(string(a.ID)) {
		return apierror.Inputf("application id %q: a letter, then up to 39 lower-case letters, digits and hyphens", a.ID)
	}
	return d.change(ctx, a.ID, true, func(r *record) error {
		if r.version != 0 {
			return errUnchanged
		}
		r.Name, r.Owner = excerpt.Of(a.Name, maxLabel), excerpt.Of(a.Owner, maxLabel)
		return nil
	})
}

// SetPlan implements [driver.Driver].
func (d *Driver) SetPlan(ctx context.Context, app driver.AppID, api driver.APIID, plan driver.PlanID) error {
	if plan != "" {
		a := d.apis[api]
		switch {
		case a == nil:
			return apierror.NotFoundf("gateway %s: there is no API %s", d.name, api)
		case d.plans[plan] == nil:
			return apierror.NotFoundf("gateway %s: there is no plan %s", d.name, plan)
		case len(a.Plans) > 0 && !slices.Contains(a.Plans, plan):
			return apierror.Inputf("gateway %s: API %s cannot be had with plan %s", d.name, api, plan)
		}
	}
	err := d.change(ctx, app, false, func(r *record) error {
		if r.Access[api] == plan {
			return errUnchanged
		}
		if plan == "" {
			delete(r.Access, api)
			return nil
		}
		if r.Access == nil {
			r.Access = map[driver.APIID]driver.PlanID{}
		}
		r.Access[api] = plan
		return nil
	})
	if plan == "" && errors.Is(err, sdk.ErrNotFound) {
		return nil
	}
	return err
}

// Credential implements [driver.Driver].
func (d *Driver) Credential(_ context.Context, api driver.APIID) (driver.Presentation, error) {
	a := d.apis[api]
	if a == nil {
		return driver.Presentation{}, apierror.NotFoundf("gateway %s: there is no API %s", d.name, api)
	}
	return driver.Presentation{URL: a.URL, Header: a.Header, Scheme: a.Scheme, Query: a.Query}, nil
}

// Quota implements [driver.Driver]: of several limits the one that is nearest to its end. Limits per key are not the
// application's, and are left out.
func (d *Driver) Quota(ctx context.Context, app driver.AppID, api driver.APIID) (driver.Quota, error) {
	if err := d.load(ctx); err != nil {
		return driver.Quota{}, err
	}
	r, err := d.read(ctx, app)
	if err != nil {
		return driver.Quota{}, err
	}
	plan := d.plans[r.Access[api]]
	if plan == nil {
		return driver.Quota{}, apierror.NotFoundf("gateway %s: application %s has no access to %s", d.name, app, api)
	}
	if err := d.learn(ctx, shardOf(app)); err != nil {
		return driver.Quota{}, err
	}
	var nearest *driver.Quota
	for _, l := range plan.Limits {
		if l.PerKey {
			continue
		}
		used, ends := d.meters.of(meterID{app: app, api: api}).reading(l.Window, d.now())
		q := driver.Quota{
			Limit: driver.Limit{Requests: l.Requests, Window: l.Window.Length()}, Used: used, Remaining: max(l.Requests-used, 0), Resets: ends,
		}
		if nearest == nil || share(q) < share(*nearest) {
			nearest = &q
		}
	}
	if nearest == nil {
		return driver.Quota{}, apierror.NotFoundf("gateway %s: plan %s has no limit for an application", d.name, plan.ID)
	}
	return *nearest, nil
}

// share is the part of a limit that is left.
func share(q driver.Quota) float64 { return float64(q.Remaining) / float64(q.Limit.Requests) }

var _ driver.Driver = (*Driver)(nil)
