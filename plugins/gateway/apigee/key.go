package apigee

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// credential is a key of an app.
type credential struct {
	Key        string     `json:"consumerKey"`
	Status     string     `json:"status"`
	Issued     number     `json:"issuedAt"`  // milliseconds of Unix time
	Expires    number     `json:"expiresAt"` // -1 = never
	Attributes attributes `json:"attributes"`
	Products   []struct {
		Name   string `json:"apiproduct"`
		Status string `json:"status"`
	} `json:"apiProducts"`
}

// The attributes of keys.
const (
	operationAttribute = "callboard-operation"
	apiAttribute       = "callboard-api"
	labelAttribute     = "callboard-label"
)

// id is a digest of a key: the key itself is the secret.
func (c credential) id() driver.KeyID {
	sum := sha256.Sum256([]byte(c.Key))
	return driver.KeyID(hex.EncodeToString(sum[:16]))
}

// serves holds for keys that follow the plan of an API.
func (c credential) serves(api driver.APIID) bool {
	own := c.Attributes.get(apiAttribute)
	return c.Attributes.get(operationAttribute) != "" && (own == "" || own == string(api))
}

// told holds for keys that are listed: those that open something, and this plugin's own.
func (c credential) told() bool {
	return c.Key != "" && (len(c.Products) > 0 || c.Attributes.get(operationAttribute) != "")
}

// pending is a product of a key that somebody must approve.
func (c credential) pending() bool {
	for _, p := range c.Products {
		if p.Status == "pending" {
			return true
		}
	}
	return false
}

func (c credential) key(a app) driver.Key {
	k := driver.Key{
		ID: c.id(), App: driver.AppID(a.Name), Operation: c.Attributes.get(operationAttribute), Label: c.Attributes.get(labelAttribute),
		Created: at(c.Issued), Expires: at(c.Expires), Suspended: a.Status != approved || c.Status != approved,
	}
	if len(c.Key) >= 24 { // of a short key the beginning would tell too much
		k.Prefix = c.Key[:6]
	}
	for _, p := range c.Products {
		k.Suspended = k.Suspended || p.Status != approved
	}
	return k
}

// at is a time of Apigee; zero where it has none.
func at(ms number) time.Time {
	if ms <= 0 || ms > 1e14 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// find finds a key of an app.
func (a app) find(wanted func(credential) bool) (credential, bool) {
	for _, c := range a.Credentials {
		if c.Key != "" && wanted(c) {
			return c, true
		}
	}
	return credential{}, false
}

// IssueKey implements [driver.Driver]: it makes the key, then gives it its product. What is cut off between is done again.
func (d *Driver) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	a, err := d.app(ctx, r.App)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	if r.Operation == "" {
		return driver.IssuedKey{}, apierror.Inputf("%s: a key is made for an operation", d.options.Name)
	}
	if r.Plan != "" {
		if err := d.checkPlan(ctx, r.Plan, r.API); err != nil {
			return driver.IssuedKey{}, err
		}
	}
	c, found := a.find(func(c credential) bool { return c.Attributes.get(operationAttribute) == r.Operation })
	if !found {
		if c, err = d.makeKey(ctx, r); err != nil {
			return driver.IssuedKey{}, err
		}
	}
	if r.Plan != "" && len(c.Products) == 0 {
		if c, err = d.add(ctx, r.App, c, r.Plan); err != nil {
			return driver.IssuedKey{}, err
		}
	}
	return driver.IssuedKey{Key: c.key(a), Secret: sdk.Secret(c.Key)}, nil
}

func (d *Driver) makeKey(ctx context.Context, r driver.KeyRequest) (credential, error) {
	if r.Secret == "" {
		r.Secret = sdk.Secret(rand.Text() + rand.Text())
	}
	other := sdk.Secret(rand.Text() + rand.Text()) // of OAuth; nobody is told
	key := map[string]any{"consumerKey": r.Secret.Reveal(), "consumerSecret": other.Reveal(), "attributes": attributes{}.
		with(operationAttribute, r.Operation).with(apiAttribute, string(r.API)).with(labelAttribute, line(orElse(r.Label, string(r.App))))}
	if !r.Expires.IsZero() {
		key["expiresInSeconds"] = strconv.FormatInt(max(int64(r.Expires.Sub(d.options.Now())+time.Second-1)/int64(time.Second), 1), 10)
	}
	var c credential
	err := d.call(ctx, rest.Request{Method: http.MethodPost, Path: d.appPath(r.App, "keys"), Body: key, Hide: []sdk.Secret{r.Secret, other}}, &c)
	if conflicting(err) { // an earlier call made it
		a, listErr := d.app(ctx, r.App)
		c, found := a.find(func(c credential) bool { return c.Key == r.Secret.Reveal() })
		if listErr != nil || !found {
			return credential{}, err
		}
		return c, nil
	}
	if err == nil && c.Key != r.Secret.Reveal() {
		err = apierror.Newf(apierror.ServiceUnavailable, "%s made another key than it was asked for", d.options.Name)
	}
	return c, err
}

// add gives a key a product. Its attributes are sent with it: without them Apigee takes them away.
func (d *Driver) add(ctx context.Context, id driver.AppID, c credential, plan driver.PlanID) (credential, error) {
	var changed credential
	err := d.call(ctx, rest.Request{
		Method: http.MethodPost, Path: d.appPath(id, "keys", c.Key), Hide: []sdk.Secret{sdk.Secret(c.Key)},
		Body: map[string]any{"apiProducts": []string{string(plan)}, "attributes": c.Attributes},
	}, &changed)
	if err == nil && changed.Key != c.Key {
		err = apierror.Newf(apierror.ServiceUnavailable, "%s answers another key than it is asked for", d.options.Name)
	}
	return changed, err
}

// RevokeKey implements [driver.Driver].
func (d *Driver) RevokeKey(ctx context.Context, app driver.AppID, key driver.KeyID) error {
	a, err := d.app(ctx, app)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	c, found := a.find(func(c credential) bool { return c.id() == key })
	if !found {
		return nil
	}
	return d.deleteKey(ctx, app, c)
}

// SuspendKey implements [driver.Driver]. It changes the status of the key, not that of its app or of its products.
func (d *Driver) SuspendKey(ctx context.Context, app driver.AppID, key driver.KeyID, suspended bool) error {
	a, err := d.app(ctx, app)
	if err != nil {
		return err
	}
	c, found := a.find(func(c credential) bool { return c.id() == key })
	if !found {
		return apierror.NotFoundf("%s: application %s has no key %s", d.options.Name, app, key)
	}
	if suspended == (c.Status == approved) {
		action := "approve"
		if suspended {
			action = "revoke"
		}
		if err := d.call(ctx, rest.Request{
			Method: http.MethodPost, Path: d.appPath(app, "keys", c.Key), Query: url.Values{"action": {action}}, Body: []byte{}, Hide: []sdk.Secret{sdk.Secret(c.Key)},
		}, nil); err != nil {
			return err
		}
	}
	switch {
	case suspended:
		return nil
	case a.Status != approved:
		return apierror.Conflictf("%s: the app is %s in Apigee, which refuses all of its keys", d.options.Name, rest.Line(a.Status))
	case c.pending():
		return apierror.Conflictf("%s: the key waits for approval in Apigee", d.options.Name)
	}
	return nil
}

// Keys implements [driver.Driver].
func (d *Driver) Keys(ctx context.Context, id driver.AppID) iter.Seq2[driver.Key, error] {
	return func(yield func(driver.Key, error) bool) {
		for a, err := range d.apps(ctx, id) {
			if missing(err) {
				return
			}
			if err != nil {
				yield(driver.Key{}, err)
				return
			}
			for _, c := range a.Credentials {
				if k := c.key(a); c.told() && (id != "" || k.Operation != "") && !yield(k, nil) {
					return
				}
			}
		}
	}
}

// apps are one application, or all of the portal's: those of the organization that say so.
func (d *Driver) apps(ctx context.Context, id driver.AppID) iter.Seq2[app, error] {
	if id != "" {
		return func(yield func(app, error) bool) { yield(d.app(ctx, id)) }
	}
	every := all(ctx, d, list[app]{"/apps", url.Values{"rows": {"1000"}, "includeCred": {"true"}}, "app", func(a app) string { return a.ID }})
	return rest.Mapped(every, func(a app) (app, bool) { return a, a.Name != "" && a.Attributes.get(appAttribute) == a.Name })
}

// line fits a text into an attribute.
func line(text string) string {
	return excerpt.Line(text, 500)
}
