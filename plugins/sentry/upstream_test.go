package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/sentry/fake"
	"github.com/callboard/callboard/sdk"
)

const issuesOfShop = "/v1/entities/component/default/shop/issues"

// said is an answer of fixed status and text.
func said(status int, kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}
}

func TestHostileUpstream_IsDiagnosed(t *testing.T) {
	const json = "application/json"
	long := strings.Repeat(" ", longestAnswer+10)
	for name, c := range map[string]struct {
		serve  http.HandlerFunc
		status int
		part   string
	}{
		"wrong token":       {said(401, json, `{"detail":"Invalid token"}`), 503, "does not accept the token: it is wrong, revoked or expired: Invalid token"},
		"detail object":     {said(401, json, `{"detail":{"code":"x","message":"Session over","extra":{}}}`), 503, "expired: Session over"},
		"missing scope":     {said(403, json, `{"detail":"You do not have permission"}`), 503, "the token lacks the scope event:read"},
		"unknown":           {said(404, json, `{"detail":"gone"}`), 404, "may not see it: gone"},
		"fields":            {said(400, json, `{"query":["too long"],"cursor":["odd"]}`), 400, "cursor: odd query: too long"},
		"error page":        {said(500, "text/html", "<html><h1>Internal\x00 error"), 503, "answers GET organizations/acme/issues with 500"},
		"login page":        {said(200, "text/html; charset=utf-8", "<html>Sign in</html>"), 503, "with a web page"},
		"page without type": {said(200, "text/plain", "\n<!doctype html>"), 503, "with a web page"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sso.example/login?token=x", http.StatusFound)
		}, 503, "a redirect to https://sso.example/login:"},
		"truncated":          {said(200, json, `[{"id":"1","title":`), 503, "no JSON, or breaks off"},
		"empty":              {said(200, json, ``), 503, "no JSON, or breaks off"},
		"an object":          {said(200, json, `{"detail":"maintenance"}`), 503, "JSON of another form"},
		"array of texts":     {said(200, json, `["a"]`), 503, "JSON of another form"},
		"endless":            {said(200, json, long), 503, "more than 8 MiB"},
		"token comes back":   {said(400, json, `{"detail":"bad sntrys_sample"}`), 400, "bad [token]"},
		"control characters": {said(400, json, `{"detail":"a\r\nb\u0007\ufffd`+strings.Repeat("x", 5000)+`"}`), 400, "a b xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			r.sentry.Fail("/organizations/acme/issues/", -1, c.serve)
			r.refused(t, issuesOfShop, c.status, c.part, ann)
			if res := r.Get(issuesOfShop, ann); len(res.Text()) > 1500 || strings.Contains(res.Text(), "sntrys_") {
				t.Error(res.Text())
			}
			if healthy := r.Health() == nil; healthy != (c.status != 503) {
				t.Errorf("health: %v", r.Health())
			}
		})
	}
}

func TestHostileIssues_AreMadeWhole(t *testing.T) {
	r := start(t)
	r.sentry.Fail("/organizations/acme/issues/", -1, said(200, "application/json", `[null, {}, {
		"id": 12345678901234567890, "title": null, "metadata": null, "stats": {"14d": null, "auto": [[1, 2]]}, "permalink": "javascript:alert(1)",
		"count": 7, "userCount": "x", "lastSeen": "yesterday", "firstSeen": "2026-11-23T06:58:41Z", "annotations": "none", "project": [], "hasSeen": 1, "new": 1e2},
		{"metadata": {"type": 5, "value": {}}, "stats": {"24h": [[1, 2], [1], "x", ["a", 1], [3, null]]}, "userCount": 1e999, "count": "NaN"}]`))
	res := r.Get("/api/0/projects/acme/checkout/issues/", ann)
	var list []struct {
		ID, Title, Permalink, LastSeen, FirstSeen, Count string
		UserCount                                        float64
		Metadata                                         map[string]string
		Stats                                            map[string][][]float64
		Annotations                                      []any
		Project                                          map[string]any
		HasSeen                                          bool
		New                                              any
	}
	res.JSON(t, &list)
	if len(list) != 3 {
		t.Fatal(res.Text())
	}
	i, j := list[1], list[2]
	if i.ID != "12345678901234567890" || i.Permalink != "" || i.Count != "7" || i.LastSeen != "" || i.FirstSeen == "" || i.New == nil || i.Stats["24h"] == nil {
		t.Errorf("%+v", i)
	}
	if _, ok := i.Stats["14d"]; ok || len(j.Stats["24h"]) != 1 || j.Metadata["type"] != "5" || j.Metadata["value"] != "" || j.UserCount != 0 {
		t.Errorf("%+v", j)
	}
	run := r.QueryWidget("open-issues", sdk.WidgetQuery{Entity: shop[0]})
	if run.Err != nil || run.Frames[0].Rows() != 3 {
		t.Errorf("%+v", run)
	}
}

func TestPages_AreFollowedToTheMostThatIsAllowed(t *testing.T) {
	for most, want := range map[int]string{250: "250 true 3", 253: "253 false 3", 300: "253 false 3", 100: "100 true 1", 7: "7 true 1"} {
		r := start(t, func(s *settings) { s.MaxIssues = most })
		for n := range 250 {
			r.sentry.Add("checkout", fake.Issue{Title: fmt.Sprint("issue ", n), Status: "unresolved", Count: n, FirstSeen: now, LastSeen: now})
		}
		var got struct {
			Items []struct{ ID string }
			Meta  about
		}
		r.Get(issuesOfShop, ann).JSON(t, &got)
		ids := map[string]bool{}
		for _, i := range got.Items {
			ids[i.ID] = true
		}
		if s := fmt.Sprint(len(ids), got.Meta.More, len(r.sentry.Calls())-1); s != want { // one call is for the project's id
			t.Errorf("%d: %s, want %s", most, s, want)
		}
	}
}

func TestPages_OfAServerThatNeverEndsAreCounted(t *testing.T) {
	r := start(t)
	r.sentry.Fail("/organizations/acme/issues/", -1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `<https://x/?a=1,2>; rel="previous"; results="true"; cursor="0:0:1", <https://x/>; rel="next"; results="true"; cursor="0:0:0"`)
		_, _ = w.Write([]byte(`[]`))
	})
	if res := r.Get(issuesOfShop, ann); res.Status != http.StatusOK || len(r.sentry.Calls()) > 3 {
		t.Errorf("%d after %d calls", res.Status, len(r.sentry.Calls()))
	}
}

func TestLinks_TellTheNextPage(t *testing.T) {
	for header, want := range map[string]string{
		``: "",
		`<u>; rel="next"; results="false"; cursor="0:100:0"`:                                                     "",
		`<u>; rel="previous"; results="true"; cursor="0:0:1", <u>; rel="next"; results="true"; cursor="1:100:0"`: "1:100:0",
		`<u?a=b;c>; rel=next; results=true; cursor="0:7:0"`:                                                      "0:7:0",
		`>;;;,<<>; rel="next`: "",
	} {
		if got := next(http.Header{"Link": {header}}); got != want {
			t.Errorf("%s: %q", header, got)
		}
	}
}

func TestRateLimit_IsHeeded(t *testing.T) {
	r := start(t)
	date := now.Add(-42 * time.Hour) // the server's clock is wrong, and does no harm
	r.sentry.Fail("/organizations/acme/issues/", -1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", date.Format(http.TimeFormat))
		w.Header().Set("Retry-After", "3000") // longer than anybody waits: the SDK does not repeat it
		w.WriteHeader(http.StatusTooManyRequests)
	})
	res := r.Get(issuesOfShop, ann)
	if res.Status != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "120" || !strings.Contains(res.Text(), "too many requests") {
		t.Errorf("%d %v %s", res.Status, res.Header, res.Text())
	}
	before := len(r.sentry.Calls())
	r.refused(t, "/v1/entities/component/default/shop/releases", http.StatusServiceUnavailable, "it takes more in", ann)
	if len(r.sentry.Calls()) != before {
		t.Error("it was asked although it had said when to come back")
	}
}

func TestRateLimit_IsMeasuredByTheServersClock(t *testing.T) {
	for reset, want := range map[string]time.Duration{"1795334405": 5 * time.Second, "1795334400.5": 500 * time.Millisecond, "1": 0, "1e300": longestPause, "x": time.Second} {
		tn := &tenant{now: func() time.Time { return now }}
		h := http.Header{"Date": {time.Unix(1795334400, 0).UTC().Format(http.TimeFormat)}}
		h.Set("X-Sentry-Rate-Limit-Reset", reset)
		h.Set("X-Sentry-Rate-Limit-Remaining", "0")
		tn.heed(h, http.StatusOK)
		if got := tn.pausedUntil.Load().Sub(now); got != want {
			t.Errorf("%s: %s, want %s", reset, got, want)
		}
	}
}

func TestUpstream_HasItsScopesDiagnosedOneByOne(t *testing.T) {
	r := start(t)
	r.sentry.Revoke("org:read")
	r.refused(t, "/v1/entities/component/default/shop/stats", http.StatusServiceUnavailable, "lacks the scope org:read", ann)
	if res := r.Get(issuesOfShop, ann); res.Status != http.StatusOK {
		t.Error(res.Text())
	}
	if err := r.RunTask("probe"); err == nil || r.Health() == nil || !strings.Contains(r.Health().Error(), "lacks the scope org:read") {
		t.Errorf("%v, %v", err, r.Health())
	}
}

func TestProbe_FindsAnOrganizationThatIsNotThere(t *testing.T) {
	r := start(t, func(s *settings) { s.Organizations[0].Slug, s.Organizations[0].Name = "acne", "acme" })
	if err := r.RunTask("probe"); err == nil || r.Health() == nil || !strings.Contains(r.Health().Error(), "knows no organizations/acne") {
		t.Errorf("%v %v", err, r.Health())
	}
	if err := start(t).RunTask("probe"); err != nil {
		t.Error(err)
	}
}

func TestUpstream_ThatIsNotAllowedIsAnOutageAndNotTheCallersFault(t *testing.T) {
	r := start(t, func(s *settings) { s.Organizations[0].URL = "https://elsewhere.example" })
	r.refused(t, issuesOfShop, http.StatusServiceUnavailable, "cannot be reached: egress to elsewhere.example", ann)
}

func TestOrganizations_HaveTokensAndServersOfTheirOwn(t *testing.T) {
	r := start(t, func(s *settings) {
		s.Organizations = append(s.Organizations, organization{Slug: "acme", Name: "acme-eu", URL: "https://eu.example.test/sentry", Token: "sntrys_eu"})
	})
	eu := fake.New(fake.Options{Token: "sntrys_eu"})
	r.Outgoing.Handle("https://eu.example.test", http.StripPrefix("/sentry", eu))
	r.Catalog.Put(annotated("eu", "x/acme-eu/inventory"))
	if res := r.Get("/v1/entities/component/default/eu/issues", ann); res.Status != http.StatusOK || len(eu.Calls()) != 2 || len(r.sentry.Calls()) != 0 {
		t.Errorf("%d %s %v", res.Status, res.Text(), eu.Calls())
	}
}

func TestSettings_ThatCannotWorkAreRefused(t *testing.T) {
	r := start(t)
	for part, change := range map[string]func(*settings){
		"is no slug":                func(s *settings) { s.Organizations[0].Slug = "a/b" },
		"two organizations":         func(s *settings) { s.Organizations = append(s.Organizations, organization{Slug: "ACME", Token: "x"}) },
		"token: is empty":           func(s *settings) { s.Organizations[0].Token = " " },
		"must end after the path":   func(s *settings) { s.Organizations[0].URL = "https://ann:pw@sentry.example/?a=1" },
		"must be an address":        func(s *settings) { s.Organizations[0].URL = "ftp://sentry.example" },
		"is shorter than fresh":     func(s *settings) { s.Fresh, s.Keep = sdk.Duration(time.Hour), sdk.Duration(time.Minute) },
		"/organizations":            func(s *settings) { s.Organizations = nil },
		"/organizations/0/endpoint": func(s *settings) { s.Organizations[0].Endpoint = "both" },
	} {
		s := sample()
		change(&s)
		if err := r.Validate(s); err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: %v", part, err)
		}
	}
}

func TestSettings_HaveTheSchemaThatTheManifestNames(t *testing.T) {
	start(t).WantSettingsSchema("settings.schema.json")
}

func TestAnswers_AreSharedByThoseWhoAskAtOnce(t *testing.T) {
	r := start(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if res := r.Get(issuesOfShop, ann); res.Status != http.StatusOK {
				t.Error(res.Text())
			}
		})
	}
	all.Wait()
	if n := len(r.sentry.Calls()); n != 2 {
		t.Errorf("20 viewers made %d calls", n)
	}
}

func TestAnnotations_ThatNameNoProjectAreDiagnosed(t *testing.T) {
	r := start(t)
	r.Catalog.Put(annotated("odd", "a b/c d"))
	r.refused(t, "/v1/entities/component/default/odd/issues", http.StatusNotFound, `annotation sentry.io/project-slug`, ann)
	r.refused(t, "/v1/entities/component/default/plain/issues", http.StatusNotFound, "component:default/plain has no annotation", ann)
	r.refused(t, "/v1/entities/component/default/nobody/issues", http.StatusNotFound, "may not read it", ann)
	if run := r.QueryWidget("open-issues", sdk.WidgetQuery{Entity: annotated("odd", "a/b/")}); !errors.Is(run.Err, sdk.ErrNotFound) && !errors.Is(run.Err, sdk.ErrInput) {
		t.Error(run.Err)
	}
}
