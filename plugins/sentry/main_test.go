package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/sentry/fake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	origin = "https://sentry.example.test"
	secret = "webhook-secret"
)

// now is a fixed time of the fake; the plugin keeps its own.
var now = time.Date(2026, 11, 23, 7, 30, 0, 0, time.UTC)

// rig is the plugin between a fake Sentry and a fake catalog.
type rig struct {
	*plugintest.Harness

	sentry *fake.Server
	clock  atomic.Pointer[time.Time] // of the plugin
}

func annotated(name, project string) sdk.Entity {
	return plugintest.Annotated(plugintest.Component(name), annotation, project)
}

var shop = []sdk.Entity{annotated("shop", "acme/checkout"), annotated("front", "storefront"), annotated("gone", "acme/gone"), plugintest.Component("plain")}

func sample() settings {
	return settings{Organizations: []organization{{Slug: "acme", URL: origin, Token: "sntrys_sample", WebhookSecret: secret}}}
}

func start(t *testing.T, change ...func(*settings)) *rig {
	t.Helper()
	return startWith(t, fake.Options{Now: func() time.Time { return now }}, change...)
}

func startWith(t *testing.T, o fake.Options, change ...func(*settings)) *rig {
	t.Helper()
	s := sample()
	for _, f := range change {
		f(&s)
	}
	r := &rig{sentry: fake.New(o)}
	r.clock.Store(&now)
	r.Harness = plugintest.Start(t, newPluginAt(func() time.Time { return *r.clock.Load() }), plugintest.Config(s))
	r.Catalog.Put(shop...)
	r.Outgoing.Handle(origin, r.sentry)
	r.Catalog.HideFrom("user:default/bob", "component:default/shop", "component:default/gone", "component:default/plain")
	return r
}

func (r *rig) advance(d time.Duration) {
	later := r.clock.Load().Add(d)
	r.clock.Store(&later)
}

var ann = plugintest.As("user:default/ann")

// failure is Backstage's form of errors.
type failure struct {
	Error struct{ Name, Message string }
}

func (r *rig) refused(t *testing.T, path string, status int, part string, opts ...plugintest.RequestOption) {
	t.Helper()
	res := r.Get(path, opts...)
	var got failure
	res.JSON(t, &got)
	if res.Status != status || !strings.Contains(got.Error.Message, part) {
		t.Errorf("GET %s: %d %q, want %d and …%s…", path, res.Status, got.Error.Message, status, part)
	}
}

func TestFrontend_GetsEveryFieldThatItReads(t *testing.T) {
	for _, endpoint := range []string{"organization", "project"} {
		r := start(t, func(s *settings) { s.Organizations[0].Endpoint = endpoint })
		res := r.Get("/api/0/projects/acme/checkout/issues/?statsPeriod=24h", ann)
		var list []map[string]json.RawMessage
		res.JSON(t, &list)
		if res.Status != http.StatusOK || len(list) != 3 {
			t.Fatalf("%s: %d, %d issues: %s", endpoint, res.Status, len(list), res.Text())
		}
		for _, i := range list {
			wantFields(t, i)
		}
		if res.Header.Get("Age") == "" {
			t.Error("no age is told")
		}
	}
}

// wantFields checks the types that the frontend's code and the public type SentryIssue rely on.
func wantFields(t *testing.T, i map[string]json.RawMessage) {
	t.Helper()
	kinds := map[string]string{
		"id": "s", "shortId": "s", "title": "s", "culprit": "s", "permalink": "s", "level": "s", "status": "s", "type": "s", "platform": "s",
		"firstSeen": "s", "lastSeen": "s", "count": "s", "userCount": "n", "numComments": "n", "metadata": "o", "stats": "o", "project": "o",
		"statusDetails": "o", "annotations": "a", "isPublic": "b", "hasSeen": "b", "isSubscribed": "b", "isBookmarked": "b",
		"logger": "?", "shareId": "?", "assignedTo": "?", "subscriptionDetails": "?",
	}
	for name, kind := range kinds {
		if got := kindOf(i[name]); got != kind && (kind != "?" || i[name] == nil) {
			t.Errorf("%s is %s: %s, want %s", name, got, i[name], kind)
		}
	}
	var of struct {
		Metadata struct{ Type, Value, Filename, Function *string }
		Stats    map[string][][2]int64
		LastSeen time.Time
	}
	data, err := json.Marshal(i)
	if err == nil {
		err = json.Unmarshal(data, &of)
	}
	if err != nil || of.Metadata.Type == nil || of.Metadata.Value == nil || len(of.Stats) != 1 || len(of.Stats["24h"]) != 24 || of.LastSeen.IsZero() {
		t.Errorf("%v in %s", err, data)
	}
}

func kindOf(raw json.RawMessage) string {
	switch {
	case raw == nil:
		return "absent"
	case raw[0] == '"':
		return "s"
	case raw[0] == '{':
		return "o"
	case raw[0] == '[':
		return "a"
	case string(raw) == "true" || string(raw) == "false":
		return "b"
	case string(raw) == "null":
		return "null"
	}
	return "n"
}

func TestFrontend_IsUnderstoodAsItWrites(t *testing.T) {
	for query, want := range map[string]string{
		"":                 "", // Sentry's own default: unresolved issues, 24 h
		"?statsPeriod=24h": "groupStatsPeriod=24h&limit=100&project=41",
		"?statsPeriod=14d": "groupStatsPeriod=14d&limit=100&project=41",
		"?statsPeriod=":    "groupStatsPeriod=&limit=100&project=41",
		"?statsPeriod=24h&query=is:unresolved%20level:error&x=1": "groupStatsPeriod=24h&limit=100&project=41&query=is%3Aunresolved+level%3Aerror",
		"?statsPeriod=24h&query=is:resolved+lock":                "groupStatsPeriod=24h&limit=100&project=41&query=is%3Aresolved+lock",
		"?statsPeriod=24h&query=100%":                            "groupStatsPeriod=24h&limit=100&project=41&query=100%25",
		"?query=":                                                "groupStatsPeriod=24h&limit=100&project=41&query=",
		"?environment=a&environment=b&cursor=x&hashes=1":         "environment=a&environment=b&groupStatsPeriod=24h&limit=100&project=41",
		"?limit=2": "groupStatsPeriod=24h&limit=2&project=41",
	} {
		r := start(t)
		res := r.Get("/api/0/projects/acme/checkout/issues"+query, ann) // the last slash may be missing
		if res.Status != http.StatusOK {
			t.Errorf("%s: %d %s", query, res.Status, res.Text())
			continue
		}
		calls := r.sentry.Calls()
		sent := calls[len(calls)-1]
		if want != "" && sent != "GET /api/0/organizations/acme/issues/?"+want {
			t.Errorf("%s: sent %s", query, sent)
		}
	}
}

func TestFrontend_GetsAnEmptyArrayWhereThereIsNothing(t *testing.T) {
	if res := start(t).Get("/api/0/projects/acme/checkout/issues/?query=nothing", ann); res.Text() != "[]" {
		t.Error(res.Text())
	}
}

func TestFrontend_GetsStatsAlthoughItAsksForNone(t *testing.T) {
	res := start(t).Get("/api/0/projects/acme/checkout/issues/?statsPeriod=", ann)
	var list []struct{ Stats *map[string]any }
	res.JSON(t, &list)
	if len(list) == 0 || list[0].Stats == nil || len(*list[0].Stats) != 0 {
		t.Error(res.Text())
	}
}

func TestFrontend_IsToldTheCause(t *testing.T) {
	r := start(t)
	r.refused(t, "/api/0/projects/acme/gone/issues/", http.StatusNotFound, "Sentry knows no projects/acme/gone, or the token of organization acme may not see it", ann)
	r.refused(t, "/api/0/projects/other/checkout/issues/", http.StatusNotFound, `know no organization "other"`, ann)
	r.refused(t, "/api/0/projects/acme/check%2Fout/issues/", http.StatusBadRequest, "is no slug", ann)
	r.refused(t, "/api/0/projects/acme/checkout/issues/?statsPeriod=1y", http.StatusBadRequest, "statsPeriod", ann)
	r.refused(t, `/api/0/projects/acme/checkout/issues/?query="`, http.StatusBadRequest, "Error parsing search query", ann)
	r.refused(t, "/api/0/projects/acme/checkout/issues/", http.StatusUnauthorized, "nobody is signed in")
}

func TestProjects_AreShownToReadersOfTheirEntitiesOnly(t *testing.T) {
	r := start(t)
	bob := plugintest.As("user:default/bob")
	r.refused(t, "/api/0/projects/acme/checkout/issues/", http.StatusForbidden, "no entity that you may read", bob)
	r.refused(t, "/v1/entities/component/default/shop/issues", http.StatusNotFound, "may not read it", bob)
	r.refused(t, "/api/0/projects/acme/inventory/issues/", http.StatusForbidden, "no entity that you may read", ann) // of nobody
	if len(r.sentry.Calls()) != 0 {
		t.Errorf("Sentry was asked: %v", r.sentry.Calls())
	}
	for _, who := range []plugintest.RequestOption{bob, ann, plugintest.As("plugin:scorecards")} {
		for _, slug := range []string{"storefront", "STOREFRONT"} { // as in the catalog, case is of no meaning
			if res := r.Get("/api/0/projects/acme/"+slug+"/issues/", who); res.Status != http.StatusOK {
				t.Errorf("%d %s", res.Status, res.Text())
			}
		}
	}
	for _, req := range r.Outgoing.Requests() {
		u, err := url.Parse(req.URL)
		if err != nil || u.Host == "sentry.example.test" && req.Header.Get("Authorization") != "Bearer sntrys_sample" {
			t.Errorf("%v %v", u, req.Header)
		}
	}
}
