package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

// gateway is a real one, with the driver for it, before an API that echoes the headers that reach it.
type gateway struct {
	name   string
	driver driver.Driver
	api    driver.APIID
	plan   driver.PlanID
	url    string // of the API
	tells  bool   // the gateway tells the API whose request it is
	within time.Duration
	http   *http.Client

	limited driver.PlanID // a plan to be used up
	limit   int           // of it
}

// echo is the API behind the gateways: it answers the headers that it was asked with.
func echo() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sdk.WriteJSON(w, http.StatusOK, r.Header) })
}

// ask makes a request with a key, as somebody does who would like to be another.
func (g *gateway) ask(t *testing.T, secret sdk.Secret) (int, http.Header, http.Header) {
	t.Helper()
	p, err := g.driver.Credential(t.Context(), g.api)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Consumer", "admin")
	req.Header.Set("X-Consumer-Owner", "group:default/admins")
	if secret != "" {
		value := secret.Reveal()
		if p.Scheme != "" {
			value = p.Scheme + " " + value
		}
		req.Header.Set(p.Header, value)
	}
	res, err := g.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	reached := http.Header{}
	if body, err := io.ReadAll(res.Body); err == nil && res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(body, &reached); err != nil {
			t.Fatalf("the API behind the gateway answers %q", body)
		}
	}
	return res.StatusCode, res.Header, reached
}

func (g *gateway) status(t *testing.T, secret sdk.Secret) int {
	t.Helper()
	status, _, _ := g.ask(t, secret)
	return status
}

// turns waits until a key is answered with one of the statuses, and notes how long that took.
func (g *gateway) turns(t *testing.T, did string, secret sdk.Secret, statuses ...int) {
	t.Helper()
	last := 0
	took := until(t, g.within, did, func() bool {
		last = g.status(t, secret)
		return slices.Contains(statuses, last)
	})
	seen.note(g.name, did, fmt.Sprint(last), millis(took))
}

func (g *gateway) app(t *testing.T, app driver.AppID, plan driver.PlanID) {
	t.Helper()
	if err := g.driver.EnsureConsumer(t.Context(), driver.App{ID: app, Name: "The " + string(app), Owner: "group:default/checkout"}); err != nil {
		t.Fatal(err)
	}
	if err := g.driver.SetPlan(t.Context(), app, g.api, plan); err != nil {
		t.Fatal(err)
	}
}

func (g *gateway) issue(t *testing.T, app driver.AppID, operation string) driver.IssuedKey {
	t.Helper()
	k, err := g.driver.IssueKey(t.Context(), driver.KeyRequest{App: app, API: g.api, Operation: operation, Label: "end to end"})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// life is what a key goes through. The times are those from the end of the call to the first answer of the gateway that shows
// its effect.
func (g *gateway) life(t *testing.T) {
	ctx := t.Context()
	g.app(t, "shop", g.plan)
	first := g.issue(t, "shop", "6a3f6a5e-0000-4000-8000-000000000001")
	g.turns(t, "issue: the key is let in", first.Secret, 200)
	g.turns(t, "no key", "", 401)
	g.whose(t, first)

	second := g.issue(t, "shop", "6a3f6a5e-0000-4000-8000-000000000002")
	g.turns(t, "rotate: the new key is let in", second.Secret, 200)
	g.turns(t, "rotate: the old key as well", first.Secret, 200)
	must(t, g.driver.RevokeKey(ctx, "shop", first.ID))
	g.turns(t, "rotate: the old key ends", first.Secret, 401, 403)
	g.turns(t, "rotate: the new key goes on", second.Secret, 200)

	must(t, g.driver.SuspendKey(ctx, "shop", second.ID, true))
	g.turns(t, "suspend: refused", second.Secret, 401, 403)
	must(t, g.driver.SuspendKey(ctx, "shop", second.ID, false))
	g.turns(t, "resume: let in", second.Secret, 200)

	must(t, g.driver.RevokeKey(ctx, "shop", second.ID))
	g.turns(t, "revoke: refused", second.Secret, 401, 403)
	g.expiry(t)
	g.quota(t)
}

// expiry issues a key that ends soon, where the gateway ends keys by itself.
func (g *gateway) expiry(t *testing.T) {
	t.Helper()
	if can, err := g.driver.Capabilities(t.Context()); err != nil || !can.KeyTTL {
		return
	}
	const life = 2 * time.Second
	ends := time.Now().Add(life)
	k, err := g.driver.IssueKey(t.Context(), driver.KeyRequest{
		App: "shop", API: g.api, Operation: "6a3f6a5e-0000-4000-8000-000000000004", Expires: ends,
	})
	must(t, err)
	until(t, life, "a key that ends soon is let in", func() bool { return g.status(t, k.Secret) == http.StatusOK })
	until(t, 2*life, "it ends", func() bool { return g.status(t, k.Secret) == http.StatusUnauthorized })
	late := time.Since(ends)
	seen.note(g.name, "expiry: the key ends by itself", "401", millis(late))
	if late < 0 || late > life {
		t.Errorf("the key ended %s after its time", late)
	}
}

// whose checks that the API learns whose request it is from the gateway and not from the caller.
func (g *gateway) whose(t *testing.T, k driver.IssuedKey) {
	t.Helper()
	if !g.tells {
		return
	}
	_, _, reached := g.ask(t, k.Secret)
	for name, want := range map[string]string{
		"X-Consumer": "shop", "X-Consumer-App": "The shop", "X-Consumer-Owner": "group:default/checkout", "X-Consumer-Key": string(k.ID),
	} {
		if got := reached.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("the API is told %s: %q, want %q", name, got, want)
		}
	}
	if key := reached.Get("X-Api-Key"); key != "" {
		t.Error("the key reaches the API")
	}
	seen.note(g.name, "a caller says X-Consumer: admin", "the API is told "+reached.Get("X-Consumer"), "")
}

// quota uses a plan up, with another application so that nothing is used yet.
func (g *gateway) quota(t *testing.T) {
	t.Helper()
	g.app(t, "greedy", g.limited)
	k := g.issue(t, "greedy", "6a3f6a5e-0000-4000-8000-000000000003")
	until(t, g.within, "the key is let in", func() bool { return g.status(t, k.Secret) == http.StatusOK })
	allowed := 1
	for ; allowed <= g.limit; allowed++ {
		status, h, _ := g.ask(t, k.Secret)
		if status == http.StatusTooManyRequests {
			seen.note(g.name, fmt.Sprintf("quota of %d", g.limit), fmt.Sprintf("%d × 200, then 429 (Retry-After %q)", allowed, h.Get("Retry-After")), "")
			break
		}
		if status != http.StatusOK {
			t.Fatalf("request %d is answered %d", allowed+1, status)
		}
	}
	if allowed != g.limit {
		t.Errorf("%d requests were let in, want %d", allowed, g.limit)
	}
	if q, err := g.driver.Quota(t.Context(), "greedy", g.api); err == nil {
		seen.note(g.name, "quota as the driver tells it", fmt.Sprintf("%d of %d used", q.Used, q.Limit.Requests), "")
		if q.Used != int64(g.limit) || q.Remaining != 0 {
			t.Errorf("the driver tells %+v", q)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
