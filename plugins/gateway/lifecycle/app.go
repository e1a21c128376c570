package lifecycle

import (
	"context"
	"crypto/rand"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk/apierror"
)

// App is an application that consumes APIs. It belongs to a group or a user.
type App struct {
	ID          driver.AppID `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Owner       string       `json:"owner"` // entity ref
	Created     time.Time    `json:"created"`
	CreatedBy   string       `json:"createdBy"`
	Grants      []Grant      `json:"grants"`
	// Deleting: its keys are being revoked; it goes when they are.
	Deleting bool `json:"deleting,omitempty"`
}

// Grant is access of an application to an API under a plan.
type Grant struct {
	Gateway string        `json:"gateway"`
	API     driver.APIID  `json:"api"`
	Plan    driver.PlanID `json:"plan,omitempty"`
	Entity  string        `json:"entity,omitempty"` // of the API in the catalog
	Request string        `json:"request"`          // that it was asked for by
	Since   time.Time     `json:"since"`
	TTL     Days          `json:"ttlDays,omitempty"` // the longest life of a key, 0 = as the rules allow
	// Withdrawn: its keys are being revoked; it goes when they are.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

// Days is a length of time in whole days.
type Days int

// Duration is the time that the days last.
func (d Days) Duration() time.Duration { return time.Duration(d) * 24 * time.Hour }

// Grant answers the application's access to an API.
func (a App) Grant(gateway string, api driver.APIID) (Grant, bool) {
	for _, g := range a.Grants {
		if g.Gateway == gateway && g.API == api {
			return g, true
		}
	}
	return Grant{}, false
}

func (a *App) setGrant(g Grant) {
	a.dropGrant(g.Gateway, g.API)
	a.Grants = append(a.Grants, g)
}

func (a *App) dropGrant(gateway string, api driver.APIID) {
	a.Grants = slices.DeleteFunc(a.Grants, func(g Grant) bool { return g.Gateway == gateway && g.API == api })
}

// AppChange is a new application, or what is changed of one.
type AppChange struct{ Name, Description, Owner string }

const (
	maxName        = 100
	maxDescription = 2000
)

var ownerRef = regexp.MustCompile(`^(group|user):[A-Za-z0-9._-]{1,63}/[A-Za-z0-9._-]{1,63}$`)

func (c *AppChange) check() error {
	c.Name, c.Description, c.Owner = strings.TrimSpace(c.Name), strings.TrimSpace(c.Description), strings.ToLower(c.Owner)
	switch {
	case c.Name == "" || len(c.Name) > maxName:
		return apierror.Inputf("name: an application is called by 1 to %d characters", maxName)
	case len(c.Description) > maxDescription:
		return apierror.Inputf("description: at most %d characters", maxDescription)
	case !ownerRef.MatchString(c.Owner):
		return apierror.Inputf("owner: %q is no ref of a group or user, such as group:default/payments", c.Owner)
	}
	return nil
}

// newAppID makes an id of a name: "Web Shop" becomes "web-shop-k3v9q2".
func newAppID(name string) driver.AppID {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	slug := strings.TrimLeft(strings.Join(words, "-"), "0123456789-")
	if slug == "" {
		slug = "app"
	}
	slug = strings.TrimRight(slug[:min(len(slug), 30)], "-")
	return driver.AppID(slug + "-" + strings.ToLower(rand.Text()[:6]))
}

// CreateApp makes an application. key is an idempotency key: with the same one of the same user, it is the same application.
func (e *Engine) CreateApp(ctx context.Context, by string, c AppChange, key string) (App, error) {
	if err := c.check(); err != nil {
		return App{}, err
	}
	id, replayed, err := e.once(ctx, by, key, "app", c, string(newAppID(c.Name)))
	if err != nil {
		return App{}, err
	}
	if replayed {
		a, err := e.App(ctx, driver.AppID(id))
		if !missing(err) {
			return a, err
		}
	}
	a := App{ID: driver.AppID(id), Name: c.Name, Description: c.Description, Owner: c.Owner, Created: e.now(), CreatedBy: by, Grants: []Grant{}}
	if err := e.index(ctx, byOwnerPrefix+a.Owner+"/"+id); err != nil {
		return App{}, err
	}
	if err := e.apps.create(ctx, id, a); err != nil {
		return App{}, err
	}
	e.record(ctx, Event{App: a.ID, Who: by, What: "app.create", Detail: "for " + a.Owner})
	return a, nil
}

// App answers one application.
func (e *Engine) App(ctx context.Context, id driver.AppID) (App, error) {
	a, _, err := e.apps.get(ctx, string(id))
	return a, err
}

// Apps answers the applications of the owners, or all with none.
func (e *Engine) Apps(ctx context.Context, owners ...string) ([]App, error) {
	lists := []iter.Seq2[App, error]{e.apps.all(ctx)}
	if len(owners) > 0 {
		lists = nil
	}
	for _, owner := range owners {
		lists = append(lists, e.apps.indexed(ctx, byOwnerPrefix+owner+"/"))
	}
	found := []App{}
	for _, list := range lists {
		for a, err := range list {
			if err != nil {
				return nil, err
			}
			if len(owners) == 0 || slices.Contains(owners, a.Owner) { // the index keeps former owners
				found = append(found, a)
			}
		}
	}
	slices.SortFunc(found, func(a, b App) int { return strings.Compare(a.Name+string(a.ID), b.Name+string(b.ID)) })
	return slices.CompactFunc(found, func(a, b App) bool { return a.ID == b.ID }), nil
}

// ChangeApp changes what an application is called and whose it is. The gateway keeps the name that it has.
func (e *Engine) ChangeApp(ctx context.Context, by string, id driver.AppID, c AppChange) (App, error) {
	if err := c.check(); err != nil {
		return App{}, err
	}
	if err := e.index(ctx, byOwnerPrefix+c.Owner+"/"+string(id)); err != nil {
		return App{}, err
	}
	a, err := e.apps.update(ctx, string(id), func(a *App) error {
		if a.Deleting {
			return apierror.Conflictf("application %s is being deleted", id)
		}
		a.Name, a.Description, a.Owner = c.Name, c.Description, c.Owner
		return nil
	})
	if err == nil {
		e.record(ctx, Event{App: id, Who: by, What: "app.change", Detail: "of " + a.Owner})
	}
	return a, err
}

// DeleteApp revokes all keys of an application, takes its access away, and forgets it. What cannot be done now is done by
// [Engine.Sweep]; the error says what is in the way.
func (e *Engine) DeleteApp(ctx context.Context, by string, id driver.AppID) error {
	intent := newID(e.now())
	if err := e.mark(ctx, appIntents, string(id), intent); err != nil {
		return err
	}
	a, err := e.apps.update(ctx, string(id), func(a *App) error {
		a.Deleting = true
		for i := range a.Grants {
			a.Grants[i].Withdrawn = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.record(ctx, Event{App: id, Who: by, What: "app.delete"})
	return e.settleApp(ctx, a, intent, by)
}

// Withdraw revokes the keys of an application for an API, and takes its access away.
func (e *Engine) Withdraw(ctx context.Context, by string, id driver.AppID, gateway string, api driver.APIID) error {
	intent := newID(e.now())
	if err := e.mark(ctx, appIntents, string(id), intent); err != nil {
		return err
	}
	a, err := e.apps.update(ctx, string(id), func(a *App) error {
		for i, g := range a.Grants {
			if g.Gateway == gateway && g.API == api {
				a.Grants[i].Withdrawn = true
				return nil
			}
		}
		return apierror.NotFoundf("application %s has no access to %s/%s", id, gateway, api)
	})
	if err != nil {
		return err
	}
	e.record(ctx, Event{App: id, Who: by, What: "access.withdraw", Gateway: gateway, API: api})
	return e.settleApp(ctx, a, intent, by)
}

// settleApp does what is left to be done of withdrawals and of a deletion.
func (e *Engine) settleApp(ctx context.Context, a App, intent, by string) error {
	for _, g := range a.Grants {
		if !g.Withdrawn {
			continue
		}
		if err := e.settleGrant(ctx, a, g, by); err != nil {
			return err
		}
	}
	if a.Deleting {
		if err := e.cancelAll(ctx, a.ID, by); err != nil {
			return err
		}
		if err := e.endAll(ctx, a.ID, "", "", by, "the application was deleted"); err != nil {
			return err
		}
		if err := e.apps.delete(ctx, string(a.ID)); err != nil {
			return err
		}
		_ = e.o.KV.Delete(ctx, byOwnerPrefix+a.Owner+"/"+string(a.ID)) // what an index has too much does no harm
	}
	return e.unmark(ctx, appIntents, string(a.ID), intent)
}

func (e *Engine) settleGrant(ctx context.Context, a App, g Grant, by string) error {
	if err := e.endAll(ctx, a.ID, g.Gateway, g.API, by, "access to "+string(g.API)+" was withdrawn"); err != nil {
		return err
	}
	d, err := e.driver(g.Gateway)
	if err != nil {
		return err
	}
	release, err := e.alone(ctx, g.Gateway, a.ID)
	if err != nil {
		return err
	}
	err = d.SetPlan(ctx, a.ID, g.API, "")
	release()
	if err != nil && !unimplemented(err) {
		return err
	}
	_, err = e.apps.update(ctx, string(a.ID), func(a *App) error {
		a.dropGrant(g.Gateway, g.API)
		return nil
	})
	return err
}

// cancelAll takes back what an application still asks for.
func (e *Engine) cancelAll(ctx context.Context, app driver.AppID, by string) error {
	open, err := e.OpenRequests(ctx)
	for _, r := range open {
		if r.App == app && r.Status == Pending {
			if _, err := e.Cancel(ctx, r.ID, by); ignoreConflict(err) != nil {
				return err
			}
		}
	}
	return err
}

// endAll revokes the living keys of an application; gateway and api narrow it.
func (e *Engine) endAll(ctx context.Context, app driver.AppID, gateway string, api driver.APIID, by, reason string) error {
	all, err := e.Credentials(ctx, app)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.State.ended() || gateway != "" && (c.Gateway != gateway || c.API != api) {
			continue
		}
		if _, err := e.Revoke(ctx, c.ID, Ending{By: by, Reason: reason}); err != nil {
			return err
		}
	}
	return nil
}
