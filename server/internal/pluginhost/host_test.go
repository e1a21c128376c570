package pluginhost

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

const canary = "tok-canary-4711"

func development(dir string) string {
	return fmt.Sprintf("shop: {source: %s, development: true, settings: {greeting: Hi, token: %s}}", dir, canary)
}

type greeting struct {
	Greeting, Name, Version, Who string
	PID                          int
}

func (r *rig) greeting() (g greeting) {
	r.t.Helper()
	w := r.get("/shop/greeting/a%2Fb")
	if w.Code != http.StatusOK {
		r.t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &g); err != nil {
		r.t.Fatal(err)
	}
	return g
}

func TestHost_RunsAPluginAndLeavesNothingBehind(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	v := r.await("shop", supervise.Ready)
	if g := r.greeting(); g.Greeting != "Hi" || g.Name != "a/b" || g.Version != "1.0.0" || g.Who != "user:default/ann" {
		t.Errorf("%+v", g)
	}
	if v.PID == 0 || v.Sandbox == nil || !v.Development || v.Settings["token"] != "<secret>" || v.Level != string(verify.Development) {
		t.Errorf("%+v", v)
	}
	if p := r.edge.features["shop"].Policies; len(p) != 2 || p[0].Path != "/open" {
		t.Errorf("%+v", p)
	}
	if f := r.edge.features["till"]; len(f.Policies) != 1 || f.Policies[0].Path != "/health" || f.BodyLimit != 10<<20 {
		t.Errorf("%+v", f)
	}
	runtime := r.runtime
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if r.edge.mounted("shop") != nil || r.edge.mounted("till") != nil || r.catalog.has("plugin:shop") {
		t.Error("something is still mounted")
	}
	if dir, err := runtime.Dir("after"); err == nil {
		t.Errorf("the runtime folder is still there: %s", dir)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "d", "data", "shop")); err != nil {
		t.Errorf("its data is gone: %v", err)
	}
}

func TestHost_GivesAPluginThatIsLateMoreTimeAtItsNextTries(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the deadline of a handshake")
	}
	r := run(t, development(shopFolder(t, "1.0.0", "late")))
	if v := r.await("shop", supervise.Backoff); !strings.Contains(v.Reason, "did not shake hands within 10s") {
		t.Errorf("%+v", v)
	}
	r.await("shop", supervise.Ready)
}

func TestHost_TellsOfEveryPluginThatMayNotRunWhyAndWhatNext(t *testing.T) {
	unmanned := openDir(t)
	put(t, filepath.Join(unmanned, "plugin.yaml"), "id: shop\nversion: one\n")
	newer := shopFolder(t, "1.0.0", "")
	put(t, filepath.Join(newer, "plugin.yaml"), fmt.Sprintf(shopManifest, "1.0.0")+"requires: { callboard: '>=9' }\n")
	badSchema := shopFolder(t, "1.0.0", "")
	put(t, filepath.Join(badSchema, "settings.schema.json"), `{"type":"object","properties":{"a":{"$ref":"https://evil.example/x"}}}`)
	good := shopFolder(t, "1.0.0", "")
	for name, tc := range map[string]struct {
		entry, reason string
		state         supervise.State
		status        int
	}{
		"no manifest":    {fmt.Sprintf("shop: {source: %s, development: true}", openDir(t)), "plugin.yaml", supervise.Broken, 404},
		"bad manifest":   {fmt.Sprintf("shop: {source: %s, development: true}", unmanned), "version: must be a semantic version", supervise.Broken, 404},
		"no folder":      {"shop: {source: /nowhere, development: true}", "/nowhere", supervise.Broken, 404},
		"no source":      {"shop: {development: true}", "names no source", supervise.Rejected, 404},
		"other id":       {fmt.Sprintf("store: {source: %s, development: true}", good), `is "shop", and the host is configured for "store"`, supervise.Rejected, 404},
		"too old a host": {fmt.Sprintf("shop: {source: %s, development: true}", newer), "callboard", supervise.Rejected, 404},
		"not approved":   {fmt.Sprintf("shop: {source: %s}", good), "The lock file does not approve it.", supervise.NeedsApproval, 503},
		"bad schema":     {fmt.Sprintf("shop: {source: %s, development: true}", badSchema), "must not refer to other documents", supervise.Broken, 404},
		"bad settings":   {fmt.Sprintf("shop: {source: %s, development: true, settings: {greeting: '', tokn: %s}}", good, canary), "callboard.plugins.shop.settings.greeting must have at least 1 characters", supervise.NeedsConfig, 503},
		"switched off":   {fmt.Sprintf("shop: {source: %s, development: true, enabled: false}", good), "switched off by the configuration", supervise.Stopped, 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, tc.entry)
			id, _, _ := strings.Cut(tc.entry, ":")
			v := r.await(id, tc.state)
			if !strings.Contains(v.Reason, tc.reason) {
				t.Errorf("reason %q, want %q", v.Reason, tc.reason)
			}
			if w := r.get("/" + id + "/open"); w.Code != tc.status || w.Code == 503 && !strings.Contains(w.Body.String(), "Plugin '"+id+"' is not available: ") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if r.catalog.has("plugin:" + id) {
				t.Error("the catalog was extended")
			}
			if strings.Contains(r.log.String()+fmt.Sprint(v), canary) {
				t.Error("a secret is shown")
			}
		})
	}
}

func TestHost_StartsAPluginAgainThatDied(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	r.await("shop", supervise.Ready)
	first := r.greeting().PID
	if w := r.ask("POST", "/shop/die", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	r.await("shop", supervise.Backoff)
	if w := r.get("/shop/open"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	v := r.await("shop", supervise.Ready)
	if v.Restarts != 1 || v.Crash == nil || v.Crash.Reason != "exit status 7" || !strings.Contains(strings.Join(v.Crash.Lines, "\n"), "the shop is on fire") {
		t.Errorf("%+v %+v", v.Snapshot, v.Crash)
	}
	if again := r.greeting().PID; again == 0 || again == first && v.Sandbox.PIDs == false {
		t.Errorf("process %d, then %d", first, again)
	}
}

func TestHost_ACrashLoopIsStoppedAndAudited(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "exit")))
	v := r.await("shop", supervise.Failed)
	if !strings.Contains(v.Reason, "died 5 times within 10m0s") || !strings.Contains(strings.Join(v.LastLines, "\n"), "cannot find the shop") {
		t.Errorf("%s %v", v.Reason, v.LastLines)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if len(r.audit.records) != 1 || r.audit.records[0].Event != "plugin.failed" {
		t.Errorf("%+v", r.audit.records)
	}
}

func TestHost_RestartsAndUpgradesWithoutAFailedRequest(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	r.await("shop", supervise.Ready)
	var asked, failed atomic.Int64
	var load sync.WaitGroup
	done := make(chan struct{})
	for _, target := range []string{"/shop/open", "/shop/slow", "/shop/greeting/x"} {
		load.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				asked.Add(1)
				if w := r.get(target); w.Code != 200 {
					failed.Add(1)
					t.Errorf("%s: %d %s", target, w.Code, w.Body)
				}
			}
		})
	}
	for i := range 5 {
		if i%2 == 0 {
			if err := r.Restart(t.Context(), "shop"); err != nil {
				t.Error(err)
			}
			continue
		}
		if err := r.Upgrade(t.Context(), "shop", shopFolder(t, fmt.Sprintf("1.%d.0", i), "")); err != nil {
			t.Error(err)
		}
	}
	for _, mode := range []string{"exit", "beyond"} {
		err := r.Upgrade(t.Context(), "shop", shopFolder(t, "2.0.0", mode))
		if err == nil {
			t.Errorf("an upgrade that %ss was taken", mode)
		}
	}
	close(done)
	load.Wait()
	v := r.await("shop", supervise.Ready)
	if v.Version != "1.3.0" || v.Rollback == nil || v.Rollback.Version != "2.0.0" || failed.Load() > 0 || asked.Load() < 100 {
		t.Errorf("%s, rollback %+v, %d of %d failed", v.Version, v.Rollback, failed.Load(), asked.Load())
	}
	if !strings.Contains(v.Rollback.Reason, "it is not what its manifest says") {
		t.Error(v.Rollback.Reason)
	}
}

func TestHost_FollowsItsConfiguration(t *testing.T) {
	dir := shopFolder(t, "1.0.0", "")
	r := run(t, "other: {source: /nowhere, development: true}")
	r.await("other", supervise.Broken)
	r.Reload(r.config(development(dir)))
	r.await("shop", supervise.Ready)
	before := r.greeting()
	if _, err := r.plugin("other"); err == nil {
		t.Error("a plugin that was removed is still there")
	}

	events := r.Events(t.Context())
	r.Reload(r.config(strings.Replace(development(dir), "Hi", "Good day", 1)))
	for r.greeting().Greeting != "Good day" {
		<-events
	}
	if after := r.greeting(); after.PID != before.PID {
		t.Errorf("settings cost a new process: %+v", after)
	}

	r.Reload(r.config(strings.Replace(development(dir), "Hi", "wrong", 1)))
	for {
		v := r.await("shop", supervise.Ready)
		if v.Rollback != nil {
			if !strings.Contains(v.Rollback.Reason, "this greeting is wrong") {
				t.Error(v.Rollback.Reason)
			}
			break
		}
		<-events
	}
	if g := r.greeting(); g.Greeting != "Good day" {
		t.Errorf("%+v", g)
	}
	r.Reload(r.config("other: false"))
	r.await("other", supervise.Stopped)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if r.edge.mounted("shop") != nil || strings.Join(r.catalog.forgot, " ") != "plugin:other plugin:shop" {
		t.Errorf("mounted %v, forgot %v", r.edge.mounted("shop") != nil, r.catalog.forgot)
	}
}

func TestHost_DegradedPluginsServeAndSayWhy(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "degraded")))
	v := r.await("shop", supervise.Degraded)
	if !strings.Contains(v.Reason, "the till is empty") || r.get("/shop/open").Code != 200 {
		t.Errorf("%q", v.Reason)
	}
}

func TestHost_SecretsStayOutOfLogsAndViews(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	r.await("shop", supervise.Ready)
	inspection, err := r.Inspect(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	if err := r.Logs(t.Context(), "shop", 1000, false, func(l LogLine) error { lines = append(lines, fmt.Sprint(l)); return nil }); err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(inspection)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(lines, "\n") + string(shown) + r.log.String()
	if strings.Contains(all, canary) || !strings.Contains(all, "settings taken") {
		t.Error(all)
	}
}

func TestHost_EndsAtBootWithoutAPluginThatTheConfigurationDemands(t *testing.T) {
	r := run(t, fmt.Sprintf("shop: {source: %s, development: true, onPluginBootFailure: abort}", shopFolder(t, "1.0.0", "exit")))
	err := <-r.ended
	r.ended <- nil
	if err == nil || !strings.Contains(err.Error(), "plugin shop could not be started") || !strings.Contains(err.Error(), "onPluginBootFailure") {
		t.Error(err)
	}
}

func TestHost_WithoutPluginsTouchesNothing(t *testing.T) {
	r := run(t, "{}")
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "d")); err == nil {
		t.Error("a data folder was made")
	}
}
