package main

import (
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
	everything := []sdk.Entity{annotated("checkout", "acme_checkout"), annotated("billing", "org.acme:billing"), annotated("new", "acme_new"),
		annotated("gone", "acme_gone"), annotated("elsewhere", "special/acme_checkout"), annotated("blank", "  "), annotated("keyless", "special/")}
	r.Catalog.Put(append(everything, plugintest.Component("plain"))...)
	for _, e := range everything {
		r.Catalog.HideFrom("user:default/eve", e.Ref().String())
	}
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
