package manifest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

func TestBeyond_SaysInSentencesWhatIsNew(t *testing.T) {
	approved := manifest.Needs{
		Catalog: []string{"read"}, Egress: []string{"https://*.example.com:443"}, Secrets: []string{"token"},
		Storage: manifest.Storage{KV: 10 << 20}, Limits: manifest.Limits{Memory: 256 << 20},
	}
	wanted := manifest.Needs{
		Catalog: []string{"read", "write-own"},
		Egress:  []string{"https://eu.example.com:443", "https://*.eu.example.com:443", "https://example.com:443", "http://eu.example.com:80"},
		Secrets: []string{"token", "password"}, Plugins: []string{"catalog"}, OnBehalfOf: true, Permission: true,
		Events:  manifest.NeedsEvents{Publish: []string{"x.y"}},
		Storage: manifest.Storage{KV: 20 << 20, Files: 1 << 30},
		Limits:  manifest.Limits{CPU: 2, Processes: 10, OpenFiles: 4096, RequestTimeout: time.Minute},
	}
	want := []string{
		"It may add, change and remove the entities that it provides to the catalog itself.",
		"It may send requests to example.com on port 443 (encrypted).",
		"It may send requests to eu.example.com on port 80 (not encrypted).",
		"It may store up to 20MiB of keys and values in the host's database (approved: 10MiB).",
		"It may store up to 1GiB of files.",
		`It receives the secret setting "password".`,
		`It may call "catalog" with a token of its own.`,
		`It may publish events on the topic "x.y".`,
		"It may act for the user who calls it, with a limited token of that user.",
		"It may ask what a user is allowed to do.",
		"It may use up to 2 processors (approved: 1).",
		"It may hold up to 4096 files open (approved: 512).",
		"A request to it may take up to 1m0s (approved: 30s).",
	}
	if diff := cmp.Diff(want, wanted.Beyond(approved)); diff != "" {
		t.Error(diff)
	}
	if more := approved.Beyond(wanted); len(more) != 2 || !strings.Contains(more[0], "every host below example.com") {
		t.Errorf("less is more: %q", more)
	}
}

func TestDestination_AllowsWhatItNamesAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		pattern, scheme, host string
		port                  uint16
		want                  bool
	}{
		{"https://*.sentry.io:443", "https", "eu.sentry.io", 443, true},
		{"https://*.sentry.io", "https", "a.b.SENTRY.io.", 443, true},
		{"https://*.sentry.io", "https", "sentry.io", 443, false},
		{"https://*.sentry.io", "https", "evilsentry.io", 443, false},
		{"https://*.sentry.io", "https", "eu.sentry.io.evil.com", 443, false},
		{"https://*.sentry.io", "http", "eu.sentry.io", 443, false},
		{"https://*.sentry.io", "https", "eu.sentry.io", 8443, false},
		{"http://10.0.0.7:8080", "http", "10.0.0.7", 8080, true},
		{"http://[FD00::1]", "http", "fd00::1", 80, true},
		{"https://Sentry.io", "https", "sentry.io", 443, true},
	} {
		d, err := manifest.ParseDestination(c.pattern)
		if err != nil || d.Allows(c.scheme, c.host, c.port) != c.want {
			t.Errorf("%s allows %s://%s:%d: %v, %v", c.pattern, c.scheme, c.host, c.port, !c.want, err)
		}
	}
}

func TestWithin_LetsAProcessOfferLessAndNeverMore(t *testing.T) {
	m, err := manifest.Parse("plugin.yaml", []byte(sentry))
	if err != nil {
		t.Fatal(err)
	}
	good := func() *pluginv1.DescribeResponse {
		return &pluginv1.DescribeResponse{
			Id: "sentry", Version: "1.4.0", SettingsSchemaJson: "{}",
			Services: []string{"callboard.plugin.v1.WidgetsService", "callboard.plugin.v9.FutureService"},
			Provides: &pluginv1.Provides{Http: true, HttpUnauthenticated: []string{"/webhook/github"}, Widgets: []string{"open-issues"}},
		}
	}
	if err := m.Within(good()); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(d *pluginv1.DescribeResponse){
		`plugin sentry: id: the process says that it is "other"`:                                     func(d *pluginv1.DescribeResponse) { d.Id = "other" },
		`version: the manifest says 1.4.0 and the process says "2.0.0"`:                              func(d *pluginv1.DescribeResponse) { d.Version = "2.0.0" },
		`provides.widgets: does not announce "more", which the process offers`:                       func(d *pluginv1.DescribeResponse) { d.Provides.Widgets = []string{"more"} },
		`provides.http.unauthenticated: does not announce "/webhooks"`:                               func(d *pluginv1.DescribeResponse) { d.Provides.HttpUnauthenticated = []string{"/webhooks"} },
		`provides.http.unauthenticated: does not announce "/webhook/../admin"`:                       func(d *pluginv1.DescribeResponse) { d.Provides.HttpUnauthenticated = []string{"/webhook/../admin"} },
		`provides.tasks: announces nothing, and the process serves callboard.plugin.v1.TasksService`: func(d *pluginv1.DescribeResponse) { d.Services = []string{"callboard.plugin.v1.TasksService"} },
		`provides.permissionRules: does not announce "ANY"`:                                          func(d *pluginv1.DescribeResponse) { d.Provides.PermissionRules = []string{"ANY"} },
	} {
		d := good()
		change(d)
		if err := m.Within(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestCheckRequirements_TakesDevelopmentBuildsAndReleaseCandidates(t *testing.T) {
	m, err := manifest.Parse("plugin.yaml", []byte(sentry))
	if err != nil {
		t.Fatal(err)
	}
	for version, good := range map[string]bool{"development": true, "0.9.0-rc.1": true, "v1.2.3": true, "0.8.9": false} {
		if err := m.CheckRequirements(version, 1); (err == nil) != good {
			t.Errorf("%s: %v", version, err)
		}
	}
	if err := m.CheckRequirements("1.0.0", 3, 4); err == nil {
		t.Error("a host of protocols 3 and 4 takes a plugin for 1 and 2")
	}
}

func FuzzParseDestination(f *testing.F) {
	f.Add("https://*.sentry.io:443")
	f.Add("http://[fd00::1]")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := manifest.ParseDestination(text)
		if err != nil {
			return
		}
		again, err := manifest.ParseDestination(d.String())
		if err != nil || again != d || !d.Covers(again) {
			t.Errorf("%q is %+v, and its text %q is %+v, %v", text, d, d.String(), again, err)
		}
	})
}
