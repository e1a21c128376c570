package hostsvc_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
)

// author is a plugin written with the SDK, connected to a server and configured with its token.
func author(t *testing.T, s served) *sdk.Host {
	t.Helper()
	p := sdk.New("hello")
	i := p.Open(sdk.Runtime{Host: s.ClientConn})
	dir, err := os.MkdirTemp("", "cb") // t.TempDir is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "rpc.sock"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- i.ServeRPC(l) }()
	conn, err := grpc.NewClient("unix:"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		i.Close(context.Background())
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir)
	})
	if _, err := pluginv1.NewPluginServiceClient(conn).Configure(t.Context(), &pluginv1.ConfigureRequest{HostToken: token}); err != nil {
		t.Fatal(err)
	}
	return p.Host()
}

// TestSDK_AndHostUnderstandEachOther walks through what authors do with the SDK against the real services.
func TestSDK_AndHostUnderstandEachOther(t *testing.T) {
	store := newStore(t)
	f := &fake{entities: func() iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) { yield([]byte(`{"kind":"Component","n":9007199254740993}`), nil) }
	}}
	backend := f.backend()
	backend.KV, backend.Locks, backend.Audit = store, store, store
	needs := everything()
	needs.Catalog = []string{"read"}
	host := author(t, serve(t, hostsvc.Options{Needs: needs, Backend: backend}))
	for name, walk := range map[string]func(ctx context.Context) error{
		"values": func(ctx context.Context) error {
			_, err := host.KV.Get(ctx, "k")
			expect(t, "a value that is not there", err, sdk.ErrNotFound)
			version, err := host.KV.PutJSON(ctx, "k", map[string]int{"n": 1})
			if err != nil {
				return err
			}
			wrong := version + 1
			_, err = host.KV.Put(ctx, "k", nil, sdk.PutOptions{IfVersion: &wrong})
			expect(t, "a write over another version", err, sdk.ErrConflict)
			var read map[string]int
			if _, err := host.KV.GetJSON(ctx, "k", &read); err != nil || read["n"] != 1 {
				t.Errorf("read %v, %v", read, err)
			}
			for key, err := range host.KV.Keys(ctx, "") {
				if key != "k" || err != nil {
					t.Errorf("key %q, %v", key, err)
				}
			}
			return host.KV.Delete(ctx, "k")
		},
		"locks": func(ctx context.Context) error {
			lease, err := host.Locks.Acquire(ctx, "lock", time.Minute)
			if err != nil {
				return err
			}
			_, err = host.Locks.Acquire(ctx, "lock", time.Minute)
			expect(t, "a lock that is held", err, sdk.ErrConflict)
			return errors.Join(lease.Renew(ctx), lease.Release(ctx))
		},
		"catalog": func(ctx context.Context) error {
			var kinds []string
			for e, err := range host.Catalog.Query(ctx, sdk.Query{Filters: []string{"kind=component"}}) {
				if err != nil {
					return err
				}
				kinds = append(kinds, e.Kind())
			}
			if !slices.Equal(kinds, []string{"Component"}) {
				t.Errorf("kinds %v", kinds)
			}
			expect(t, "refresh without the need", host.Catalog.Refresh(ctx, "component:default/shop"), sdk.ErrNotAllowed)
			return nil
		},
		"cache": func(ctx context.Context) error {
			if err := host.Cache.Put(ctx, "k", []byte("v"), time.Minute); err != nil {
				return err
			}
			if v, found, err := host.Cache.Get(ctx, "k"); string(v) != "v" || !found || err != nil {
				t.Errorf("cached %q, %v, %v", v, found, err)
			}
			return host.Cache.Delete(ctx, "k")
		},
		"audit":  func(ctx context.Context) error { return host.Audit.Write(ctx, sdk.AuditEvent{Event: "release.create"}) },
		"events": func(ctx context.Context) error { return host.Events.Publish(ctx, "releases", map[string]int{"v": 1}) },
		"identity": func(ctx context.Context) error {
			caller, err := host.Auth.Verify(ctx, "user:default/ann")
			if err != nil || caller.Subject != "user:default/ann" {
				t.Errorf("caller %+v, %v", caller, err)
			}
			_, err = host.Auth.Token(ctx, "scaffolder", "")
			expect(t, "a token for a plugin that is not in the needs", err, sdk.ErrNotAllowed)
			_, err = host.Auth.Token(ctx, "catalog", "")
			return err
		},
		"permissions": func(ctx context.Context) error {
			allowed, err := host.Permission.Authorize(ctx, "", sdk.PermissionRequest{Permission: sdk.Permission{Name: "a.read", Action: "read"}})
			if !slices.Equal(allowed, []bool{true}) {
				t.Errorf("allowed %v", allowed)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := walk(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func expect(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}
