package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
	"github.com/callboard/callboard/server/internal/principal"
)

// rig is a running host with an edge and a catalog that remember.
type rig struct {
	*Host
	t       *testing.T
	dir     string
	edge    *fakeEdge
	catalog *fakeCatalog
	audit   *fakeAudit
	log     *httpxtest.Buffer
	ended   chan error
	stop    context.CancelFunc
}

// run starts a host with those plugins of the configuration (YAML below callboard.plugins).
func run(t *testing.T, plugins string) *rig {
	t.Helper()
	return runWith(t, plugins, func(*Options) {})
}

// runWith is run with other options.
func runWith(t *testing.T, plugins string, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, dir: openDir(t), edge: &fakeEdge{mounts: map[string]httpx.WholeHandler{}}, catalog: &fakeCatalog{}, audit: &fakeAudit{}, log: &httpxtest.Buffer{}, ended: make(chan error, 1)}
	c := r.config(plugins)
	o := Options{Config: c, Logger: slog.New(slog.NewJSONHandler(r.log, nil)), Version: "1.0.0", BaseURL: "http://localhost:7007",
		Edge: r.edge, Catalog: r.catalog, Backend: hostsvc.Backend{Audit: r.audit}}
	change(&o)
	r.Host = New(o)
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.ended <- r.Run(ctx) }()
	t.Cleanup(func() { _ = r.end() })
	return r
}

func (r *rig) config(plugins string) *config.Config {
	return config.FromYAML(fmt.Sprintf("callboard:\n  pluginHost: {dataDir: %s, lockFile: %s}\n  plugins:\n    %s\n",
		filepath.Join(r.dir, "d"), filepath.Join(r.dir, "lock.yaml"), strings.ReplaceAll(strings.TrimSpace(plugins), "\n", "\n    ")))
}

// end stops the host and answers how it ended; again, it answers nil.
func (r *rig) end() error {
	r.stop()
	err := <-r.ended
	r.ended <- nil
	return err
}

// await waits until the plugin is in that state.
func (r *rig) await(id string, state supervise.State) View {
	r.t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		p, err := r.plugin(manifest.ID(id))
		if err != nil {
			r.t.Fatal(err)
		}
		shown, outdated := p.supervisor.Watch()
		if shown.State == state {
			return p.view()
		}
		select {
		case <-outdated:
		case <-deadline:
			r.t.Fatalf("%s is %s (%s), not %s\n%s", id, shown.State, shown.Reason, state, r.log)
		}
	}
}

// get asks a route of a plugin as ann, through what is attached to the edge.
func (r *rig) get(target string) *httptest.ResponseRecorder { return r.ask("GET", target, "") }

func (r *rig) ask(method, target, body string) *httptest.ResponseRecorder {
	r.t.Helper()
	id, rest, _ := strings.Cut(strings.TrimPrefix(target, "/"), "/")
	w := httptest.NewRecorder()
	h := r.edge.mounted(id)
	if h == nil {
		w.Code = http.StatusNotFound
		return w
	}
	in := httptest.NewRequest(method, "/api/"+id+"/"+rest, strings.NewReader(body)).WithContext(r.t.Context())
	ann := &principal.Principal{Kind: principal.User, Subject: "user:default/ann"}
	if err := h(w, in, httpx.Call{Target: "/" + rest, Principal: ann, RequestID: "r"}); err != nil {
		status := http.StatusInternalServerError
		if named, ok := errors.AsType[interface {
			error
			HTTPStatus() int
		}](err); ok {
			status = named.HTTPStatus()
		}
		w.Code = status
		w.Body.WriteString(err.Error())
	}
	return w
}

type fakeEdge struct {
	mu       sync.Mutex
	mounts   map[string]httpx.WholeHandler
	features map[string]httpx.Feature
	turns    map[string]int // how often an id was attached
}

// Attach lets a later one take over, as the edge does.
func (e *fakeEdge) Attach(f httpx.Feature, h httpx.WholeHandler) (func(), error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.features == nil {
		e.features, e.turns = map[string]httpx.Feature{}, map[string]int{}
	}
	e.turns[f.ID]++
	turn := e.turns[f.ID]
	e.mounts[f.ID], e.features[f.ID] = h, f
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.turns[f.ID] == turn {
			delete(e.mounts, f.ID)
			delete(e.features, f.ID)
		}
	}, nil
}

func (e *fakeEdge) mounted(id string) httpx.WholeHandler {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mounts[id]
}

// fakeCatalog runs providers as the engine does, and keeps what they bring.
type fakeCatalog struct {
	mu       sync.Mutex
	sources  map[string]context.CancelFunc
	running  sync.WaitGroup
	entities []string
	forgot   []string
}

func (c *fakeCatalog) Extend(_ context.Context, source string, x catalog.Extension) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sources == nil {
		c.sources = map[string]context.CancelFunc{}
	}
	if before := c.sources[source]; before != nil {
		before()
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.sources[source] = cancel
	for _, p := range x.Providers {
		if err := p.Connect(ctx, c); err != nil {
			cancel()
			return err
		}
		c.running.Go(func() { p.(catalog.RunningProvider).Run(ctx) })
	}
	return nil
}

func (c *fakeCatalog) Retract(_ context.Context, source string, forget bool) error {
	c.mu.Lock()
	if end := c.sources[source]; end != nil {
		end()
		delete(c.sources, source)
	}
	if forget {
		c.forgot = append(c.forgot, source)
	}
	c.mu.Unlock()
	c.running.Wait()
	return nil
}

func (c *fakeCatalog) Installed(context.Context, []string) error { return nil }

func (c *fakeCatalog) ApplyMutation(_ context.Context, m catalog.Mutation) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, added := range m.Added {
		c.entities = append(c.entities, added.Entity.Ref().String())
	}
	return nil
}

func (c *fakeCatalog) Refresh(context.Context, []string) error { return nil }

func (c *fakeCatalog) has(source string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sources[source] != nil
}

type fakeAudit struct {
	mu      sync.Mutex
	records []hostsvc.AuditRecord
}

func (a *fakeAudit) Record(_ context.Context, r hostsvc.AuditRecord) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.records = append(a.records, r)
	return nil
}
