package apim

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/apim/apimfake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type rig struct {
	*Driver

	fake  *apimfake.Server
	clock *plugintest.Clock
}

// start is a driver of a new service; change is nil or changes its options.
func start(t *testing.T, change func(*Options)) rig {
	t.Helper()
	c := plugintest.NewClock(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	fake := apimfake.New(apimfake.Options{Now: c.Now, Page: 3})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	o := Options{
		Name: "Azure eu", HTTP: server.Client(), URL: server.URL, LoginURL: server.URL, Now: c.Now,
		Tenant: apimfake.Tenant, ClientID: apimfake.ClientID, ClientSecret: apimfake.ClientSecret,
		Subscription: apimfake.Subscription, ResourceGroup: apimfake.ResourceGroup, Service: apimfake.Service,
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
			Driver: r, API: "orders", Plan: "starter", OtherPlan: "gold", Gateway: r.fake.Gateway(), Page: 4, Advance: r.clock.Advance,
			Foreign: func(_ *testing.T, app driver.AppID) driver.KeyID {
				id, _ := r.fake.Subscribe(userID(app), "starter")
				return driver.KeyID(id)
			},
			Fail: func(f drivertest.Failure) func() {
				return r.fake.Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
			},
			Secrets: []string{apimfake.ClientSecret, "eyJ"},
		}
	})
}

func (r rig) call(t *testing.T, secret sdk.Secret) int {
	t.Helper()
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/orders/1", nil)
	req.Header.Set("Ocp-Apim-Subscription-Key", secret.Reveal())
	r.fake.Gateway().ServeHTTP(w, req)
	return w.Code
}
