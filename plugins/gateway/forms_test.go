package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/plugins/gateway/lifecycle"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/plugintest"
)

var orders = api("orders", "edge/orders", "orders")

// send fills a form in for the API orders, or for none.
func (r *rig) send(id, key string, args object, by plugintest.RequestOption) *plugintest.Submission {
	r.Helper()
	w := sdk.WidgetQuery{IdempotencyKey: key}
	if id == "request" || id == "issue-key" {
		w.Entity = orders
	}
	return r.SubmitWidget(id, w, args, by)
}

// done is send of what must go well.
func (r *rig) done(id, key string, args object) *plugintest.Submission {
	r.Helper()
	s := r.send(id, key, args, ann)
	if s.Err != nil || s.FieldErrors != nil {
		r.Fatalf("%s: %v %v", id, s.Err, s.FieldErrors)
	}
	return s
}

func (r *rig) apps() []lifecycle.App {
	r.Helper()
	return answered[list[lifecycle.App]](r, 200, r.Get("/v1/apps", ann)).Items
}

func (r *rig) requests(app lifecycle.App) []requestAnswer {
	r.Helper()
	return answered[list[requestAnswer]](r, 200, r.Get("/v1/requests?app="+string(app.ID), ann)).Items
}

func secretOf(t *testing.T, s *plugintest.Submission) string {
	t.Helper()
	if !s.Secret || len(s.Frames) == 0 {
		t.Fatalf("%+v", s)
	}
	secret, _ := s.Frames[0].Column("key").Values[0].(string)
	return secret
}

func TestForms_FromTheRequestToTheEndOfTheKey(t *testing.T) {
	log := captured(t)
	r := start(t)
	asked := r.done("request", "1", object{"newApp": "Web Shop", "owner": "group:default/shop", "plan": "bronze", "ttlDays": 90, "reason": "checkout"})
	if !strings.Contains(asked.Message, "needs approval by group:default/orders") || asked.Secret {
		t.Errorf("%+v", asked)
	}
	shop := r.apps()[0]
	open := r.requests(shop)
	if shop.Owner != "group:default/shop" || len(open) != 1 || open[0].Reason != "checkout" || open[0].By != "user:default/ann" {
		t.Errorf("%+v %+v", shop, open)
	}
	answered[lifecycle.Request](r, 200, r.Do("POST", "/v1/requests/"+open[0].ID+"/approve", nil, olga))

	issued := r.done("issue-key", "2", object{"app": shop.ID, "label": "checkout", "days": 30})
	first := secretOf(t, issued)
	if r.presents(first) != 200 || issued.Frames[0].Column("header").Values[0] != "X-Api-Key" || issued.Frames[0].Column("address").Values[0] != "https://edge.example.com/orders" {
		t.Errorf("%+v", issued.Frames[0])
	}
	key := func(state lifecycle.State) lifecycle.Credential {
		t.Helper()
		all := answered[list[lifecycle.Credential]](r, 200, r.Get("/v1/apps/"+string(shop.ID)+"/credentials", ann)).Items
		n := slices.IndexFunc(all, func(c lifecycle.Credential) bool { return c.State == state })
		if n < 0 {
			t.Fatalf("no key is %s: %+v", state, all)
		}
		return all[n]
	}
	old := key(lifecycle.Active)
	rotated := r.done("rotate-key", "3", object{"credential": old.ID, "grace": "0s", "sure": true})
	second := secretOf(t, rotated)
	if until := rotated.Frames[1].Column("until").Values[0]; until != epoch {
		t.Errorf("the old key ends at %v", until)
	}
	if r.presents(first) != 401 || r.presents(second) != 200 {
		t.Error("the new key is not in place of the old one")
	}
	ended := r.done("revoke-key", "4", object{"credential": key(lifecycle.Active).ID, "reason": "over", "sure": true})
	if !strings.Contains(ended.Message, "is revoked") || r.presents(second) != 401 {
		t.Errorf("%+v", ended)
	}
	r.tellsNoSecret(first, second)
	if text := log(); strings.Contains(text, first) || strings.Contains(text, second) {
		t.Error("a secret is in the log")
	}
}

// captured is what is logged during a test.
func captured(t *testing.T) (text func() string) {
	t.Helper()
	var mu sync.Mutex
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return b.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return b.String()
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestForms_SentTwiceAreDoneOnce(t *testing.T) {
	r := start(t, func(s *settings) { s.Gateways[0].AutoApprove = true })
	ask := object{"newApp": "Web Shop", "owner": "group:default/shop", "plan": "gold", "ttlDays": 30}
	var both sync.WaitGroup
	for range 2 { // as of an impatient person
		both.Go(func() { r.send("request", "1", ask, ann) })
	}
	both.Wait()
	if again := r.done("request", "1", ask); !strings.Contains(again.Message, "has access to edge/orders") {
		t.Errorf("%+v", again)
	}
	apps := r.apps()
	if len(apps) != 1 || len(r.requests(apps[0])) != 1 || len(apps[0].Grants) != 1 {
		t.Fatalf("%+v", apps)
	}
	secret := secretOf(t, r.done("issue-key", "2", object{"app": apps[0].ID}))
	again := r.done("issue-key", "2", object{"app": apps[0].ID})
	if again.Secret || len(again.Frames) != 0 || !strings.Contains(again.Message, secret[:6]+"…") || !strings.Contains(again.Message, "rotate it") {
		t.Errorf("%+v", again)
	}
	other := secretOf(t, r.done("issue-key", "3", object{"app": apps[0].ID}))
	if keys := answered[list[lifecycle.Credential]](r, 200, r.Get("/v1/apps/"+string(apps[0].ID)+"/credentials", ann)).Items; len(keys) != 2 || other == secret {
		t.Errorf("%+v", keys)
	}
}

func TestForms_AreForTheOwnersOfTheApplication(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a)
	for id, args := range map[string]object{
		"request": {"app": a.ID, "plan": "bronze"}, "issue-key": {"app": a.ID}, "rotate-key": {"credential": k.Credential.ID, "sure": true},
		"revoke-key": {"credential": k.Credential.ID, "sure": true},
	} {
		for _, other := range []plugintest.RequestOption{eve, pete} {
			if s := r.send(id, "1", args, other); !errors.Is(s.Err, sdk.ErrNotFound) {
				t.Errorf("%s: %+v, %v", id, s, s.Err)
			}
		}
	}
	if r.presents(k.Secret) != 200 || len(r.requests(a)) != 1 {
		t.Error("something was done")
	}
	if s := r.send("request", "2", object{"newApp": "x", "owner": "group:default/orders", "plan": "bronze"}, ann); !strings.Contains(s.FieldErrors["owner"], "you do not belong") {
		t.Errorf("%+v", s)
	}
	for _, id := range []string{"request", "issue-key", "rotate-key", "revoke-key"} {
		for _, f := range r.QueryWidget(id, sdk.WidgetQuery{User: "user:default/eve", Entity: orders}).Frames {
			if text, err := json.Marshal(f); err != nil || strings.Contains(string(text), string(a.ID)) || strings.Contains(string(text), k.Credential.ID) {
				t.Errorf("%s shows %s to another: %v", id, text, err)
			}
		}
	}
}

func TestRequestForm_SaysWhatIsWrongInThePolicysWords(t *testing.T) {
	r := start(t)
	a := r.app()
	for _, c := range []struct {
		args  object
		field string
		part  string
	}{
		{object{"plan": "bronze"}, "newApp", "choose an application, or name a new one"},
		{object{"app": a.ID, "newApp": "y", "plan": "bronze"}, "newApp", "leave this empty"},
		{object{"app": a.ID, "plan": "platinum"}, "plan", "bronze, gold"},
		{object{"newApp": " ", "plan": "bronze"}, "newApp", "1 to 100 characters"},
		{object{"newApp": "y", "owner": "what:ever/x", "plan": "bronze"}, "owner", "you do not belong"},
		{object{"app": a.ID, "plan": "gold", "ttlDays": -1}, "ttlDays", "at least 1"},
	} {
		if s := r.send("request", c.part, c.args, ann); s.Err != nil || !strings.Contains(s.FieldErrors[c.field], c.part) {
			t.Errorf("%v: %v %v", c.args, s.FieldErrors, s.Err)
		}
	}
	s := r.send("request", "new", object{"newApp": "Second", "plan": "gold", "ttlDays": 400}, ann)
	if !errors.Is(s.Err, sdk.ErrNotAllowed) || !strings.Contains(s.Err.Error(), "at most 365 are allowed (ttl)") {
		t.Errorf("%+v", s)
	}
	if apps := r.apps(); len(apps) != 1 {
		t.Errorf("an application was made for what was refused: %+v", apps)
	}
	for _, wrong := range []object{{"credential": "x"}, {"credential": "x", "sure": false}} {
		if s := r.send("revoke-key", "1", wrong, ann); s.FieldErrors["sure"] == "" {
			t.Errorf("%+v", s)
		}
	}
}

func TestForms_OfferWhatTheViewerHas(t *testing.T) {
	r := start(t)
	a := r.app()
	k := r.key(a)
	shown := func(id, args string) map[string]*frame.Frame {
		t.Helper()
		run := r.QueryWidget(id, sdk.WidgetQuery{User: "user:default/ann", Entity: orders, Args: []byte(args)})
		if run.Err != nil {
			t.Fatal(id, run.Err)
		}
		frames := map[string]*frame.Frame{}
		for _, f := range run.Frames {
			frames[f.Name] = f
		}
		return frames
	}
	request := shown("request", `{}`)
	if apps := request["choices/app"].Column("value").Values; !slices.Equal(apps, []any{"", string(a.ID)}) {
		t.Errorf("%v", apps)
	}
	owners := request["choices/owner"].Column("value").Values
	if !slices.Equal(owners, []any{"group:default/shop", "user:default/ann"}) || request["values"].Column("owner").Values[0] != owners[0] {
		t.Errorf("%v", owners)
	}
	if plans := request["choices/plan"].Column("label").Values; plans[0] != "Bronze, 3 requests per day" {
		t.Errorf("%v", plans)
	}
	if had := request["Access"]; had.Rows() != 1 || had.Column("plan").Values[0] != "bronze" {
		t.Errorf("%+v", had)
	}
	args, err := json.Marshal(object{"app": a.ID, "plan": "gold", "ttlDays": 400})
	if err != nil {
		t.Fatal(err)
	}
	if verdict := shown("request", string(args))["Policy"]; !slices.Contains(verdict.Column("severity").Values, any("critical")) {
		t.Errorf("%+v", verdict)
	}
	if apps := shown("issue-key", "")["choices/app"].Column("value").Values; !slices.Equal(apps, []any{string(a.ID)}) {
		t.Errorf("%v", apps)
	}
	for _, id := range []string{"rotate-key", "revoke-key"} {
		keys := shown(id, "")["choices/credential"]
		if keys.Rows() != 1 || keys.Column("value").Values[0] != k.Credential.ID || !strings.Contains(keys.Column("label").Values[0].(string), "Web Shop, edge/orders, ") {
			t.Errorf("%s: %+v", id, keys)
		}
	}
}
