package awsgateway

import (
	"context"
	"iter"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

type apiKey struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Customer    string            `json:"customerId"`
	Description string            `json:"description"`
	Enabled     bool              `json:"enabled"`
	Created     float64           `json:"createdDate"` // seconds of Unix time
	Value       string            `json:"value"`
	Tags        map[string]string `json:"tags"`
}

// name is that of a key. One without an operation stands for its application.
type name struct {
	app       driver.AppID
	api       driver.APIID // "" = all that the application has access to
	operation string
}

const ownPrefix = "cb~"

func (n name) String() string {
	if n.operation == "" {
		return ownPrefix + string(n.app)
	}
	return ownPrefix + string(n.app) + "~" + string(n.api) + "~" + n.operation
}

// named reads a key's name.
func (k apiKey) named() (n name, own bool) {
	text, own := strings.CutPrefix(k.Name, ownPrefix)
	parts := strings.Split(text, "~")
	switch {
	case !own || parts[0] == "":
		return name{}, false
	case len(parts) == 1:
		return name{app: driver.AppID(parts[0])}, true
	case len(parts) == 3 && parts[2] != "":
		return name{driver.AppID(parts[0]), driver.APIID(parts[1]), parts[2]}, true
	}
	return name{}, false
}

// customer is how keys say whose they are.
func customer(app driver.AppID) string { return "callboard:" + string(app) }

func (k apiKey) key(app driver.AppID) driver.Key {
	key := driver.Key{ID: driver.KeyID(k.ID), App: app, Label: orElse(k.Description, k.Name), Suspended: !k.Enabled}
	if n, own := k.named(); own {
		key.App, key.Operation = n.app, n.operation
	}
	if k.Created > 0 && k.Created < 1e11 {
		whole, part := math.Modf(k.Created)
		key.Created = time.Unix(int64(whole), int64(part*1e9)).UTC()
	}
	return key
}

// application is what the gateway has of one.
type application struct {
	marker  apiKey // stands for it
	known   bool
	own     []apiKey
	foreign []apiKey
}

// application reads an application's keys.
func (d *Driver) application(ctx context.Context, app driver.AppID) (application, error) {
	var a application
	for k, err := range all[apiKey](ctx, d, "/apikeys", url.Values{"customerId": {customer(app)}}) {
		if err != nil {
			return application{}, err
		}
		n, own := k.named()
		switch {
		case k.ID == "" || k.Customer != customer(app):
		case !own || n.app != app:
			a.foreign = append(a.foreign, k)
		case n.operation != "":
			a.own = append(a.own, k)
		case !a.known || k.ID < a.marker.ID: // two that were made at once: all see the same
			a.marker, a.known = k, true
		}
	}
	return a, nil
}

func (d *Driver) unknown(app driver.AppID) error {
	return apierror.NotFoundf("%s: no application %s", d.options.Name, app)
}

// EnsureConsumer implements [driver.Driver].
func (d *Driver) EnsureConsumer(ctx context.Context, app driver.App) error {
	a, err := d.application(ctx, app.ID)
	if err != nil || a.known {
		return err
	}
	return d.create(ctx, map[string]any{
		"name": name{app: app.ID}.String(), "description": "Stands for the application " + orElse(app.Name, string(app.ID)) + ", owned by " + app.Owner,
		"enabled": false, "customerId": customer(app.ID), "generateDistinctId": true,
	}, "", &apiKey{})
}

func (d *Driver) create(ctx context.Context, key map[string]any, secret sdk.Secret, out *apiKey) error {
	return d.call(ctx, rest.Request{Method: http.MethodPost, Path: "/apikeys", Body: key, Hide: []sdk.Secret{secret}}, out)
}

// IssueKey implements [driver.Driver]. A key that was made but is in no plan yet is put into the request's.
func (d *Driver) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	a, err := d.application(ctx, r.App)
	switch {
	case err != nil:
		return driver.IssuedKey{}, err
	case !a.known:
		return driver.IssuedKey{}, d.unknown(r.App)
	case r.Operation == "" || strings.Contains(string(r.API)+r.Operation, "~"):
		return driver.IssuedKey{}, apierror.Inputf("%s: no key can be made for API %s", d.options.Name, rest.Line(string(r.API)))
	}
	wanted, err := d.wanted(ctx, a, r)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	k, found := a.issued(r.Operation)
	if found {
		err = d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("apikeys", k.ID), Query: url.Values{"includeValue": {"true"}}}, &k)
	} else {
		k, err = d.makeKey(ctx, r)
	}
	if err != nil {
		return driver.IssuedKey{}, err
	}
	if k.ID == "" || k.Value == "" {
		return driver.IssuedKey{}, apierror.Newf(apierror.ServiceUnavailable, "%s does not tell the key that it made", d.options.Name)
	}
	if err := d.join(ctx, k, wanted); err != nil {
		return driver.IssuedKey{}, err
	}
	return driver.IssuedKey{Key: k.key(r.App), Secret: sdk.Secret(k.Value)}, nil
}

func (a application) issued(operation string) (apiKey, bool) {
	for _, k := range a.own {
		if n, _ := k.named(); n.operation == operation {
			return k, true
		}
	}
	return apiKey{}, false
}

// makeKey makes the key of a request. Its secret is refused when there is a key with it: then an earlier call made it, and the
// list did not have it yet.
func (d *Driver) makeKey(ctx context.Context, r driver.KeyRequest) (apiKey, error) {
	key := map[string]any{
		"name": name{r.App, r.API, r.Operation}.String(), "description": r.Label, "enabled": true, "customerId": customer(r.App), "generateDistinctId": true,
	}
	if r.Secret != "" {
		key["value"] = r.Secret.Reveal()
	}
	var k apiKey
	err := d.create(ctx, key, r.Secret, &k)
	if !conflicting(err) {
		return k, err
	}
	a, listErr := d.application(ctx, r.App)
	k, found := a.issued(r.Operation)
	if listErr != nil || !found {
		return apiKey{}, err
	}
	k.Value = r.Secret.Reveal()
	return k, nil
}

// RevokeKey implements [driver.Driver].
func (d *Driver) RevokeKey(ctx context.Context, app driver.AppID, key driver.KeyID) error {
	_, err := d.owned(ctx, app, key)
	if err == nil {
		err = d.call(ctx, rest.Request{Method: http.MethodDelete, Path: rest.Path("apikeys", string(key))}, nil)
	}
	return unless(err, missing)
}

// owned reads a key of an application; not found when it is another's, or stands for the application.
func (d *Driver) owned(ctx context.Context, app driver.AppID, key driver.KeyID) (apiKey, error) {
	var k apiKey
	if err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("apikeys", string(key))}, &k); err != nil {
		return k, err
	}
	if k.ID != string(key) {
		return k, apierror.Newf(apierror.ServiceUnavailable, "%s answers another key than it is asked for", d.options.Name)
	}
	n, own := k.named()
	if k.Customer != customer(app) || own && n.operation == "" {
		return k, apierror.NotFoundf("%s: application %s has no key %s", d.options.Name, app, key)
	}
	return k, nil
}

// SuspendKey implements [driver.Driver].
func (d *Driver) SuspendKey(ctx context.Context, app driver.AppID, key driver.KeyID, suspended bool) error {
	k, err := d.owned(ctx, app, key)
	if err != nil || k.Enabled == !suspended {
		return err
	}
	value := "true"
	if suspended {
		value = "false"
	}
	return d.call(ctx, rest.Request{Method: http.MethodPatch, Path: rest.Path("apikeys", k.ID), Body: map[string][]patch{
		"patchOperations": {{"replace", "/enabled", value}},
	}}, &k)
}

// Keys implements [driver.Driver].
func (d *Driver) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	query := url.Values{}
	if app != "" {
		query.Set("customerId", customer(app))
	}
	return rest.Mapped(all[apiKey](ctx, d, "/apikeys", query), func(k apiKey) (driver.Key, bool) {
		n, own := k.named()
		if app == "" {
			return k.key(n.app), own && n.operation != "" && k.ID != ""
		}
		return k.key(app), k.ID != "" && k.Customer == customer(app) && (!own || n.operation != "")
	})
}
