package apisix

import (
	"context"
	"net/http"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options say which APISIX it is.
type Options struct {
	Name string       // of the instance, in errors
	HTTP *http.Client // the host's way out
	URL  string       // of the Admin API, without its path: http://apisix.example:9180
	Key  sdk.Secret   // is sent as X-API-KEY
	// Proxy is the address under which callers reach the data plane, "" = not known.
	Proxy string
	// Plans are those that the driver makes. Each has one limit at most, of any number of seconds: APISIX has no calendar.
	Plans []driver.Plan
	Now   func() time.Time // nil = time.Now
}

// Driver is one APISIX.
type Driver struct {
	options Options
	plans   map[driver.PlanID]driver.Plan
	admin   *rest.Client
}

// New checks the options; nothing is called yet.
func New(o Options) (*Driver, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{options: o, plans: map[driver.PlanID]driver.Plan{}}
	for _, p := range o.Plans {
		if err := checkPlan(p); err != nil {
			return nil, apierror.Inputf("APISIX %s: plan %q: %v", o.Name, p.ID, err)
		}
		if _, twice := d.plans[p.ID]; twice {
			return nil, apierror.Inputf("APISIX %s: plan %q is there twice", o.Name, p.ID)
		}
		d.plans[p.ID] = p
	}
	d.admin = &rest.Client{
		HTTP: o.HTTP, Base: o.URL, Name: "APISIX " + o.Name, Authorize: d.authorize, Explain: d.explain, Secrets: []sdk.Secret{o.Key},
	}
	return d, nil
}

// Capabilities implements [driver.Driver].
func (d *Driver) Capabilities(ctx context.Context) (driver.Capabilities, error) {
	c := driver.Capabilities{
		APIs: true, Publish: true, Plans: true, Keys: true, OwnSecret: true, RotateDual: true, Suspend: true,
		Why: map[string]string{
			"approval":     "APISIX has no such thing; the portal approves",
			"keyTTL":       "APISIX ends no keys; the portal does",
			"oauthClients": "keys are the only credentials that are made",
			"quotaRead":    "APISIX tells what is left of a limit to callers only, in headers of its answers",
			"usage":        "plugin prometheus is not on in a global rule",
		},
	}
	for rule, err := range list[rule](ctx, d, "global_rules") {
		if err != nil {
			return driver.Capabilities{}, err
		}
		if _, on := rule.Plugins["prometheus"]; on {
			c.Usage = true
			delete(c.Why, "usage")
		}
	}
	return c, nil
}

// Health implements [driver.Driver].
func (d *Driver) Health(ctx context.Context) error {
	var services listing[service]
	return d.get(ctx, &services, "services")
}

// Quota implements [driver.Driver].
func (d *Driver) Quota(context.Context, driver.AppID, driver.APIID) (driver.Quota, error) {
	return driver.Quota{}, d.problem(apierror.NotImplemented, "what is left of a limit is told to callers only, in headers of answers")
}

var (
	_ driver.Driver     = (*Driver)(nil)
	_ driver.PlanReader = (*Driver)(nil)
	_ driver.Metered    = (*Driver)(nil)
)
