package sdk_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// inside runs a function of the test as if it were one of the plugin's.
func inside(t *testing.T, prepare func(*plugintest.Harness), run func(ctx context.Context, host *sdk.Host)) *plugintest.Harness {
	t.Helper()
	p := sdk.New("x")
	h := plugintest.Start(t, p)
	prepare(h)
	run(t.Context(), p.Host())
	return h
}

func TestHost_CatalogIsReadQueriedAndRefreshed(t *testing.T) {
	h := inside(t, func(h *plugintest.Harness) {
		h.Catalog.Put(plugintest.Component("shop"), plugintest.Annotated(plugintest.Component("cart"), "a.example/b", "1"),
			sdk.Entity{"kind": "API", "metadata": map[string]any{"name": "orders", "namespace": "web"}})
	}, func(ctx context.Context, host *sdk.Host) {
		e, err := host.Catalog.Entity(ctx, "component:default/SHOP")
		if err != nil || e.Name() != "shop" {
			t.Error(e, err)
		}
		if _, err := host.Catalog.Entity(ctx, "component:default/nope"); !errors.Is(err, sdk.ErrNotFound) {
			t.Error(err)
		}
		if _, err := host.Catalog.Entity(ctx, "nope"); !errors.Is(err, sdk.ErrInput) {
			t.Error(err)
		}
		for want, q := range map[string]sdk.Query{
			"orders cart shop": {},
			"cart shop":        {Filters: []string{"kind=component"}},
			"cart":             {Filters: []string{"metadata.annotations.a.example/b=1", "kind=nope"}},
			"orders":           {Limit: 1, Fields: []string{"metadata.name", "kind"}},
			"":                 {Filters: []string{"kind=component,spec.type=library"}},
		} {
			var names []string
			for e, err := range host.Catalog.Query(ctx, q) {
				if err != nil {
					t.Error(err)
				}
				names = append(names, e.Name())
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%+v: %q, want %q", q, got, want)
			}
		}
		for _, err := range host.Catalog.Query(ctx, sdk.Query{}) {
			if err != nil {
				t.Error(err)
			}
			break // ends the call
		}
		if err := errors.Join(host.Catalog.Refresh(ctx, "component:default/shop"), host.Catalog.TriggerProvider(ctx, "projects")); err != nil {
			t.Error(err)
		}
	})
	if !slices.Equal(h.Catalog.Refreshed(), []string{"component:default/shop"}) || !slices.Equal(h.Catalog.Triggered(), []string{"projects"}) {
		t.Error(h.Catalog.Refreshed(), h.Catalog.Triggered())
	}
}

func TestHost_KVHasVersionsAndTimeToLive(t *testing.T) {
	p := sdk.New("x")
	h := plugintest.Start(t, p)
	ctx, kv := t.Context(), p.Host().KV
	never := int64(0)
	v1, err := kv.PutJSON(ctx, "cursor", map[string]int{"page": 7}, sdk.PutOptions{IfVersion: &never, TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Page int }
	if v, err := kv.GetJSON(ctx, "cursor", &page); err != nil || v != v1 || page.Page != 7 {
		t.Error(v, page, err)
	}
	if _, err := kv.Put(ctx, "cursor", nil, sdk.PutOptions{IfVersion: &never}); !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
	h.Clock.Advance(time.Minute)
	if _, err := kv.Get(ctx, "cursor"); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("after its time: %v", err)
	}
	if _, err := kv.Put(ctx, "", nil); !errors.Is(err, sdk.ErrInput) {
		t.Error(err)
	}
	h.KV.Put("a/1", []byte("x"))
	h.KV.Put("a/2", []byte("y"))
	h.KV.Put("b", []byte("z"))
	var keys []string
	for key, err := range kv.Keys(ctx, "a/") {
		if err != nil {
			t.Error(err)
		}
		keys = append(keys, key)
	}
	if err := kv.Delete(ctx, "a/1"); err != nil || !slices.Equal(keys, []string{"a/1", "a/2"}) || !slices.Equal(h.KV.Keys(), []string{"a/2", "b"}) {
		t.Error(keys, h.KV.Keys(), err)
	}
}

func TestHost_CacheLocksAndSecrets(t *testing.T) {
	h := inside(t, func(h *plugintest.Harness) {
		h.Locks.Take("busy")
		h.Secrets.Put("token", "s3cret")
	}, func(ctx context.Context, host *sdk.Host) {
		if err := host.Cache.Put(ctx, "k", []byte("v"), time.Minute); err != nil {
			t.Error(err)
		}
		if v, ok, err := host.Cache.Get(ctx, "k"); err != nil || !ok || string(v) != "v" {
			t.Error(v, ok, err)
		}
		if err := host.Cache.Delete(ctx, "k"); err != nil {
			t.Error(err)
		}
		if _, ok, err := host.Cache.Get(ctx, "k"); ok || err != nil {
			t.Error(ok, err)
		}
		if _, err := host.Locks.Acquire(ctx, "busy", time.Minute); !errors.Is(err, sdk.ErrConflict) {
			t.Error(err)
		}
		lease, err := host.Locks.Acquire(ctx, "free", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(lease.Renew(ctx), lease.Release(ctx)); err != nil {
			t.Error(err)
		}
		if s, err := host.Secrets.Get(ctx, "token"); err != nil || s.Reveal() != "s3cret" {
			t.Error(s, err)
		}
		if _, err := host.Secrets.Get(ctx, "other"); !errors.Is(err, sdk.ErrNotFound) {
			t.Error(err)
		}
	})
	if h.Locks.Held("free") || !h.Locks.Held("busy") {
		t.Error("locks")
	}
}

func TestHost_LeaseThatWasLostSaysSo(t *testing.T) {
	p := sdk.New("x")
	h := plugintest.Start(t, p)
	lease, err := p.Host().Locks.Acquire(t.Context(), "l", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(time.Hour)
	if err := lease.Renew(t.Context()); !errors.Is(err, sdk.ErrConflict) {
		t.Error(err)
	}
}

func TestHost_IdentityPermissionsAndDiscovery(t *testing.T) {
	read := sdk.Permission{Name: "x.read", Action: "read"}
	inside(t, func(h *plugintest.Harness) { h.Permissions.Deny("x.write") }, func(ctx context.Context, host *sdk.Host) {
		ann := plugintest.UserToken("user:default/ann")
		token, err := host.Auth.Token(ctx, "catalog", ann)
		if err != nil || token.Value.Reveal() != plugintest.PluginToken("catalog", ann) || token.ExpiresAt.IsZero() {
			t.Error(token, err)
		}
		if who, err := host.Auth.Verify(ctx, ann); err != nil || who.Subject != "user:default/ann" || !who.IsUser() {
			t.Error(who, err)
		}
		if _, err := host.Auth.Verify(ctx, "forged"); !errors.Is(err, sdk.ErrAuthentication) {
			t.Error(err)
		}
		allowed, err := host.Permission.Authorize(ctx, ann, sdk.PermissionRequest{Permission: read},
			sdk.PermissionRequest{Permission: sdk.Permission{Name: "x.write"}})
		if err != nil || !slices.Equal(allowed, []bool{true, false}) {
			t.Error(allowed, err)
		}
		if at, err := host.Discovery.BaseURL(ctx, "catalog"); err != nil || !strings.HasSuffix(at.Internal, "/api/catalog") {
			t.Error(at, err)
		}
		if host.BaseURL() != "https://portal.example.com" || host.Version() == "" {
			t.Error(host.BaseURL(), host.Version())
		}
	})
}

func TestHost_RecordsEventsAuditAndTasks(t *testing.T) {
	h := inside(t, func(h *plugintest.Harness) {
		h.Scheduler.Report(&pluginv1.TaskState{Id: "sweep", LastError: "no disk", LastEndedAt: timestamppb.New(h.Clock.Now())})
	}, func(ctx context.Context, host *sdk.Host) {
		err := errors.Join(
			host.Events.PublishWith(ctx, "released", map[string]string{"version": "1"}, map[string]string{"k": "v"}),
			host.Audit.Write(ctx, sdk.AuditEvent{Event: "release.create", Actor: "user:default/ann", Meta: map[string]any{"n": 1, "list": []string{"a"}}}),
			host.Scheduler.Trigger(ctx, "sweep"))
		if err != nil {
			t.Error(err)
		}
		states, err := host.Scheduler.Tasks(ctx)
		if err != nil || states[0].LastError != "no disk" || states[0].LastEndedAt.IsZero() || !states[0].NextStartAt.IsZero() {
			t.Errorf("%+v %v", states, err)
		}
	})
	if e := h.Events.Published()[0]; e.Topic != "released" || string(e.Payload) != `{"version":"1"}` || e.Metadata["k"] != "v" {
		t.Errorf("%+v", e)
	}
	if a := h.Audit.Written()[0]; a.Severity != "low" || a.Meta["n"] != 1.0 {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(h.Scheduler.Triggered(), []string{"sweep"}) {
		t.Error(h.Scheduler.Triggered())
	}
}

func TestHost_RefusalsAndOutagesAreErrorsThatCanBeRecognised(t *testing.T) {
	p := sdk.New("x")
	if _, err := p.Host().KV.Get(t.Context(), "k"); !errors.Is(err, sdk.ErrServiceUnavailable) {
		t.Errorf("before the start: %v", err)
	}
	for _, err := range p.Host().Catalog.Query(t.Context(), sdk.Query{}) {
		if !errors.Is(err, sdk.ErrServiceUnavailable) {
			t.Errorf("before the start: %v", err)
		}
	}
	h := plugintest.Start(t, p)
	h.FailHost("QueryEntities", sdk.ErrNotAllowed)
	for _, err := range p.Host().Catalog.Query(t.Context(), sdk.Query{}) {
		if !errors.Is(err, sdk.ErrNotAllowed) {
			t.Error(err)
		}
	}
	h.FailHost("GetEntity", sdk.ErrServiceUnavailable)
	if _, err := p.Host().Catalog.Entity(t.Context(), "component:default/a"); !errors.Is(err, sdk.ErrServiceUnavailable) {
		t.Error(err)
	}
	h.FailHost("GetEntity", nil)
	if _, err := p.Host().Catalog.Entity(t.Context(), "component:default/a"); !errors.Is(err, sdk.ErrNotFound) {
		t.Error(err)
	}
}

func TestHost_HTTPReachesWhatIsAllowedAndNothingElse(t *testing.T) {
	local := httptest.NewServer(http.HandlerFunc(nothing))
	defer local.Close()
	h := inside(t, func(h *plugintest.Harness) {
		h.Outgoing.HandleFunc("https://a.example", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.Path)) })
	}, func(_ context.Context, host *sdk.Host) {
		for url, want := range map[string]int{"https://a.example/p": http.StatusOK, local.URL: http.StatusNoContent} {
			res, err := host.HTTP.Get(url)
			if err != nil || res.StatusCode != want {
				t.Fatal(url, err)
			}
			_ = res.Body.Close()
		}
		if res, err := host.HTTP.Get("https://b.example/"); !errors.Is(err, sdk.ErrNotAllowed) {
			if err == nil {
				_ = res.Body.Close()
			}
			t.Error(err)
		}
	})
	if n := len(h.Outgoing.Requests()); n != 3 {
		t.Errorf("%d requests: a refusal must not be tried again", n)
	}
}

func TestPlugin_HasAFolderForItsFiles(t *testing.T) {
	p := sdk.New("x")
	plugintest.Start(t, p)
	if err := os.WriteFile(filepath.Join(p.DataDir(), "f"), []byte("x"), 0o600); err != nil {
		t.Error(err)
	}
}
