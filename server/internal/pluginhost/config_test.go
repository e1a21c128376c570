package pluginhost

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

func TestSettings_AreReadWithPathsBelowTheFolderOfTheHost(t *testing.T) {
	c := config.FromYAML(`
backend: {startup: {default: {onPluginBootFailure: abort}, plugins: {quiet: {onPluginBootFailure: continue}}}}
callboard:
  pluginHost:
    dataDir: data
    sandbox: required
    path: [bin/plugins, /opt/plugins]
    trustedKeys: [{ids: "acme-*", key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3}]
  plugins:
    hello-go: {source: examples/hello-go, development: true, settings: {greeting: Hi, times: 3}, egress: {allowPrivate: [10.0.0.0/8]}, files: {read: [bills, /var/bills/]}}
    quiet: true
    absent: {enabled: false, onPluginBootFailure: continue}
`)
	got := ReadSettings(c, "/srv")
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	want := Settings{DataDir: "/srv/data", LockFile: "/srv/plugins.lock.yaml", Sandbox: sandbox.Required, Path: []string{"/srv/bin/plugins", "/opt/plugins"},
		Entries: []Entry{
			{ID: "hello-go", Source: "/srv/examples/hello-go", Enabled: true, Development: true, AbortBoot: true,
				Values: map[string]any{"greeting": "Hi", "times": 3.0}, AllowPrivate: []string{"10.0.0.0/8"}, Readable: []string{"/srv/bills", "/var/bills"}},
			{ID: "quiet", Enabled: true},
			{ID: "absent"},
		}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Settings{}, "Keys"), cmpopts.IgnoreFields(Entry{}, "At")); diff != "" {
		t.Error(diff)
	}
	if len(got.Keys) != 1 || got.Entries[0].At.Line == 0 {
		t.Errorf("%+v", got)
	}
}

func TestSettings_NameTheKeyAndTheLineOfEveryMistake(t *testing.T) {
	c := config.FromYAML(`
callboard:
  pluginHost:
    sandbox: sometimes
    dataDri: x
    trustedKeys: [{ids: "acme-*", key: nonsense}, {ids: "*", key: RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3, level: friend}]
  plugins:
    Hello: {}
    catalog: {}
    sentry: {source: sentry_1.0.0_linux_amd64.tar.zst, development: true, onPluginBootFailure: explode, setings: {}, files: {read: [/]}}
    list: []
`)
	CheckConfig(c)
	err := c.Err()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	for _, part := range []string{":4: callboard.pluginHost.sandbox", ":5: callboard.pluginHost.dataDri", ":6: callboard.pluginHost.trustedKeys[0]",
		"trustedKeys[1].level", ":8: callboard.plugins.Hello", ":9: callboard.plugins.catalog", ":10: callboard.plugins.sentry.development",
		"callboard.plugins.sentry.onPluginBootFailure", "callboard.plugins.sentry.setings", "callboard.plugins.sentry.files.read", ":11: callboard.plugins.list"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in\n%v", part, err)
		}
	}
}

func TestSettings_DefaultsNeedNoConfiguration(t *testing.T) {
	c := config.FromYAML(`{}`)
	got := ReadSettings(c, "")
	if c.Err() != nil || len(got.Entries) != 0 || got.Sandbox != sandbox.Auto || !filepath.IsAbs(got.DataDir) {
		t.Errorf("%v %+v", c.Err(), got)
	}
}
