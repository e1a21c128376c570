package expressgateway

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// Options say which Express Gateway it is.
type Options struct {
	Name string       // of the instance, in errors
	HTTP *http.Client // the host's way out
	URL  string       // of the Admin API
	// Header and Value are sent where something stands before the Admin API, which has no credentials of its own; "" = none.
	Header string
	Value  sdk.Secret
	// Proxy is the address under which callers reach the gateway; "" = not known.
	Proxy string
	Now   func() time.Time // nil = time.Now
}

// Driver is one Express Gateway.
type Driver struct {
	options Options
	admin   rest.Client
}

// New checks the options; nothing is called yet.
func New(o Options) (*Driver, error) {
	for field, text := range map[string]string{"url": o.URL, "proxy": o.Proxy} {
		u, err := url.Parse(text)
		if (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil) && (field == "url" || text != "") {
			return nil, apierror.Inputf("Express Gateway %s: %s: an address such as http://127.0.0.1:9876 is needed, without credentials", o.Name, field)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Driver{options: o, admin: rest.Client{HTTP: o.HTTP, Base: o.URL, Name: "Express Gateway " + o.Name, Secrets: []sdk.Secret{o.Value}}}
	if o.Header != "" {
		d.admin.Authorize = func(r *http.Request) error {
			r.Header.Set(o.Header, o.Value.Reveal())
			return nil
		}
	}
	return d, nil
}

// Capabilities implements [driver.Driver].
func (d *Driver) Capabilities(ctx context.Context) (driver.Capabilities, error) {
	return driver.Capabilities{
		APIs: true, Publish: true, Plans: true, Keys: true, RotateDual: true, Suspend: true,
		Why: map[string]string{
			"keyTTL":       "its keys do not expire; the portal ends them",
			"ownSecret":    "callers present the id and the secret of a key together",
			"approval":     "approval is the portal's own",
			"quotaRead":    "it tells what is left to callers only",
			"usage":        "it has no metrics",
			"oauthClients": "the plugin manages its API keys only",
		},
	}, ctx.Err()
}

// Health implements [driver.Driver].
func (d *Driver) Health(ctx context.Context) error {
	_, err := d.users(ctx)
	return err
}

// endpoint is an API endpoint as far as the driver reads it.
type endpoint struct {
	Host   string    `json:"host"`
	Paths  oneOrMany `json:"paths"`
	Scopes scopes    `json:"scopes"`
}

// oneOrMany is a text or a list of texts.
type oneOrMany []string

// UnmarshalJSON implements [json.Unmarshaler].
func (o *oneOrMany) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = nil
		if one != "" {
			*o = oneOrMany{one}
		}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// scopes are texts, or objects with a member scope, or one of either.
type scopes []string

// UnmarshalJSON implements [json.Unmarshaler].
func (s *scopes) UnmarshalJSON(text []byte) error {
	var many []json.RawMessage
	if json.Unmarshal(text, &many) != nil {
		many = []json.RawMessage{text}
	}
	*s = nil
	for _, each := range many {
		var object struct {
			Scope string `json:"scope"`
		}
		if json.Unmarshal(each, &object.Scope) != nil {
			if err := json.Unmarshal(each, &object); err != nil {
				return err
			}
		}
		if object.Scope != "" {
			*s = append(*s, object.Scope)
		}
	}
	return nil
}

// endpoints are the API endpoints by name. One of several forms counts as its first.
func (d *Driver) endpoints(ctx context.Context) (map[string]endpoint, error) {
	var raw map[string]json.RawMessage
	if err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: "/api-endpoints"}, &raw); err != nil {
		return nil, err
	}
	found := map[string]endpoint{}
	for name, text := range raw {
		var many []endpoint
		if json.Unmarshal(text, &many) != nil {
			var one endpoint
			if json.Unmarshal(text, &one) != nil {
				return nil, d.unlike("API endpoints")
			}
			many = []endpoint{one}
		}
		if len(many) > 0 {
			found[name] = many[0]
		}
	}
	return found, nil
}

// pipeline is what the gateway does with requests to some endpoints.
type pipeline struct {
	Endpoints oneOrMany                    `json:"apiEndpoints"`
	Policies  []map[string]json.RawMessage `json:"policies"`
}

func (d *Driver) pipelines(ctx context.Context) (map[string]pipeline, error) {
	found := map[string]pipeline{}
	err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: "/pipelines"}, &found)
	return found, err
}

// of is the pipeline of an endpoint, "" = none: of several, the gateway uses the last.
func pipelineOf(all map[string]pipeline, name string) string {
	found := ""
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if slices.Contains(all[id].Endpoints, name) {
			found = id
		}
	}
	return found
}

// actions are those of a policy, in all steps. A policy without steps has one, of defaults.
func actions[A any](p pipeline, policy string) []A {
	var found []A
	for _, named := range p.Policies {
		type step struct {
			Action A `json:"action"`
		}
		text, has := named[policy]
		if !has {
			continue
		}
		var steps []step
		if json.Unmarshal(text, &steps) != nil || len(steps) == 0 {
			var one step
			_ = json.Unmarshal(text, &one) // what is no step is one of defaults
			steps = []step{one}
		}
		for _, s := range steps {
			found = append(found, s.Action)
		}
	}
	return found
}

// APIs implements [driver.Driver].
func (d *Driver) APIs(ctx context.Context) iter.Seq2[driver.API, error] {
	return func(yield func(driver.API, error) bool) {
		endpoints, err := d.endpoints(ctx)
		if err != nil {
			yield(driver.API{}, err)
			return
		}
		pipelines, err := d.pipelines(ctx)
		if err != nil {
			yield(driver.API{}, err)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(endpoints)) {
			api := driver.API{ID: driver.APIID(name), Name: name, BaseURL: d.address(endpoints[name])}
			if p := pipelineOf(pipelines, name); p != "" {
				api.Plans = []driver.PlanID{driver.PlanID(p)}
			}
			if !yield(api, nil) {
				return
			}
		}
	}
}

// address is where callers reach an endpoint: its first path up to what is variable.
func (d *Driver) address(e endpoint) string {
	if d.options.Proxy == "" {
		return ""
	}
	path := ""
	if len(e.Paths) > 0 {
		path, _, _ = strings.Cut(e.Paths[0], "*")
		path, _, _ = strings.Cut(path, ":")
	}
	return strings.TrimRight(strings.TrimRight(d.options.Proxy, "/")+path, "/")
}

// Plans implements [driver.Driver].
func (d *Driver) Plans(ctx context.Context) iter.Seq2[driver.Plan, error] {
	return func(yield func(driver.Plan, error) bool) {
		pipelines, err := d.pipelines(ctx)
		if err != nil {
			yield(driver.Plan{}, err)
			return
		}
		for _, id := range slices.Sorted(maps.Keys(pipelines)) {
			if !yield(driver.Plan{ID: driver.PlanID(id), Name: id, Limits: limits(pipelines[id])}, nil) {
				return
			}
		}
	}
}

// limits are what the rate-limit policies of a pipeline say; what they leave out is the gateway's default.
func limits(p pipeline) []driver.Limit {
	var found []driver.Limit
	for _, a := range actions[struct {
		Max    *int64 `json:"max"`
		Window *int64 `json:"windowMs"`
	}](p, "rate-limit") {
		requests, window := int64(5), int64(60_000)
		if a.Max != nil {
			requests = *a.Max
		}
		if a.Window != nil {
			window = *a.Window
		}
		if requests > 0 { // 0 = no limit
			found = append(found, driver.Limit{Requests: requests, Window: time.Duration(window) * time.Millisecond})
		}
	}
	return found
}

// Credential implements [driver.Driver].
func (d *Driver) Credential(ctx context.Context, api driver.APIID) (driver.Presentation, error) {
	endpoints, err := d.endpoints(ctx)
	if err != nil {
		return driver.Presentation{}, err
	}
	e, ok := endpoints[string(api)]
	if !ok {
		return driver.Presentation{}, apierror.NotFoundf("%s has no API endpoint %s", d.admin.Name, api)
	}
	pipelines, err := d.pipelines(ctx)
	if err != nil {
		return driver.Presentation{}, err
	}
	p := driver.Presentation{URL: d.address(e), Header: "Authorization", Scheme: "apiKey", Query: "apiKey"}
	for _, a := range actions[struct {
		Header   string `json:"apiKeyHeader"`
		Scheme   string `json:"apiKeyHeaderScheme"`
		Query    string `json:"apiKeyField"`
		NoHeader bool   `json:"disableHeaders"`
		NoScheme bool   `json:"disableHeadersScheme"`
		NoQuery  bool   `json:"disableQueryParam"`
	}](pipelines[pipelineOf(pipelines, string(api))], keyAuth) {
		p.Header, p.Scheme, p.Query = cmp.Or(a.Header, p.Header), cmp.Or(a.Scheme, p.Scheme), cmp.Or(a.Query, p.Query)
		if a.NoHeader {
			p.Header, p.Scheme = "", ""
		}
		if a.NoScheme {
			p.Scheme = ""
		}
		if a.NoQuery {
			p.Query = ""
		}
	}
	return p, nil
}

// Quota implements [driver.Driver].
func (d *Driver) Quota(context.Context, driver.AppID, driver.APIID) (driver.Quota, error) {
	return driver.Quota{}, apierror.Newf(apierror.NotImplemented, "%s tells what is left of a limit to callers only", d.admin.Name)
}

var _ driver.Driver = (*Driver)(nil)
