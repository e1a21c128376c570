package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/sentry/fake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func (r *rig) hook(h fake.Hook) *plugintest.Response {
	var opts []plugintest.RequestOption
	for name := range h.Header {
		opts = append(opts, plugintest.Header(name, h.Header.Get(name)))
	}
	return r.Do(http.MethodPost, "/webhook/acme", h.Body, opts...)
}

// published waits for what was begun to end, and answers the events.
func (r *rig) published(t *testing.T) []happening {
	t.Helper()
	if err := r.Drain(); err != nil {
		t.Fatal(err)
	}
	var list []happening
	for _, e := range r.Events.Published() {
		var h happening
		if err := e.Decode(&h); err != nil || e.Topic != topic {
			t.Fatal(err, e.Topic)
		}
		list = append(list, h)
	}
	return list
}

func TestWebhook_BecomesAnEventAndANotification(t *testing.T) {
	r := start(t)
	r.Get(issuesOfShop, ann)
	id := r.sentry.Add("checkout", fake.Issue{Title: "panic: nil map", Level: "fatal", Status: "unresolved", FirstSeen: now, LastSeen: now})
	if res := r.hook(r.sentry.IssueHook(id, "created", secret)); res.Status != http.StatusNoContent {
		t.Fatal(res.Status, res.Text())
	}
	events, told := r.published(t), r.Notifications.Sent()
	if len(events) != 1 || len(told) != 1 {
		t.Fatal(events, told)
	}
	h := events[0]
	if h.Project != "checkout" || h.Organization != "acme" || h.IssueID != id || h.Action != "created" || len(h.EntityRefs) != 1 || h.EntityRefs[0] != "component:default/shop" {
		t.Errorf("%+v", h)
	}
	n := told[0]
	if n.To[0] != "component:default/shop" || n.Severity != "high" || n.Title != "Sentry: panic: nil map" || n.Link != h.URL {
		t.Errorf("%+v", n)
	}
	var got struct{ Items []any }
	if r.Get(issuesOfShop, ann).JSON(t, &got); len(got.Items) != 4 {
		t.Errorf("%d issues are shown: what is known to be old should be asked for again", len(got.Items))
	}
}

func TestWebhook_TellsOfAlertsAndNotOfEachStep(t *testing.T) {
	r := start(t)
	r.hook(r.sentry.AlertHook("storefront", "TypeError", secret))
	r.hook(r.sentry.IssueHook("700100201", "resolved", secret))
	r.hook(r.sentry.IssueHook("700100207", "created", secret)) // of a project that no entity has
	if events := r.published(t); len(events) != 3 {
		t.Errorf("%+v", events)
	}
	if told := r.Notifications.Sent(); len(told) != 1 || told[0].To[0] != "component:default/front" {
		t.Errorf("%+v", told)
	}
}

func TestWebhook_NotifiesNobodyWhereThatIsOff(t *testing.T) {
	r := start(t)
	off := map[string]any{"notify": false, "organizations": []any{map[string]any{"slug": "acme", "url": origin, "token": "sntrys_sample", "webhookSecret": secret}}}
	if err := r.Configure(off); err != nil {
		t.Fatal(err)
	}
	r.hook(r.sentry.AlertHook("storefront", "TypeError", secret))
	if events, told := r.published(t), r.Notifications.Sent(); len(events) != 1 || len(told) != 0 {
		t.Errorf("%+v %+v", events, told)
	}
}

func TestWebhook_IsRefusedWithoutTheRightSignature(t *testing.T) {
	r := start(t)
	good := r.sentry.AlertHook("storefront", "TypeError", secret)
	for name, res := range map[string]*plugintest.Response{
		"another secret":       r.hook(r.sentry.AlertHook("storefront", "TypeError", "guess")),
		"no signature":         r.Do(http.MethodPost, "/webhook/acme", good.Body),
		"no hex":               r.Do(http.MethodPost, "/webhook/acme", good.Body, plugintest.Header("Sentry-Hook-Signature", "zz")),
		"changed body":         r.hook(fake.Hook{Header: good.Header, Body: append([]byte(" "), good.Body...)}),
		"unknown organization": r.Do(http.MethodPost, "/webhook/other", good.Body),
	} {
		if res.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, res.Status, res.Text())
		}
	}
	if res := r.Do(http.MethodPost, "/webhook/acme", make([]byte, longestHook+1)); res.Status != http.StatusBadRequest {
		t.Errorf("long body: %d", res.Status)
	}
	closed := start(t, func(s *settings) { s.Organizations[0].WebhookSecret = "" })
	if res := closed.hook(closed.sentry.AlertHook("storefront", "TypeError", "")); res.Status != http.StatusUnauthorized {
		t.Errorf("without a secret: %d", res.Status)
	}
	if events := r.published(t); len(events) != 0 {
		t.Errorf("%+v", events)
	}
}

func TestWebhook_ThatCannotBePassedOnIsNotLost(t *testing.T) {
	r := start(t)
	r.FailHost("PublishEvent", sdk.ErrServiceUnavailable)
	if res := r.hook(r.sentry.AlertHook("storefront", "TypeError", secret)); res.Status != http.StatusNoContent {
		t.Error(res.Status)
	}
	if events := r.published(t); len(events) != 0 { // it is in the log, and the plugin goes on
		t.Errorf("%+v", events)
	}
}

func TestWebhooks_AreTakenAFewAtATime(t *testing.T) {
	var d deliverer
	release := make(chan struct{})
	work := func(context.Context) error { <-release; return nil }
	for n := range deliveries {
		if !d.begin(t.Context(), work) {
			t.Errorf("the %dth is refused", n)
		}
	}
	if d.begin(t.Context(), work) {
		t.Error("one too many is taken")
	}
	close(release)
	if err := d.drain(t.Context()); err != nil || !d.begin(t.Context(), func(context.Context) error { return nil }) {
		t.Error(err)
	}
	_ = d.drain(t.Context())
}

func TestHooks_AreReadByTheirResource(t *testing.T) {
	for body, want := range map[string]string{
		`issue {"action":"created","data":{"issue":{"id":5,"title":"a\nb","permalink":"javascript:x","project":{"slug":"p"}}}}`:            "p 5 a b ",
		`event_alert {"data":{"event":{"title":"t","url":"https://h/x/api/0/projects/o/p/events/1/","issue_id":"7"}}}`:                     "p 7 t ",
		`metric_alert {"action":"critical","data":{"description_title":"t","web_url":"https://h/","metric_alert":{"projects":["p","q"]}}}`: "p  t https://h/",
		`issue {"data":{"issue":{"project":{"slug":"../p"}}}}`:                                                                             "error",
		`event_alert {"data":{"event":{"url":"%zz"}}}`:                                                                                     "error",
		`metric_alert {"data":[]}`: "error",
		`issue {`:                  "error",
		`installation {`:           "nothing",
		` {}`:                      "nothing",
	} {
		resource, text, _ := strings.Cut(body, " ")
		h, err := hookOf(resource, []byte(text))
		got := "nothing"
		if err != nil {
			got = "error"
		} else if h != nil {
			got = strings.Join([]string{h.Project, h.IssueID, h.Title, h.URL}, " ")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func FuzzHook(f *testing.F) {
	s := fake.New(fake.Options{Now: func() time.Time { return now }})
	f.Add("issue", s.IssueHook("700100201", "created", "x").Body)
	f.Add("event_alert", s.AlertHook("p", "t", "x").Body)
	f.Add("metric_alert", []byte(`{"data":{"metric_alert":{"projects":["p"]}}}`))
	f.Fuzz(func(t *testing.T, resource string, body []byte) {
		h, err := hookOf(resource, body)
		if err == nil && h != nil && (!slugForm.MatchString(h.Project) || strings.ContainsAny(h.Title, "\r\n") || strings.HasPrefix(h.URL, "javascript:")) {
			t.Errorf("%+v", h)
		}
	})
}
