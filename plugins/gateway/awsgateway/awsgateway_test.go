package awsgateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/awsgateway/awsfake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type rig struct {
	*Driver

	fake   *awsfake.Server
	clock  *plugintest.Clock
	paused *[]time.Duration
}

const orders = driver.APIID(awsfake.Orders + "/prod")

// start is a driver of a new account; change is nil or changes its options.
func start(t *testing.T, change func(*Options)) rig {
	t.Helper()
	c := plugintest.NewClock(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	fake := awsfake.New(awsfake.Options{Now: c.Now, Page: 3, Keys: 200})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	o := Options{
		Name: "AWS eu", HTTP: server.Client(), URL: server.URL, Region: awsfake.Region, GatewayURL: "https://api.example.com", Now: c.Now,
		AccessKeyID: awsfake.AccessKeyID, SecretAccessKey: awsfake.SecretAccessKey,
	}
	if change != nil {
		change(&o)
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	paused := &[]time.Duration{}
	d.pause = func(ctx context.Context, p time.Duration) error {
		*paused = append(*paused, p)
		return ctx.Err()
	}
	return rig{d, fake, c, paused}
}

func TestDriver_KeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		r := start(t, nil)
		return drivertest.Subject{
			Driver: r, API: orders, Plan: awsfake.Basic, OtherPlan: awsfake.Gold, Gateway: r.fake.Gateway(), Page: 4, Advance: r.clock.Advance,
			Foreign: func(_ *testing.T, app driver.AppID) driver.KeyID {
				id, _ := r.fake.Create(customer(app), awsfake.Basic)
				return driver.KeyID(id)
			},
			Fail: func(f drivertest.Failure) func() {
				return r.fake.Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
			},
			Secrets: []string{awsfake.SecretAccessKey},
		}
	})
}

func (r rig) call(t *testing.T, secret sdk.Secret) int {
	t.Helper()
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+string(orders)+"/1", nil)
	req.Header.Set("X-Api-Key", secret.Reveal())
	r.fake.Gateway().ServeHTTP(w, req)
	return w.Code
}
