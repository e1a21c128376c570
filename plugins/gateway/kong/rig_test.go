package kong

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/driver/drivertest"
	"github.com/callboard/callboard/plugins/gateway/gatewayfake"
	"github.com/callboard/callboard/plugins/gateway/kong/kongfake"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const adminToken = "admin-token-of-kong"

// rig is a driver beside a fake Kong.
type rig struct {
	*Driver

	t     *testing.T
	fake  *kongfake.Server
	nodes []*kongfake.Server // all, the fake first
	clock *plugintest.Clock
}

var plansOfTest = []driver.Plan{
	{ID: "gold", Name: "Gold", Limits: []driver.Limit{{Requests: 100, Window: time.Minute}, {Requests: 1000, Window: 30 * day}}},
	{ID: "silver", Limits: []driver.Limit{{Requests: 3, Window: time.Minute}}},
	{ID: "open"},
}

// start runs a driver with a Kong of n nodes.
func start(t *testing.T, o Options, f kongfake.Options, n int) *rig {
	t.Helper()
	r := &rig{t: t, clock: plugintest.NewClock(epoch)}
	f.Now, o.Now = r.clock.Now, r.clock.Now
	if f.Token == "" && f.Header == "" {
		f.Token = adminToken
	}
	for i := range n {
		fake := kongfake.New(f)
		server := httptest.NewServer(fake)
		t.Cleanup(server.Close)
		sample(fake)
		r.nodes = append(r.nodes, fake)
		if i == 0 {
			o.URL = server.URL
		} else {
			o.Nodes = append(o.Nodes, server.URL)
		}
	}
	r.fake = r.nodes[0]
	o.Name, o.HTTP, o.Proxy = "eu", pooled(t), "http://kong.example:8000"
	if o.Token == "" && f.Header == "" {
		o.Token = adminToken
	}
	if o.Plans == nil {
		o.Plans = plansOfTest
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Driver = d
	return r
}

// pooled is a client that leaves no connection behind.
func pooled(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// sample puts services in; without a database they come as a configuration.
func sample(fake *kongfake.Server) {
	fake.Sample()
	fake.Put("plugins", map[string]any{"name": "acl", "route": "status", "config": map[string]any{"allow": []any{"ops"}}})
}

// subject is the rig as the suite wants it.
func (r *rig) subject() drivertest.Subject {
	return drivertest.Subject{
		Driver: r.Driver, API: "orders", Plan: "gold", OtherPlan: "open", Gateway: r.fake.Gateway(), Page: 6,
		Advance: r.clock.Advance, Secrets: []string{adminToken},
		Foreign: func(_ *testing.T, app driver.AppID) driver.KeyID {
			var id string
			for _, node := range r.nodes {
				id = node.Put("key-auths", map[string]any{"id": "0a1b2c3d-0000-4000-8000-0123456789ab", "consumer": string(app), "key": "made-by-somebody-else"})
			}
			return driver.KeyID(id)
		},
		Fail: func(f drivertest.Failure) func() {
			return r.fake.Faults().Set(gatewayfake.Fault{Status: f.Status, ContentType: f.ContentType, Body: f.Body, Cut: f.Cut, After: f.After})
		},
	}
}

func TestKong_KeepsTheLawsOfDrivers(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		return start(t, Options{}, kongfake.Options{PageSize: 5}, 1).subject()
	})
}

func TestKong_WithoutADatabaseKeepsTheLawsByDeclaringWhatThereIs(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Subject {
		return start(t, Options{Declarative: true}, kongfake.Options{PageSize: 5, DBLess: true, JSON: true}, 1).subject()
	})
}
