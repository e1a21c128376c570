package apim

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

type subscription struct {
	Name       string `json:"name"`
	Properties struct {
		OwnerID     string     `json:"ownerId"`
		Scope       string     `json:"scope"`
		DisplayName string     `json:"displayName"`
		State       string     `json:"state"`
		Created     *time.Time `json:"createdDate"`
		Expires     *time.Time `json:"expirationDate"`
	} `json:"properties"`
}

// States of a subscription; of others, such as cancelled and rejected, none is left by this plugin.
const (
	stateActive    = "active"
	stateSuspended = "suspended"
	stateSubmitted = "submitted"
)

// userID is how the service calls an application.
func userID(app driver.AppID) string { return "callboard-" + string(app) }

// name is that of a subscription, from which its application, API and first operation are read again.
type name struct {
	app       driver.AppID
	api       driver.APIID
	operation string
}

const ownPrefix = "cb~"

func (n name) String() string {
	return ownPrefix + string(n.app) + "~" + string(n.api) + "~" + n.operation
}

func parseName(text string) (name, bool) {
	text, own := strings.CutPrefix(text, ownPrefix)
	app, text, two := strings.Cut(text, "~")
	last := strings.LastIndexByte(text, '~')
	if !own || !two || last < 0 || app == "" || last == len(text)-1 {
		return name{}, false
	}
	return name{driver.AppID(app), driver.APIID(text[:last]), text[last+1:]}, true
}

// key is what may be told of a subscription.
func (s subscription) key(app driver.AppID) driver.Key {
	p := s.Properties
	k := driver.Key{ID: driver.KeyID(s.Name), App: app, Suspended: p.State != stateActive}
	mark := readMark(p.DisplayName)
	k.Label = mark.label
	if n, own := parseName(s.Name); own {
		k.App, k.Operation = n.app, orElse(mark.operation, n.operation)
	}
	if p.Created != nil {
		k.Created = *p.Created
	}
	if p.Expires != nil {
		k.Expires = *p.Expires
	}
	return k
}

// owned holds for subscriptions of an application.
func (s subscription) owned(app driver.AppID) bool {
	return strings.HasSuffix(strings.ToLower(s.Properties.OwnerID), "/users/"+strings.ToLower(userID(app)))
}

// EnsureConsumer implements [driver.Driver].
func (d *Driver) EnsureConsumer(ctx context.Context, app driver.App) error {
	path := []string{"users", userID(app.ID)}
	if err := d.get(ctx, path, &struct{}{}); !missing(err) {
		return err
	}
	err := d.change(ctx, http.MethodPut, path, "", map[string]any{"properties": map[string]string{
		"firstName": cut(orElse(app.Name, string(app.ID)), 100), "lastName": "(application)", "email": string(app.ID) + "@" + d.options.MailDomain,
		"note": cut("Application of the portal, owned by "+strings.Join(strings.Fields(app.Owner), " "), 500), "state": "active",
	}})
	if rest.StatusOf(err) == http.StatusPreconditionFailed { // somebody else was first
		return nil
	}
	return err
}

// IssueKey implements [driver.Driver].
func (d *Driver) IssueKey(ctx context.Context, r driver.KeyRequest) (driver.IssuedKey, error) {
	id := name{r.App, r.API, r.Operation}.String()
	if len(id) > 256 || strings.ContainsAny(id, "*#&+:<>?/") {
		return driver.IssuedKey{}, apierror.Inputf("%s: a subscription cannot be called %s", d.options.Name, rest.Line(id))
	}
	s, err := d.subscription(ctx, id)
	if missing(err) {
		err = d.subscribe(ctx, id, r)
		if err == nil || rest.StatusOf(err) == http.StatusPreconditionFailed {
			s, err = d.subscription(ctx, id)
		}
	}
	if err != nil {
		return driver.IssuedKey{}, err
	}
	secret, err := d.secret(ctx, s)
	return driver.IssuedKey{Key: s.key(r.App), Secret: secret}, err
}

func (d *Driver) subscription(ctx context.Context, id string) (subscription, error) {
	var s subscription
	err := d.get(ctx, []string{"subscriptions", id}, &s)
	if err == nil && !strings.EqualFold(s.Name, id) {
		err = apierror.Newf(apierror.ServiceUnavailable, "%s answers another subscription than it is asked for", d.options.Name)
	}
	return s, err
}

// subscribe makes the subscription of a request.
func (d *Driver) subscribe(ctx context.Context, id string, r driver.KeyRequest) error {
	if err := d.get(ctx, []string{"users", userID(r.App)}, &struct{}{}); err != nil {
		return err
	}
	properties := map[string]any{
		"ownerId": "/users/" + userID(r.App), "displayName": mark{label: labelled(orElse(r.Label, string(r.App))), slot: 1}.String(), "state": stateActive,
	}
	switch {
	case r.Plan != "":
		p, err := d.product(ctx, r.Plan)
		if err != nil {
			return err
		}
		properties["scope"] = "/products/" + p.Name
		if p.Properties.ApprovalRequired {
			properties["state"] = stateSubmitted
		}
	case r.API != "":
		properties["scope"] = "/apis/" + string(r.API)
	default:
		return apierror.Inputf("%s: a key is for a product or an API, and neither is named", d.options.Name)
	}
	if r.Secret != "" {
		properties["primaryKey"] = r.Secret.Reveal()
	}
	if !r.Expires.IsZero() {
		properties["expirationDate"] = r.Expires.UTC().Format(time.RFC3339)
	}
	return d.change(ctx, http.MethodPut, []string{"subscriptions", id}, "", map[string]any{"properties": properties}, r.Secret)
}

// RevokeKey implements [driver.Driver].
func (d *Driver) RevokeKey(ctx context.Context, app driver.AppID, key driver.KeyID) error {
	s, err := d.subscription(ctx, string(key))
	switch {
	case missing(err):
		return nil
	case err != nil:
		return err
	case !s.owned(app):
		return nil
	}
	if err := d.change(ctx, http.MethodDelete, []string{"subscriptions", s.Name}, "*", nil); !missing(err) {
		return err
	}
	return nil
}

// SuspendKey implements [driver.Driver].
func (d *Driver) SuspendKey(ctx context.Context, app driver.AppID, key driver.KeyID, suspended bool) error {
	return retried(func() error {
		s, etag, err := d.readOwned(ctx, app, key)
		if err != nil {
			return err
		}
		want := stateActive
		if suspended {
			want = stateSuspended
		}
		switch state := s.Properties.State; {
		case state == want, suspended && state != stateActive: // it is refused already
			return nil
		case state == stateSubmitted:
			return apierror.Conflictf("%s: the subscription waits for approval in API Management", d.options.Name)
		case state != stateActive && state != stateSuspended:
			return apierror.Conflictf("%s: the subscription is %s in API Management, which ends it", d.options.Name, rest.Line(state))
		}
		return d.patch(ctx, s, etag, map[string]string{"state": want})
	})
}

func (d *Driver) patch(ctx context.Context, s subscription, etag string, properties map[string]string) error {
	return d.change(ctx, http.MethodPatch, []string{"subscriptions", s.Name}, orElse(etag, "*"), map[string]any{"properties": properties})
}

// readOwned reads a subscription of an application and its ETag; not found when it is another's.
func (d *Driver) readOwned(ctx context.Context, app driver.AppID, key driver.KeyID) (s subscription, etag string, err error) {
	etag, err = d.read(ctx, []string{"subscriptions", string(key)}, &s)
	if err == nil && !s.owned(app) {
		err = apierror.NotFoundf("%s: application %s has no subscription %s", d.options.Name, app, key)
	}
	return s, etag, err
}

// Keys implements [driver.Driver].
func (d *Driver) Keys(ctx context.Context, app driver.AppID) iter.Seq2[driver.Key, error] {
	if app == "" {
		return rest.Mapped(all[subscription](ctx, d, []string{"subscriptions"}, "startswith(name,'"+ownPrefix+"')"), func(s subscription) (driver.Key, bool) {
			n, own := parseName(s.Name)
			return s.key(n.app), own
		})
	}
	return func(yield func(driver.Key, error) bool) {
		for s, err := range all[subscription](ctx, d, []string{"users", userID(app), "subscriptions"}, "") {
			if missing(err) {
				return
			}
			if !yield(s.key(app), err) || err != nil {
				return
			}
		}
	}
}

// secret is what callers present: the key in the slot that the last rotation has chosen.
func (d *Driver) secret(ctx context.Context, s subscription) (sdk.Secret, error) {
	var keys struct {
		Primary   string `json:"primaryKey"`
		Secondary string `json:"secondaryKey"`
	}
	if err := d.post(ctx, []string{"subscriptions", s.Name, "listSecrets"}, &keys); err != nil {
		return "", err
	}
	if readMark(s.Properties.DisplayName).slot == 2 {
		keys.Primary = keys.Secondary
	}
	if keys.Primary == "" {
		return "", apierror.Newf(apierror.ServiceUnavailable, "%s does not tell the key of subscription %s", d.options.Name, s.Name)
	}
	return sdk.Secret(keys.Primary), nil
}

// cut is what fits where Azure counts characters; it is read back, so nothing marks the cut.
func cut(text string, runes int) string {
	if list := []rune(text); len(list) > runes {
		return string(list[:runes])
	}
	return text
}
