package expressgateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// credential is one of the type key-auth. The gateway keeps the portal's members, which it does not know.
type credential struct {
	ID       string     `json:"keyId"`
	Secret   sdk.Secret `json:"keySecret"`
	Consumer string     `json:"consumerId"`
	Type     string     `json:"type"`
	Active   bool       `json:"isActive"`
	Created  string     `json:"createdAt"`
	Scopes   scopes     `json:"scopes"`

	Operation string       `json:"portalOperation"`
	Label     string       `json:"portalLabel"`
	API       driver.APIID `json:"portalApi"`
	Revoked   string       `json:"portalRevoked"` // "true" or nothing: the gateway keeps texts
}

// newCredential is what a credential is made of.
type newCredential struct {
	ID        string       `json:"keyId"`
	Secret    string       `json:"keySecret"`
	Scopes    []string     `json:"scopes,omitempty"`
	Operation string       `json:"portalOperation,omitempty"`
	Label     string       `json:"portalLabel,omitempty"`
	API       driver.APIID `json:"portalApi,omitempty"`
	Revoked   string       `json:"portalRevoked,omitempty"`
}

const revoked = "true"

// keyID is the id of the key of an operation: made again, it is the same.
func keyID(operation string) string {
	hash := sha256.Sum256([]byte(operation))
	return hex.EncodeToString(hash[:12])
}

// IssueKey implements [driver.Driver]. The secret of the request, if there is one, becomes the second part of what callers
// present; so the same operation makes the same key even when it is asked twice at once.
func (d *Driver) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	u, err := d.findUser(ctx, string(r.App))
	if err != nil {
		return driver.IssuedKey{}, err
	}
	id := keyID(r.Operation)
	there, err := d.credential(ctx, id)
	switch {
	case err != nil:
		return driver.IssuedKey{}, err
	case there != nil && (there.Consumer != u.ID || there.Revoked != ""):
		return driver.IssuedKey{}, apierror.Conflictf("%s: the key of this operation was revoked, or is another application's", d.admin.Name)
	case there != nil:
		return there.issued(r.App), nil
	}
	wanted, err := d.scopesFor(ctx, u, r.API)
	if err != nil {
		return driver.IssuedKey{}, err
	}
	secret := r.Secret
	if secret == "" {
		secret = sdk.Secret(rand.Text() + rand.Text())
	}
	made, err := d.put(ctx, u, secret, newCredential{
		ID: id, Secret: secret.Reveal(), Scopes: wanted, Operation: r.Operation, Label: r.Label, API: r.API,
	})
	if err != nil {
		return driver.IssuedKey{}, err
	}
	return made.issued(r.App), nil
}

// scopesFor are the scopes that a new key is given, all of them known to the gateway.
func (d *Driver) scopesFor(ctx context.Context, u user, api driver.APIID) ([]string, error) {
	endpoints, err := d.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	if _, known := endpoints[string(api)]; api != "" && !known {
		return nil, apierror.NotFoundf("%s has no API endpoint %s", d.admin.Name, api)
	}
	has, err := d.access(ctx, u)
	if err != nil {
		return nil, err
	}
	wanted := scopesOf(api, has, endpoints)
	for _, scope := range wanted {
		if err := d.ensureScope(ctx, scope); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

// put makes a credential, or writes over the one of the same id.
func (d *Driver) put(ctx context.Context, u user, secret sdk.Secret, c newCredential) (*credential, error) {
	var made credential
	err := d.call(ctx, rest.Request{
		Method: http.MethodPost, Path: "/credentials", Hide: []sdk.Secret{secret},
		Body: map[string]any{"consumerId": u.ID, "type": keyAuth, "credential": c},
	}, &made)
	if err == nil && (made.ID != c.ID || made.Secret != secret) {
		err = d.unlike("the credential that was made")
	}
	if err != nil {
		return nil, err
	}
	return &made, nil
}

// credential answers the one of that id, nil = there is none.
func (d *Driver) credential(ctx context.Context, id string) (*credential, error) {
	var found *credential
	err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("credentials", keyAuth, id)}, &found)
	if err == nil && found != nil && found.Consumer == "" {
		err = d.unlike("a credential")
	}
	return found, err
}

// credentials are a user's keys that are not revoked.
func (d *Driver) credentials(ctx context.Context, u user) ([]*credential, error) {
	var answer struct {
		Credentials *[]*credential `json:"credentials"`
	}
	err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("credentials", u.ID)}, &answer)
	if err == nil && answer.Credentials == nil {
		err = d.unlike("a list of credentials")
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(*answer.Credentials, func(c *credential) bool {
		return c == nil || c.Type != keyAuth || c.Revoked != "" || c.Consumer != u.ID
	}), nil
}

// own is a key that an application has; nil = it has none of that id, or is not there itself.
func (d *Driver) own(ctx context.Context, app driver.AppID, id driver.KeyID) (user, *credential, error) {
	u, err := d.findUser(ctx, string(app))
	if errors.Is(err, sdk.ErrNotFound) {
		return u, nil, nil
	}
	if err != nil {
		return u, nil, err
	}
	c, err := d.credential(ctx, string(id))
	if err != nil || c == nil || c.Consumer != u.ID {
		return u, nil, err
	}
	return u, c, nil
}

// RevokeKey implements [driver.Driver]. The secret is replaced first: from then on the key is refused, whatever becomes of
// its status.
func (d *Driver) RevokeKey(ctx context.Context, app driver.AppID, id driver.KeyID) error {
	u, c, err := d.own(ctx, app, id)
	if err != nil || c == nil || c.Revoked != "" && !c.Active {
		return err
	}
	if c.Revoked == "" {
		nobodys := sdk.Secret(rand.Text() + rand.Text())
		if _, err := d.put(ctx, u, nobodys, newCredential{ID: c.ID, Secret: nobodys.Reveal(), Revoked: revoked}); err != nil {
			return err
		}
	}
	return d.setActive(ctx, c.ID, false)
}

// SuspendKey implements [driver.Driver].
func (d *Driver) SuspendKey(ctx context.Context, app driver.AppID, id driver.KeyID, suspended bool) error {
	_, c, err := d.own(ctx, app, id)
	if err != nil {
		return err
	}
	if c == nil || c.Revoked != "" {
		return apierror.NotFoundf("%s: application %s has no key %s", d.admin.Name, app, id)
	}
	if c.Active == !suspended {
		return nil
	}
	return d.setActive(ctx, c.ID, !suspended)
}

func (d *Driver) setActive(ctx context.Context, id string, active bool) error {
	return d.call(ctx, rest.Request{
		Method: http.MethodPut, Path: rest.Path("credentials", keyAuth, id, "status"), Body: map[string]any{"status": active},
	}, nil)
}

func (d *Driver) setScopes(ctx context.Context, c *credential, wanted []string) error {
	have := slices.Sorted(slices.Values(c.Scopes))
	if slices.Equal(have, slices.Sorted(slices.Values(wanted))) {
		return nil
	}
	for _, scope := range wanted {
		if err := d.ensureScope(ctx, scope); err != nil {
			return err
		}
	}
	return d.call(ctx, rest.Request{
		Method: http.MethodPut, Path: rest.Path("credentials", keyAuth, c.ID, "scopes"), Body: map[string]any{"scopes": append([]string{}, wanted...)},
	}, nil)
}

// Keys implements [driver.Driver].
func (d *Driver) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	return func(yield func(driver.Key, error) bool) {
		users, err := d.consumers(ctx, app)
		if err != nil {
			yield(driver.Key{}, err)
			return
		}
		for _, u := range users {
			keys, err := d.credentials(ctx, u)
			if err != nil {
				yield(driver.Key{}, err)
				return
			}
			for _, k := range keys {
				if (app != "" || k.Operation != "") && !yield(k.public(driver.AppID(u.Username)), nil) {
					return
				}
			}
		}
	}
}

// consumers are the user of an application, if there is one, or all users with "".
func (d *Driver) consumers(ctx context.Context, app driver.AppID) ([]user, error) {
	if app == "" {
		return d.users(ctx)
	}
	u, err := d.findUser(ctx, string(app))
	if errors.Is(err, sdk.ErrNotFound) {
		return nil, nil
	}
	return []user{u}, err
}

func (c *credential) public(app driver.AppID) driver.Key {
	return driver.Key{
		ID: driver.KeyID(c.ID), App: app, Operation: c.Operation, Label: c.Label, Prefix: c.ID[:min(len(c.ID), 8)],
		Created: created(c.Created), Suspended: !c.Active,
	}
}

func (c *credential) issued(app driver.AppID) driver.IssuedKey {
	return driver.IssuedKey{Key: c.public(app), Secret: sdk.Secret(c.ID + ":" + c.Secret.Reveal())}
}

// created reads a date as JavaScript prints it, "Sat Nov 28 2026 19:18:49 GMT+0000 (Coordinated Universal Time)".
func created(text string) time.Time {
	text, _, _ = strings.Cut(text, " (")
	t, err := time.Parse("Mon Jan 02 2006 15:04:05 GMT-0700", text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
