package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/sonarqube/fake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	server = "https://sonar.example.com"
	cloud  = "https://sonarcloud.io"
	good   = "squ_good"
)

var epoch = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// clock is a time that tests move.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time          { return epoch.Add(time.Duration(c.ns.Load())) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// rig is the plugin beside a fake SonarQube and a catalog.
type rig struct {
	*plugintest.Harness

	sonar *fake.Server
	clock *clock
	q     *plugin
}

// start runs the plugin with a SonarQube of these options at the address of the settings.
func start(t *testing.T, s settings, o fake.Options) *rig {
	t.Helper()
	c := &clock{}
	o.Now = c.now
	if o.Token == "" {
		o.Token = good
	}
	sonar := fake.New(o)
	sonar.Put(fake.Sample(epoch)...)
	p, q := newPluginAt(c.now)
	r := &rig{sonar: sonar, clock: c, q: q}
	r.Harness = plugintest.Start(t, p, plugintest.Config(s))
	r.Outgoing.Handle(s.BaseURL, sonar)
	r.serveCatalog()
	r.Catalog.Put(annotated("checkout", "acme_checkout"), annotated("billing", "org.acme:billing"), annotated("new", "acme_new"),
		annotated("gone", "acme_gone"), annotated("elsewhere", "special/acme_checkout"), plugintest.Component("plain"))
	t.Cleanup(func() {
		if err := q.finish(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return r
}

// single are the settings of one server.
func single() settings {
	return settings{BaseURL: server + "/", APIKey: good, CacheFor: sdk.Duration(2 * time.Minute), Timeout: sdk.Duration(15 * time.Second), Mode: "auto"}
}

func annotated(name, key string) sdk.Entity {
	return plugintest.Annotated(plugintest.Component(name), projectAnnotation, key)
}

// serveCatalog answers what the plugin asks in the name of users. User eve sees nothing but component plain.
func (r *rig) serveCatalog() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/catalog/entities/by-name/{kind}/{namespace}/{name}", func(w http.ResponseWriter, req *http.Request) {
		for _, e := range r.visible(req) {
			if strings.EqualFold(e.Kind(), req.PathValue("kind")) && e.Name() == req.PathValue("name") && req.PathValue("namespace") == "default" {
				_ = json.NewEncoder(w).Encode(e)
				return
			}
		}
		http.Error(w, `{"error":{"name":"NotFoundError"}}`, http.StatusNotFound)
	})
	mux.HandleFunc("GET /api/catalog/entities", func(w http.ResponseWriter, req *http.Request) {
		found := []sdk.Entity{}
		for _, e := range r.visible(req) {
			for _, filter := range req.URL.Query()["filter"] {
				if strings.EqualFold(filter, "metadata.annotations."+projectAnnotation+"="+e.Annotation(projectAnnotation)) {
					found = append(found, e)
				}
			}
		}
		_ = json.NewEncoder(w).Encode(found)
	})
	r.Outgoing.Handle("http://callboard.internal", mux)
}

func (r *rig) visible(req *http.Request) []sdk.Entity {
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	all := []sdk.Entity{annotated("checkout", "acme_checkout"), annotated("billing", "org.acme:billing"), annotated("new", "acme_new"),
		annotated("gone", "acme_gone"), annotated("elsewhere", "special/acme_checkout"), annotated("blank", "  "), annotated("keyless", "special/"),
		plugintest.Component("plain")}
	switch token {
	case plugintest.PluginToken("catalog", plugintest.UserToken("user:default/ann")):
		return all
	case plugintest.PluginToken("catalog", plugintest.UserToken("user:default/eve")):
		return all[len(all)-1:]
	}
	return nil
}

var ann, eve = plugintest.As("user:default/ann"), plugintest.As("user:default/eve")

const checkoutSummary = "/entities/Component/default/checkout/summary"

// errored is the error of an answer.
type errored struct {
	Error struct{ Message string }
}

func messageOf(t *testing.T, res *plugintest.Response) string {
	t.Helper()
	var e errored
	res.JSON(t, &e)
	return e.Error.Message
}

// values are the measures of a summary by metric.
func values(t *testing.T, res *plugintest.Response) map[string]string {
	t.Helper()
	var got summary
	if res.JSON(t, &got); got.Findings == nil {
		t.Fatalf("%d %s", res.Status, res.Text())
	}
	out := map[string]string{}
	for _, m := range got.Findings.Measures {
		out[m.Metric] = string(m.Value)
	}
	return out
}
