package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/sonarqube/fake"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestSettings_HaveTheSchemaThatTheManifestNames(t *testing.T) {
	start(t, single(), fake.Options{}).WantSettingsSchema("settings.schema.json")
}

func TestManifest_NamesWhatThePluginOffers(t *testing.T) {
	text, err := os.ReadFile("plugin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	offered := start(t, single(), fake.Options{}).Describe().GetProvides()
	for _, name := range append(offered.GetWidgets(), offered.GetHttpUnauthenticated()...) {
		if !strings.Contains(string(text), name) {
			t.Errorf("plugin.yaml does not name %s", name)
		}
	}
}

func TestSettings_ThatContradictThemselvesAreRefused(t *testing.T) {
	one := func(change func(*instanceSettings)) settings {
		i := instanceSettings{Name: "a", BaseURL: server, APIKey: good, Mode: "auto"}
		change(&i)
		return settings{Instances: []instanceSettings{i}}
	}
	r := start(t, single(), fake.Options{})
	for text, s := range map[string]any{
		"found partial default sonarqube config":               settings{BaseURL: server},
		"all (or none) of baseUrl and apiKey must be provided": settings{APIKey: good},
		"use only one style of config":                         settings{BaseURL: server, APIKey: good, Instances: one(func(i *instanceSettings) { i.Name = "default" }).Instances},
		`instances[1].name: "a" is there twice`:                settings{Instances: append(one(func(*instanceSettings) {}).Instances, one(func(*instanceSettings) {}).Instances...)},
		"instance a: apiKey must be a token":                   one(func(i *instanceSettings) { i.APIKey = "two words" }),
		"baseUrl must be an address that begins with https":    one(func(i *instanceSettings) { i.BaseURL = "ftp://sonar.example.com" }),
		"baseUrl must have no user, query or fragment":         one(func(i *instanceSettings) { i.BaseURL = "https://ann@sonar.example.com" }),
		"externalBaseUrl must have no user, query or fragment": one(func(i *instanceSettings) { i.ExternalBaseURL = "https://sonar.example.com/?a=b" }),
		"timeout must be longer than nothing":                  json.RawMessage(`{"timeout": "0s"}`),
		"/instances/0/name":                                    one(func(i *instanceSettings) { i.Name = "a/b" }),
	} {
		if err := r.Configure(s); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
	if res := r.Get(checkoutSummary, ann); res.Status != http.StatusOK {
		t.Errorf("the former settings are gone: %d %s", res.Status, res.Text())
	}
}

// settled is the health once the instance that it asks by itself has answered.
func (r *rig) settled(t *testing.T) string {
	t.Helper()
	_ = r.Health()
	if err := r.q.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Health(); err != nil {
		return err.Error()
	}
	return ""
}

func TestHealth_TellsWhatIsWrongWithAnInstance(t *testing.T) {
	if got := start(t, settings{}, fake.Options{}).settled(t); !strings.Contains(got, "no SonarQube is configured") {
		t.Error(got)
	}
	r := start(t, single(), fake.Options{})
	if got := r.settled(t); got != "" {
		t.Error(got)
	}
	calls := len(r.sonar.Calls())
	if r.settled(t); len(r.sonar.Calls()) != calls {
		t.Error("the health asks SonarQube each time")
	}
	r.sonar.SetToken("squ_other")
	r.clock.advance(2 * time.Minute)
	if got := r.settled(t); !strings.Contains(got, "SonarQube instance default refuses the token") || strings.Contains(got, good) {
		t.Error(got)
	}
	r.sonar.Fail("/api/", fake.HTMLPage(200))
	r.clock.advance(2 * time.Minute)
	if got := r.settled(t); !strings.Contains(got, "answers a page instead of data") {
		t.Error(got)
	}
	r.sonar.SetToken(good)
	r.sonar.Fail("", nil)
	r.clock.advance(2 * time.Minute)
	if got := r.settled(t); got != "" {
		t.Errorf("it is well again: %s", got)
	}
}

func TestHealth_AnnouncesTheEndOfTheToken(t *testing.T) {
	for days, want := range map[int]string{90: "", 10: "the token ends on 2026-11-30, make a new one", -1: "the token ended on 2026-11-19"} {
		r := start(t, single(), fake.Options{TokenExpires: epoch.AddDate(0, 0, days)})
		if got := r.settled(t); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%d days: %s", days, got)
		}
		var report struct {
			Status    string
			Instances []reported
		}
		r.Get("/health", ann).JSON(t, &report)
		if (report.Status == "ok") != (want == "") || !report.Instances[0].TokenExpires.Equal(epoch.AddDate(0, 0, days)) {
			t.Errorf("%d days: %+v", days, report)
		}
	}
}

func TestMetrics_CountCallsByInstanceAndResult(t *testing.T) {
	r := start(t, single(), fake.Options{})
	r.Get(checkoutSummary, ann)
	r.Get("/entities/Component/default/gone/summary", ann)
	for _, want := range []string{`sonarqube_calls_total{instance="default",result="ok"} 3`, `sonarqube_calls_total{instance="default",result="NotFoundError"} 1`} {
		if got := r.Metrics(); !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestWebhook_HasTheProjectReadAgain(t *testing.T) {
	s := single()
	s.WebhookSecret = "s3cret-of-the-hook"
	r := start(t, s, fake.Options{})
	r.Get(checkoutSummary, ann)
	r.sonar.Analyse("acme_checkout", fake.Analysis{At: epoch, Bugs: 11})
	if got := values(t, r.Get(checkoutSummary, ann))["bugs"]; got != "3" {
		t.Fatalf("%s bugs before the call", got)
	}
	body, signature := fake.Webhook("acme_checkout", "s3cret-of-the-hook", epoch)
	res := r.Do("POST", "/webhook/default", body, plugintest.Header("X-Sonar-Webhook-HMAC-SHA256", signature))
	if res.Status != http.StatusNoContent {
		t.Fatal(res.Status, res.Text())
	}
	if got := values(t, r.Get(checkoutSummary, ann))["bugs"]; got != "11" {
		t.Errorf("%s bugs after the call", got)
	}
}

func TestWebhook_BelievesSignedCallsOnly(t *testing.T) {
	s := single()
	s.WebhookSecret = "s3cret-of-the-hook"
	s.Instances = []instanceSettings{{Name: "mute", BaseURL: cloud, APIKey: good, Mode: "auto"}}
	r := start(t, s, fake.Options{})
	body, signature := fake.Webhook("acme_checkout", "s3cret-of-the-hook", epoch)
	other, otherSignature := fake.Webhook("acme_checkout", "another", epoch)
	_, ofNothing := fake.Webhook("", "", epoch)
	for _, c := range []struct {
		what, path, signature string
		body                  []byte
		want                  int
	}{
		{"no signature", "/webhook/default", "", body, 401},
		{"no hex", "/webhook/default", "zz", body, 401},
		{"another secret", "/webhook/default", otherSignature, other, 401},
		{"another body", "/webhook/default", signature, append(body, ' '), 401},
		{"an instance without a secret", "/webhook/mute", ofNothing, body, 404},
		{"no instance", "/webhook/none", signature, body, 404},
		{"too long", "/webhook/default", signature, make([]byte, maxWebhook+1), 400},
	} {
		if res := r.Do("POST", c.path, c.body, plugintest.Header("X-Sonar-Webhook-HMAC-SHA256", c.signature)); res.Status != c.want {
			t.Errorf("%s: %d %s, want %d", c.what, res.Status, res.Text(), c.want)
		}
	}
	for _, body := range []string{``, `[]`, `{}`, `{"project":{}}`, `{"project":{"key":7}}`} {
		if _, err := analysed([]byte(body)); err == nil {
			t.Errorf("%q is taken for a call", body)
		}
	}
}

func TestDrain_WaitsForRequestsThatAreOnTheirWay(t *testing.T) {
	var w work
	if err := w.wait(t.Context()); err != nil {
		t.Error("nothing runs:", err)
	}
	release, ended := make(chan struct{}), make(chan struct{})
	w.do(func() { <-release; close(ended) })
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.wait(late); !errors.Is(err, context.Canceled) {
		t.Error("it did not wait:", err)
	}
	close(release)
	if err := w.wait(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	default:
		t.Error("it did not wait")
	}
	if err := start(t, single(), fake.Options{}).Drain(); err != nil {
		t.Error(err)
	}
}
