package forwardauth

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Store keeps records; [sdk.KV] is one. It is shared by all hosts, and compares versions when it writes.
type Store interface {
	Get(ctx context.Context, key string) (sdk.Stored, error)
	Put(ctx context.Context, key string, data []byte, options ...sdk.PutOptions) (int64, error)
	Keys(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// Options make a [Driver].
type Options struct {
	Name  string // of the gateway: lower-case letters, digits and hyphens. It is part of the address that is asked
	Store Store
	APIs  []API
	Plans []Plan // none = one without limits
	// Stale is how long requests are decided while the store does not answer; 0 = 15 minutes.
	Stale   time.Duration
	Metrics *Metrics // nil = nothing is counted for Prometheus
	Now     func() time.Time
}

// API is one that stands behind the gateway.
type API struct {
	ID   driver.APIID // letters, digits, and . _ -
	Name string       // "" = the ID
	// URL is where callers reach it at the gateway. Where the gateway does not name the API when it asks, the API is found
	// by the host and the path of this.
	URL  string
	Tags []string
	// Header carries the key, "" = X-Api-Key; Scheme stands before the key, "" = nothing. Authorization and Cookie cannot be
	// used: the portal reads them itself and hands them to no plugin.
	Header, Scheme string
	// Query is a parameter of the original address that may carry the key instead; "" = none.
	Query string
	// Preflight lets requests of the method OPTIONS in without a key: browsers ask so before they send one.
	Preflight bool
	Plans     []driver.PlanID // it can be had with; none = all
}

// Plan is a set of limits.
type Plan struct {
	ID                driver.PlanID
	Name, Description string
	Limits            []Limit // all of them hold
}

// Limit is a number of requests in a window.
type Limit struct {
	Requests int64
	Window   Window
	// PerKey counts each key for itself; else all keys of an application together.
	PerKey bool
}

// Unlimited is the plan that there is when there are no others.
const Unlimited driver.PlanID = "unlimited"

const (
	defaultHeader = "X-Api-Key"
	defaultStale  = 15 * time.Minute
	maxAPIs       = 500
	maxPlans      = 100
)

var (
	gatewayName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	apiID       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)
	planID      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)
	token       = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}$`)
)

func (o Options) withDefaults() Options {
	o.Stale = cmp.Or(o.Stale, defaultStale)
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Plans) == 0 {
		o.Plans = []Plan{{ID: Unlimited, Name: "Unlimited", Description: "As many requests as the gateway takes."}}
	}
	o.APIs, o.Plans = slices.Clone(o.APIs), slices.Clone(o.Plans)
	for n := range o.APIs {
		a := &o.APIs[n]
		a.Name, a.Header = cmp.Or(a.Name, string(a.ID)), http.CanonicalHeaderKey(cmp.Or(a.Header, defaultHeader))
	}
	for n := range o.Plans {
		o.Plans[n].Name = cmp.Or(o.Plans[n].Name, string(o.Plans[n].ID))
	}
	return o
}

// check names the member that is wrong.
func (o Options) check() error {
	switch {
	case !gatewayName.MatchString(o.Name):
		return apierror.Inputf("gateway name %q: a lower-case letter, then up to 39 lower-case letters, digits and hyphens", o.Name)
	case o.Store == nil:
		return apierror.Inputf("gateway %s: it has no store", o.Name)
	case len(o.APIs) > maxAPIs || len(o.Plans) > maxPlans:
		return apierror.Inputf("gateway %s: at most %d APIs and %d plans", o.Name, maxAPIs, maxPlans)
	}
	plans := map[driver.PlanID]bool{}
	for _, p := range o.Plans {
		if err := p.check(); err != nil {
			return apierror.Inputf("gateway %s: plan %q: %s", o.Name, p.ID, err.Message)
		}
		if plans[p.ID] {
			return apierror.Inputf("gateway %s: plan %q is there twice", o.Name, p.ID)
		}
		plans[p.ID] = true
	}
	apis := map[driver.APIID]bool{}
	for _, a := range o.APIs {
		if err := a.check(plans); err != nil {
			return apierror.Inputf("gateway %s: API %q: %s", o.Name, a.ID, err.Message)
		}
		if apis[a.ID] {
			return apierror.Inputf("gateway %s: API %q is there twice", o.Name, a.ID)
		}
		apis[a.ID] = true
	}
	return nil
}

func (p Plan) check() *apierror.Error {
	if !planID.MatchString(string(p.ID)) {
		return apierror.Inputf("an id is a letter or digit, then up to 39 letters, digits and . _ -")
	}
	type scope struct {
		window Window
		perKey bool
	}
	seen := map[scope]bool{}
	for _, l := range p.Limits {
		s := scope{l.Window, l.PerKey}
		switch {
		case l.Window < Second || l.Window > Month:
			return apierror.Inputf("a limit has an unknown window")
		case l.Requests < 1 || l.Requests > 1e15:
			return apierror.Inputf("%d requests per %s: at least 1, at most 10^15", l.Requests, l.Window)
		case seen[s]:
			return apierror.Inputf("two limits per %s count the same", l.Window)
		}
		seen[s] = true
	}
	return nil
}

func (a API) check(plans map[driver.PlanID]bool) *apierror.Error {
	switch {
	case !apiID.MatchString(string(a.ID)):
		return apierror.Inputf("an id is a letter or digit, then up to 79 letters, digits and . _ -")
	case !token.MatchString(a.Header):
		return apierror.Inputf("header %q is no name of a header", a.Header)
	case strings.EqualFold(a.Header, "Authorization") || strings.EqualFold(a.Header, "Cookie"):
		return apierror.Inputf("header %s: the portal hands it to no plugin; take another, such as %s", a.Header, defaultHeader)
	case a.Scheme != "" && !token.MatchString(a.Scheme):
		return apierror.Inputf("scheme %q: one word", a.Scheme)
	}
	if a.URL != "" {
		u, err := url.Parse(a.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return apierror.Inputf("url %q: http or https, a host and a path", a.URL)
		}
	}
	for _, p := range a.Plans {
		if !plans[p] {
			return apierror.Inputf("it can be had with plan %q, which is not there", p)
		}
	}
	return nil
}
