package clouds

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/apigee"
	"github.com/callboard/callboard/plugins/gateway/apigee/apigeefake"
	"github.com/callboard/callboard/plugins/gateway/apim"
	"github.com/callboard/callboard/plugins/gateway/apim/apimfake"
	"github.com/callboard/callboard/plugins/gateway/awsgateway"
	"github.com/callboard/callboard/plugins/gateway/awsgateway/awsfake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

// late is how long the gateways take to see a change.
const late = 3 * time.Second

// epoch is when tests begin.
var epoch = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// cloud is a driver of a new fake.
type cloud struct {
	driver.Driver

	plane http.Handler
	api   driver.APIID
	plans [2]driver.PlanID
}

func serve(t *testing.T, management http.Handler) string {
	t.Helper()
	s := httptest.NewServer(management)
	t.Cleanup(s.Close)
	return s.URL
}

// maker makes a driver of a new fake, which calls it through a client.
type maker func(*testing.T, *plugintest.Clock, *http.Client) (cloud, error)

var clouds = map[string]maker{"Azure API Management": azure, "Apigee": google, "Amazon API Gateway": amazon}

const portal = "https://api.example.com"

func azure(t *testing.T, c *plugintest.Clock, client *http.Client) (cloud, error) {
	f := apimfake.New(apimfake.Options{Now: c.Now, Delay: late})
	url := serve(t, f)
	d, err := apim.New(apim.Options{
		Name: "Azure", HTTP: client, URL: url, LoginURL: url, GatewayURL: portal, Now: c.Now,
		Tenant: apimfake.Tenant, ClientID: apimfake.ClientID, ClientSecret: apimfake.ClientSecret,
		Subscription: apimfake.Subscription, ResourceGroup: apimfake.ResourceGroup, Service: apimfake.Service,
	})
	return cloud{d, f.Gateway(), "orders", [2]driver.PlanID{"starter", "gold"}}, err
}

func google(t *testing.T, c *plugintest.Clock, client *http.Client) (cloud, error) {
	f := apigeefake.New(apigeefake.Options{Now: c.Now, Delay: late})
	url := serve(t, f)
	d, err := apigee.New(apigee.Options{
		Name: "Apigee", HTTP: client, URL: url, GatewayURL: portal, Now: c.Now, Organization: apigeefake.Organization, Environment: "prod",
		ServiceAccount: sdk.Secret(apigeefake.ServiceAccount(url + "/token")),
	})
	return cloud{d, f.Gateway(), "orders", [2]driver.PlanID{"basic", "gold"}}, err
}

func amazon(t *testing.T, c *plugintest.Clock, client *http.Client) (cloud, error) {
	f := awsfake.New(awsfake.Options{Now: c.Now, Delay: late})
	d, err := awsgateway.New(awsgateway.Options{
		Name: "AWS", HTTP: client, URL: serve(t, f), GatewayURL: portal, Now: c.Now, Region: awsfake.Region,
		AccessKeyID: awsfake.AccessKeyID, SecretAccessKey: awsfake.SecretAccessKey,
	})
	return cloud{d, f.Gateway(), awsfake.Orders + "/prod", [2]driver.PlanID{awsfake.Basic, awsfake.Gold}}, err
}

// rig is the portal with one cloud.
type rig struct {
	*testing.T
	*lifecycle.Engine
	cloud

	kv    *store
	clock *plugintest.Clock
	app   driver.AppID
}

func start(t *testing.T, build maker, client *http.Client) *rig {
	t.Helper()
	c := plugintest.NewClock(epoch)
	made, err := build(t, c, client)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, cloud: made, kv: newStore(), clock: c}
	r.Engine = lifecycle.New(lifecycle.Options{
		KV: r.kv, Gate: nobody{}, HTTP: r.client(), Now: c.Now,
		Driver: func(string) (driver.Driver, error) { return made.Driver, nil },
		Rules:  lifecycle.Rules{TTL: 30 * 24 * time.Hour, Grace: time.Hour, MaxGrace: 24 * time.Hour, MaxKeys: 3},
		Pause:  func(ctx context.Context, d time.Duration) error { c.Advance(d); return ctx.Err() },
	})
	return r
}

// nobody asks for an approval.
type nobody struct{}

func (nobody) Decide(context.Context, lifecycle.Question) (lifecycle.Verdict, error) {
	return lifecycle.Verdict{Approval: lifecycle.ApprovalAuto}, nil
}

// client reaches the gateway as callers do.
func (r *rig) client() *http.Client {
	return &http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		r.plane.ServeHTTP(w, req)
		return w.Result(), nil
	})}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const ann = "user:default/ann"

// access makes an application with a plan.
func (r *rig) access(plan driver.PlanID) {
	r.Helper()
	if r.app == "" {
		a, err := r.CreateApp(r.Context(), ann, lifecycle.AppChange{Name: "Web Shop", Owner: "group:default/shop"}, "")
		if err != nil {
			r.Fatal(err)
		}
		r.app = a.ID
	}
	req, err := r.RequestAccess(r.Context(), lifecycle.AccessRequest{App: r.app, Gateway: "cloud", API: r.api, Plan: plan, By: ann})
	if err != nil || req.Status != lifecycle.Granted {
		r.Fatalf("access under plan %s: %+v, %v", plan, req, err)
	}
}

// told hands a secret on, and waits until the gateway knows it.
func (r *rig) told(k lifecycle.Issued, err error) lifecycle.Issued {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
	if k.Credential, err = r.Told(r.Context(), k.Credential.ID); err != nil {
		r.Fatal(err)
	}
	r.clock.Advance(late)
	return k
}

func (r *rig) answers(secret sdk.Secret, want bool, what string) {
	r.Helper()
	p, err := r.Driver.Credential(r.Context(), r.api)
	if err != nil {
		r.Fatal(err)
	}
	req, err := lifecycle.Present(r.Context(), p, secret)
	if err != nil {
		r.Fatal(err)
	}
	res, err := r.client().Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.StatusCode == http.StatusOK; got != want {
		r.Errorf("%s: the gateway answers %d", what, res.StatusCode)
	}
}

// proven checks that the refusal of a key was seen, and not before the gateway could know of it.
func (r *rig) proven(c lifecycle.Credential, err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
	p := c.Proofs[len(c.Proofs)-1]
	if p.By != "request" || p.Result != lifecycle.Refused || p.Took < late-time.Second || p.Took > 3*late {
		r.Errorf("the proof is %+v", p)
	}
	r.Logf("%s: refused %v after the gateway was told, at request %d", p.Of, p.Took, p.Attempts)
}

// inAccord checks that the cloud is as the portal has it.
func (r *rig) inAccord() {
	r.Helper()
	d, err := r.Drift(r.Context(), "cloud")
	if err != nil {
		r.Fatal(err)
	}
	if len(d.Findings) > 0 || !d.Plans {
		r.Errorf("drift %+v, want none", d)
	}
}

func TestKey_LivesAtEveryCloud(t *testing.T) {
	for name, build := range clouds {
		t.Run(name, func(t *testing.T) {
			r := start(t, build, http.DefaultClient)
			r.access(r.plans[0])
			first := r.told(r.Issue(t.Context(), lifecycle.KeyRequest{App: r.app, Gateway: "cloud", API: r.api, By: ann, Label: "checkout"}))
			r.answers(first.Secret, true, "a new key")
			r.inAccord()

			next := r.told(r.Rotate(t.Context(), lifecycle.Rotation{Credential: first.Credential.ID, By: ann}))
			r.answers(first.Secret, true, "the old key in its grace")
			r.answers(next.Secret, true, "the new key")
			r.clock.Advance(time.Hour)
			if s, err := r.Sweep(t.Context()); err != nil || s.Retired != 1 {
				t.Errorf("swept %+v, %v", s, err)
			}
			r.clock.Advance(late)
			r.answers(first.Secret, false, "the old key after its grace")
			r.answers(next.Secret, true, "the new key after the grace")
			r.inAccord()

			r.access(r.plans[1])
			r.clock.Advance(late)
			r.answers(next.Secret, true, "the key under another plan")
			r.inAccord()

			r.proven(r.SuspendKey(t.Context(), next.Credential.ID, lifecycle.Ending{By: ann, Secret: next.Secret}))
			if _, err := r.ResumeKey(t.Context(), next.Credential.ID, lifecycle.Ending{By: ann}); err != nil {
				t.Fatal(err)
			}
			r.clock.Advance(late)
			r.answers(next.Secret, true, "a resumed key")
			r.proven(r.Revoke(t.Context(), next.Credential.ID, lifecycle.Ending{By: ann, Secret: next.Secret}))
			r.inAccord()
			for _, secret := range []sdk.Secret{first.Secret, next.Secret} {
				if strings.Contains(r.kv.text(), secret.Reveal()) {
					t.Error("the store has a secret")
				}
			}
		})
	}
}

func TestDrift_IsSeenAndMendedAtEveryCloud(t *testing.T) {
	for name, build := range clouds {
		t.Run(name, func(t *testing.T) {
			r := start(t, build, http.DefaultClient)
			r.access(r.plans[0])
			k := r.told(r.Issue(t.Context(), lifecycle.KeyRequest{App: r.app, Gateway: "cloud", API: r.api, By: ann}))
			behind := r.Driver
			if err := behind.SetPlan(t.Context(), r.app, r.api, ""); err != nil {
				t.Fatal(err)
			}
			if err := behind.SuspendKey(t.Context(), r.app, k.Credential.Key, true); err != nil {
				t.Fatal(err)
			}
			r.clock.Advance(late)
			r.answers(k.Secret, false, "a key that somebody took the plan of")
			d, err := r.Drift(t.Context(), "cloud")
			if err != nil || len(d.Findings) != 2 {
				t.Fatalf("drift %+v, %v", d, err)
			}
			for _, f := range d.Findings {
				if err := r.Repair(t.Context(), ann, "cloud", f.ID, lifecycle.RepairRestore); err != nil {
					t.Errorf("%s: %v", f.Kind, err)
				}
			}
			r.clock.Advance(late)
			r.answers(k.Secret, true, "the key, mended")
			r.inAccord()
		})
	}
}
