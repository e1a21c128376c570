package tyk

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options say which Tyk it is.
type Options struct {
	Name   string       // of the instance, in errors
	HTTP   *http.Client // the host's way out
	URL    string       // of the Gateway API, without /tyk
	Secret sdk.Secret   // is sent as X-Tyk-Authorization
	Org    string       // of keys, policies and APIs that the driver makes; that of the APIs
	// Proxy is the address under which callers reach the gateway, "" = URL.
	Proxy string
	// Plans are those that the driver makes: with one limit of less than an hour and one of an hour or more, at most.
	Plans []driver.Plan
	Now   func() time.Time // nil = time.Now
}

// Driver is one Tyk.
type Driver struct {
	options Options
	plans   map[driver.PlanID]driver.Plan
	admin   *rest.Client

	mu      sync.Mutex
	changes map[driver.AppID]*sync.Mutex // of applications, one at a time
	aliases map[string]remembered        // of keys in the list
}

// New checks the options; nothing is called yet.
func New(o Options) (*Driver, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Proxy == "" {
		o.Proxy = o.URL
	}
	d := &Driver{options: o, plans: map[driver.PlanID]driver.Plan{}, changes: map[driver.AppID]*sync.Mutex{}, aliases: map[string]remembered{}}
	for _, p := range o.Plans {
		if err := checkPlan(p); err != nil {
			return nil, apierror.Inputf("Tyk %s: plan %q: %v", o.Name, p.ID, err)
		}
		if _, twice := d.plans[p.ID]; twice {
			return nil, apierror.Inputf("Tyk %s: plan %q is there twice", o.Name, p.ID)
		}
		d.plans[p.ID] = p
	}
	d.admin = &rest.Client{
		HTTP: o.HTTP, Base: o.URL, Name: "Tyk " + o.Name, Authorize: d.authorize, Explain: d.explain, Secrets: []sdk.Secret{o.Secret},
	}
	return d, nil
}

// lock keeps changes of an application apart until the caller unlocks.
func (d *Driver) lock(app driver.AppID) (unlock func()) {
	d.mu.Lock()
	one := d.changes[app]
	if one == nil {
		one = &sync.Mutex{}
		d.changes[app] = one
	}
	d.mu.Unlock()
	one.Lock()
	return one.Unlock
}

// Capabilities implements [driver.Driver].
func (d *Driver) Capabilities(ctx context.Context) (driver.Capabilities, error) {
	c := driver.Capabilities{
		APIs: true, Publish: true, Plans: true, Keys: true, KeyTTL: true, OwnSecret: true, RotateDual: true, Suspend: true, QuotaRead: true, Usage: true,
		Why: map[string]string{
			"approval":     "the gateway has no such thing; the portal approves",
			"oauthClients": "keys are the only credentials that are made",
		},
	}
	_, err := d.hashed(ctx) // whether it is a Tyk
	return c, err
}

// Health implements [driver.Driver].
func (d *Driver) Health(ctx context.Context) error {
	var apis *[]definition
	if err := d.get(ctx, "/tyk/apis", &apis); err != nil {
		return err
	}
	if apis == nil {
		return d.unavailable("answers no list of APIs")
	}
	var hello struct {
		Details map[string]struct {
			Status string `json:"status"`
			Output string `json:"output"`
		} `json:"details"`
	}
	if err := d.get(ctx, "/hello", &hello); err != nil {
		return err
	}
	if redis := hello.Details["redis"]; redis.Status == "fail" {
		return d.unavailable("does not reach Redis: %s", rest.Line(redis.Output))
	}
	return nil
}

var (
	_ driver.Driver     = (*Driver)(nil)
	_ driver.PlanReader = (*Driver)(nil)
)
