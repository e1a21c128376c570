package hostsvc_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/rpcerror"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/schedule"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "token-of-this-start"

// everything is what a plugin may need at most.
func everything() manifest.Needs {
	return manifest.Needs{
		Catalog: []string{"read", "write-own", "refresh"}, Storage: manifest.Storage{KV: 1 << 20}, Secrets: []string{"token"},
		Plugins: []string{"catalog"}, Events: manifest.NeedsEvents{Publish: []string{"releases"}}, OnBehalfOf: true, Permission: true,
		Scaffolder: []string{"workspace"},
	}
}

// fake stands behind the services where a test needs no database.
type fake struct {
	mu        sync.Mutex
	records   []hostsvc.AuditRecord
	published []hostsvc.Event
	entities  func() iter.Seq2[[]byte, error]
	entity    func(ctx context.Context, ref string) ([]byte, error)
	secret    string
}

func (f *fake) backend() hostsvc.Backend {
	return hostsvc.Backend{Auth: f, Catalog: f, Cache: hostsvc.NewCache(nil), Secrets: f, Scheduler: f, Events: f, Permission: f, Audit: f, Discovery: f}
}

func (f *fake) PluginToken(_ context.Context, from manifest.ID, target, user string) (hostsvc.Token, error) {
	return hostsvc.Token{Text: string(from) + ">" + target + " " + user, Expires: time.Unix(1000, 0)}, nil
}

func (f *fake) Verify(_ context.Context, plugin manifest.ID, token string) (hostsvc.Identity, error) {
	if token == "bad" {
		return hostsvc.Identity{}, apierror.New(apierror.Authentication, "Illegal token")
	}
	return hostsvc.Identity{Type: "user", Subject: token, Actor: "plugin:" + string(plugin), Ownership: []string{token}}, nil
}

func (f *fake) Entity(ctx context.Context, _ manifest.ID, ref string) ([]byte, error) {
	if f.entity != nil {
		return f.entity(ctx, ref)
	}
	return []byte(`{"kind":"Component"}`), nil
}

func (f *fake) Entities(context.Context, manifest.ID, hostsvc.Selection) iter.Seq2[[]byte, error] {
	if f.entities != nil {
		return f.entities()
	}
	return func(func([]byte, error) bool) {}
}
func (f *fake) Refresh(context.Context, manifest.ID, string) error         { return nil }
func (f *fake) TriggerProvider(context.Context, manifest.ID, string) error { return nil }

func (f *fake) Secret(context.Context, manifest.ID, string) (string, error) { return f.secret, nil }

func (f *fake) Trigger(context.Context, manifest.ID, string) error { return nil }
func (f *fake) States(context.Context, manifest.ID) ([]schedule.State, error) {
	return []schedule.State{{ID: "sweep", Running: true, LastStarted: time.Unix(1000, 0)}}, nil
}

func (f *fake) Publish(_ context.Context, _ manifest.ID, e hostsvc.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.published = append(f.published, e)
	return nil
}

func (f *fake) Authorize(_ context.Context, _ manifest.ID, _ string, questions []hostsvc.Question) ([]bool, error) {
	allowed := make([]bool, len(questions))
	for i, q := range questions {
		allowed[i] = q.Action == "read"
	}
	return allowed, nil
}

func (f *fake) BaseURL(_ context.Context, target string) (external, internal string, err error) {
	return "https://portal.example.com/api/" + target, "http://callboard.internal/api/" + target, nil
}

func (f *fake) Record(_ context.Context, r hostsvc.AuditRecord) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append(f.records, r)
	return nil
}

func (f *fake) audited() []hostsvc.AuditRecord {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.records)
}

// served is a plugin's end of a running server.
type served struct {
	*grpc.ClientConn

	log  *httpxtest.Buffer
	stop func()
}

// serve opens the services as o says, on a socket of its own, and connects to it.
func serve(t testing.TB, o hostsvc.Options) served {
	t.Helper()
	dir, err := os.MkdirTemp("", "cb") // t.TempDir is too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	log := &httpxtest.Buffer{}
	o.Socket, o.Token = filepath.Join(dir, "host.sock"), token
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if o.Plugin == "" {
		o.Plugin = "hello"
	}
	s, err := hostsvc.Serve(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("unix:"+o.Socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		if err := errors.Join(conn.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return served{conn, log, stop}
}

// called is the context of a call with the right token.
func called(t testing.TB) context.Context {
	t.Helper()
	return metadata.AppendToOutgoingContext(t.Context(), hostsvc.TokenKey, token)
}

// refused fails the test unless err has that name.
func refused(t *testing.T, err error, name apierror.Name) string {
	t.Helper()
	err = rpcerror.Decode(err)
	if !apierror.Has(err, name) {
		t.Fatalf("got %v, want a %s", err, name)
	}
	return err.Error()
}

func newStore(t *testing.T) *hostsvc.Store {
	t.Helper()
	s, err := hostsvc.NewStore(t.Context(), storetest.SQLite(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
