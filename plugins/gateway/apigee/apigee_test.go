package apigee

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/apigee/apigeefake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type rig struct {
	*Driver

	fake  *apigeefake.Server
	clock *plugintest.Clock
}

// start is a driver of a new organization; change is nil or changes its options.
func start(t *testing.T, change func(*Options)) rig {
	t.Helper()
	c := plugintest.NewClock(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	fake := apigeefake.New(apigeefake.Options{Now: c.Now, Page: 3})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	o := Options{
		Name: "Apigee eu", HTTP: server.Client(), URL: server.URL, Organization: apigeefake.Organization, Environment: "prod", Now: c.Now,
		ServiceAccount: sdk.Secret(apigeefake.ServiceAccount(server.URL + "/token")), GatewayURL: "https://api.example.com",
	}
	if change != nil {
		change(&o)
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return rig{d, fake, c}
}

func TestDriver_KeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		r := start(t, nil)
		return drivertest.Subject{
			Driver: r, API: "orders", Plan: "basic", OtherPlan: "gold", Gateway: r.fake.Gateway(), Page: 4, Advance: r.clock.Advance,
			Foreign: func(_ *testing.T, app driver.AppID) driver.KeyID {
				return credential{Key: r.fake.Create(r.options.Developer, string(app), "basic")}.id()
			},
			Fail: func(f drivertest.Failure) func() {
				return r.fake.Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
			},
			Secrets: []string{"ya29.", "PRIVATE KEY", "own0123456789"},
		}
	})
}

func (r rig) call(t *testing.T, secret sdk.Secret) int {
	t.Helper()
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/orders/1", nil)
	req.Header.Set("X-Apikey", secret.Reveal())
	r.fake.Gateway().ServeHTTP(w, req)
	return w.Code
}
