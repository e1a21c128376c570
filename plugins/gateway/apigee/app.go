package apigee

import (
	"context"
	"net/http"
	"strings"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

// app is an application.
type app struct {
	ID          string       `json:"appId"`
	Name        string       `json:"name"`
	Status      string       `json:"status"`
	Attributes  attributes   `json:"attributes"`
	Credentials []credential `json:"credentials"`
}

// The attributes of apps.
const (
	appAttribute   = "callboard-app"
	ownerAttribute = "callboard-owner"
	grantAttribute = "callboard-plan:" // and the API; its value is the plan
)

const approved = "approved"

func (d *Driver) appPath(id driver.AppID, more ...string) string {
	return rest.Path(append([]string{"developers", d.options.Developer, "apps", string(id)}, more...)...)
}

// app reads an application.
func (d *Driver) app(ctx context.Context, id driver.AppID) (app, error) {
	var a app
	err := d.call(ctx, rest.Request{Method: http.MethodGet, Path: d.appPath(id)}, &a)
	if err == nil && a.Name != string(id) {
		err = apierror.Newf(apierror.ServiceUnavailable, "%s answers another app than it is asked for", d.options.Name)
	}
	return a, err
}

// granted are the plans of an application, by API.
func (a app) granted() map[driver.APIID]driver.PlanID {
	plans := map[driver.APIID]driver.PlanID{}
	for _, one := range a.Attributes {
		if api, ok := strings.CutPrefix(one.Name, grantAttribute); ok {
			plans[driver.APIID(api)] = driver.PlanID(one.Value)
		}
	}
	return plans
}

// EnsureConsumer implements [driver.Driver].
func (d *Driver) EnsureConsumer(ctx context.Context, a driver.App) error {
	if _, err := d.app(ctx, a.ID); !missing(err) {
		return err
	}
	if err := d.ensureDeveloper(ctx); err != nil {
		return err
	}
	var made app
	err := d.call(ctx, rest.Request{Method: http.MethodPost, Path: rest.Path("developers", d.options.Developer, "apps"), Body: map[string]any{
		"name": string(a.ID),
		"attributes": attributes{
			{"DisplayName", orElse(a.Name, string(a.ID))}, {appAttribute, string(a.ID)}, {ownerAttribute, orElse(a.Owner, "unknown")},
		},
	}}, &made)
	switch {
	case conflicting(err): // somebody else was first
		return nil
	case err != nil:
		return err
	}
	for _, c := range made.Credentials { // Apigee makes one with every app
		if err := d.deleteKey(ctx, a.ID, c); err != nil {
			return err
		}
	}
	return nil
}

func (d *Driver) ensureDeveloper(ctx context.Context) error {
	if err := d.get(ctx, &struct{}{}, "developers", d.options.Developer); !missing(err) {
		return err
	}
	err := d.call(ctx, rest.Request{Method: http.MethodPost, Path: "/developers", Body: map[string]any{
		"email": d.options.Developer, "userName": "portal", "firstName": "Portal", "lastName": "Applications",
	}}, &struct{}{})
	if conflicting(err) {
		return nil
	}
	return err
}

func (d *Driver) deleteKey(ctx context.Context, id driver.AppID, c credential) error {
	err := d.call(ctx, rest.Request{Method: http.MethodDelete, Path: d.appPath(id, "keys", c.Key), Hide: []sdk.Secret{sdk.Secret(c.Key)}}, nil)
	if missing(err) {
		return nil
	}
	return err
}
