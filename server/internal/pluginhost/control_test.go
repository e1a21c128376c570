package pluginhost

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

func (r *rig) client() *Client { return NewClient(filepath.Join(r.dir, "d", ControlSocket)) }

func TestControl_IsTheOperatorsAlone(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	r.await("shop", supervise.Ready)
	info, err := os.Stat(filepath.Join(r.dir, "d", ControlSocket))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
	_, err = r.client().Plugins(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no host listens on") {
		t.Error(err)
	}
}

func TestControl_ApprovesWhatWasShownAndNothingElse(t *testing.T) {
	dir := shopFolder(t, "1.0.0", "")
	r := run(t, fmt.Sprintf("shop: {source: %s}", dir))
	r.await("shop", supervise.NeedsApproval)
	c := r.client()
	v, err := c.Plugin(t.Context(), "shop")
	if err != nil || len(v.Asks) != 5 {
		t.Fatalf("%v %v", err, v.Asks)
	}
	if _, err := c.Approve(t.Context(), "shop", nil); err == nil || !strings.Contains(err.Error(), "asks for other privileges than those that were shown") {
		t.Error(err)
	}
	v, err = c.Approve(t.Context(), "shop", v.Asks)
	if err != nil || v.State != supervise.Ready || v.Level != "local" || len(v.Asks) != 0 {
		t.Fatalf("%v %+v", err, v)
	}
	lock, err := os.ReadFile(filepath.Join(r.dir, "lock.yaml"))
	if err != nil || !strings.Contains(string(lock), v.Hash) {
		t.Errorf("%v\n%s", err, lock)
	}
	if g := r.greeting(); g.Version != "1.0.0" {
		t.Errorf("%+v", g)
	}

	// What changes afterwards is another content: what runs goes on, the new one asks again.
	put(t, filepath.Join(dir, "version"), "1.0.0\n")
	_, err = c.Restart(t.Context(), "shop")
	if err == nil || !strings.Contains(err.Error(), "needs-approval") {
		t.Error(err)
	}
	if v := r.await("shop", supervise.Ready); v.Refusal == nil || v.Refusal.State != supervise.NeedsApproval {
		t.Errorf("%+v", v.Snapshot)
	}

	// A lock file that cannot be read is no decision; one that does not approve what runs any more is.
	put(t, filepath.Join(r.dir, "lock.yaml"), "plugins: [")
	if _, err := c.Restart(t.Context(), "shop"); err == nil || !strings.Contains(err.Error(), "lock file") {
		t.Error(err)
	}
	r.await("shop", supervise.Ready)
	if _, err := c.Plugins(t.Context()); err != nil {
		t.Error(err)
	}
	put(t, filepath.Join(r.dir, "lock.yaml"), "plugins: {}")
	if _, err := c.Restart(t.Context(), "shop"); err == nil || !strings.Contains(err.Error(), "does not approve it") {
		t.Error(err)
	}
	r.await("shop", supervise.NeedsApproval)
	if w := r.get("/shop/open"); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if f := r.edge.features["shop"]; len(f.Policies) != 0 {
		t.Errorf("routes of a plugin that may not run are open: %+v", f)
	}
}

func TestControl_AnswersWhatCommandsAsk(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	r.await("shop", supervise.Ready)
	c := r.client()
	all, err := c.Plugins(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != "shop" || all[0].State != supervise.Ready || all[0].Provides.HTTP == nil {
		t.Errorf("%v %+v", err, all)
	}
	if _, err := c.Plugin(t.Context(), "nobody"); err == nil || !strings.Contains(err.Error(), `there is no plugin "nobody"`) {
		t.Error(err)
	}
	res, err := c.Call(t.Context(), "shop", http.MethodPost, "/echo", "user:default/ann", http.Header{"Content-Type": {"text/plain"}}, strings.NewReader("here"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || string(body) != "here" {
		t.Errorf("%v %s", err, body)
	}
	v, err := c.RunProvider(t.Context(), "shop", "goods")
	if err != nil || len(v.Providers) != 1 || v.Providers[0].Entities != 1 {
		t.Errorf("%v %+v", err, v.Providers)
	}
	if _, err := c.RunProvider(t.Context(), "shop", "none"); err == nil || !strings.Contains(err.Error(), `no entity provider "none"`) {
		t.Error(err)
	}
	text, err := c.Inspect(t.Context(), "shop")
	if err != nil || !strings.Contains(string(text), `"ListProviders"`) || !strings.Contains(string(text), `"goods"`) {
		t.Errorf("%v %s", err, text)
	}
	if v, err := c.Stop(t.Context(), "shop"); err != nil || v.State != supervise.Stopped {
		t.Errorf("%v %+v", err, v.Snapshot)
	}
	if w := r.get("/shop/open"); w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
	if v, err := c.Restart(t.Context(), "shop"); err != nil || v.State != supervise.Ready {
		t.Errorf("%v %+v", err, v.Snapshot)
	}
	if _, err := c.Upgrade(t.Context(), "shop", "/nowhere"); err == nil {
		t.Error("an upgrade to nowhere was taken")
	}
}

func TestControl_FollowsLogsAndEvents(t *testing.T) {
	r := run(t, development(shopFolder(t, "1.0.0", "")))
	r.await("shop", supervise.Ready)
	c := r.client()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := make(chan Event, 100)
	go func() {
		defer close(events)
		_ = c.Events(ctx, func(e Event) error { events <- e; return nil })
	}()
	var seen []string
	err := c.Logs(ctx, "shop", 1000, true, func(l LogLine) error {
		seen = append(seen, l.Message)
		if l.Message == "settings taken" && len(seen) > 0 {
			if strings.Count(strings.Join(seen, "\n"), "settings taken") == 1 {
				go func() { _, _ = c.Restart(ctx, "shop") }()
				return nil
			}
			return io.EOF
		}
		return nil
	})
	if err != io.EOF { //nolint:errorlint // what take returned
		t.Error(err)
	}
	for e := range events {
		if e.Kind == EventReload && e.Plugin == "shop" {
			break
		}
	}
	cancel()
	for range events { // until the stream has ended
	}
}
