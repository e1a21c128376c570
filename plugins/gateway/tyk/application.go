package tyk

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// application is what the session of an application says of it.
type application struct {
	ID     driver.AppID `json:"portal_app"`
	Name   string       `json:"portal_name,omitempty"`
	Portal string       `json:"portal"` // "application"
	// Policies are those of the plans that it has, by API.
	Policies map[driver.APIID]string `json:"portal_policies"`
	// Keys are where the keys are that were made, by operation; Begun are operations whose key may be there or not.
	Keys  map[string]kept `json:"portal_keys"`
	Begun []string        `json:"portal_begun"`
}

// kept is a place as it is written down. It is written to Tyk only, which has the keys anyway.
type kept struct {
	ID     string `json:"id"`
	Hashed bool   `json:"hashed"`
}

func (k kept) place() place { return place{sdk.Secret(k.ID), k.Hashed} }

// policies are all, in order.
func (a application) policies() []string {
	return slices.Sorted(maps.Values(a.Policies))
}

// EnsureConsumer implements [driver.Driver].
func (d *Driver) EnsureConsumer(ctx context.Context, app driver.App) error {
	if app.ID == "" {
		return d.problem(apierror.Input, "an application needs an id")
	}
	defer d.lock(app.ID)()
	_, err := d.application(ctx, app.ID)
	if !missing(err) {
		return err
	}
	a := application{ID: app.ID, Name: rest.Line(app.Name), Portal: "application", Policies: map[driver.APIID]string{}, Keys: map[string]kept{}}
	_, err = d.write(ctx, rest.Request{Method: http.MethodPost, Path: appPlace(app.ID).path(), Body: d.appSession(a)})
	return err
}

func appPlace(app driver.AppID) place { return place{ID: sdk.Secret("portal-app-" + string(app))} }

// appSession is the session of an application, with which nobody gets in.
func (d *Driver) appSession(a application) session {
	return session{
		"alias": "", "org_id": d.options.Org, "is_inactive": true, "expires": 0, "rate": -1, "per": -1, "quota_max": -1,
		"access_rights": none(), "apply_policies": []string{}, "meta_data": a, "tags": []string{"portal"},
	}
}

// application reads one; not found, if the gateway does not know it.
func (d *Driver) application(ctx context.Context, app driver.AppID) (application, error) {
	s, err := d.read(ctx, appPlace(app))
	if err != nil {
		return application{}, err
	}
	a, is := s.application()
	if !is || a.ID != app {
		return a, d.unavailable("answers something that is not application %s", app)
	}
	return a, nil
}

// application is what a session says of the application whose it is.
func (s session) application() (application, bool) {
	var a application
	data, err := json.Marshal(s["meta_data"])
	if err != nil || json.Unmarshal(data, &a) != nil || a.Portal != "application" {
		return a, false
	}
	if a.Policies == nil {
		a.Policies = map[driver.APIID]string{}
	}
	if a.Keys == nil {
		a.Keys = map[string]kept{}
	}
	return a, true
}

// note writes down what is known of an application.
func (d *Driver) note(ctx context.Context, a application) error {
	p := appPlace(a.ID)
	var hide []sdk.Secret
	for _, k := range a.Keys {
		hide = append(hide, sdk.Secret(k.ID))
	}
	_, err := d.write(ctx, rest.Request{Method: http.MethodPut, Path: p.path(), Query: d.query(p), Body: d.appSession(a), Hide: hide})
	return err
}
