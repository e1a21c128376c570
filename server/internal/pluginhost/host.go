package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

// Protocol is the version of the protocol that this host speaks.
const Protocol = 1

// Options is what a [Host] is made of. Config, Logger, Edge and Catalog are required.
type Options struct {
	Config *config.Config
	// Dir is what relative paths of the configuration are relative to; "" = the working folder.
	Dir     string
	Logger  *slog.Logger
	Version string // of the host
	// BaseURL is where the host is reached from outside.
	BaseURL string
	Edge    Edge
	Catalog Catalog
	// Backend is what stands behind the host services. Its Secrets are this package's own business.
	Backend hostsvc.Backend
	// Relay holds what relays need of identity; the rest of it is filled in for each plugin.
	Relay relay.Options
	// SignIn makes a token for the user as whom an operator calls a plugin; nil = the plugin gets none, and cannot act for
	// that user.
	SignIn func(ctx context.Context, user string) (token string, err error)
	// Internal answers what plugins ask of the host by HTTP; nil = refused.
	Internal http.Handler
	// Self is the binary that holds the launcher; "" = the running one.
	Self   string
	Policy supervise.Policy
	// Permissions is asked for what is shown of plugins' permissions; nil = nothing is. An extension fills it.
	Permissions Permissions
	// Extensions are engines that take what plugins announce beyond routes and the catalog.
	Extensions []Extension
}

// Edge is the part of the HTTP edge that the host needs; [httpx.Server] is one.
type Edge interface {
	Attach(f httpx.Feature, h httpx.WholeHandler) (detach func(), err error)
}

// Catalog is the part of the catalog that the host needs; [catalog.Engine] is one.
type Catalog interface {
	Extend(ctx context.Context, source string, x catalog.Extension) error
	Retract(ctx context.Context, source string, forget bool) error
	Installed(ctx context.Context, sources []string) error
}

// Extension is an engine that takes what plugins announce. Its methods are called one after another for one plugin.
type Extension interface {
	// Announce replaces what the plugin announced before. It is called when a release serves that did not before; calls
	// answers through whichever instance serves. After an error it is called again.
	Announce(ctx context.Context, m *manifest.Manifest, calls caps.Source) error
	// Withdraw ends it, when the plugin does not serve any more and will not by itself; forget = for good. It may be called
	// for a plugin that announced nothing.
	Withdraw(ctx context.Context, id manifest.ID, forget bool) error
}

// Host runs plugins. Make it with [New], run it once.
type Host struct {
	o       Options
	log     *slog.Logger
	feed    *feed
	metrics *collector

	mu       sync.Mutex
	settings Settings
	plugins  map[manifest.ID]*plugin
	claims   map[manifest.ID]claimed
	running  context.Context //nolint:containedctx // of Run, for plugins that are added meanwhile; nil before and after
	work     sync.WaitGroup
	over     bool // nothing is begun any more
	opened   bool // what follows is there
	verifier *verify.Verifier
	runtime  *launch.Runtime
	control  *control
}

// New finds the plugins of the configuration. Nothing is opened, mounted or run before [Host.Run].
func New(o Options) *Host {
	h := &Host{o: o, log: o.Logger, plugins: map[manifest.ID]*plugin{}, claims: map[manifest.ID]claimed{}, feed: newFeed(), settings: ReadSettings(o.Config, o.Dir)}
	h.metrics = newCollector(h)
	for _, e := range h.discover(h.settings) {
		h.plugins[e.ID] = newPlugin(h, e)
	}
	return h
}

// open makes the folders and the control socket. A host without plugins leaves no trace of them. h.mu is held.
func (h *Host) open(ctx context.Context) error {
	if h.opened {
		return nil
	}
	store, err := verify.OpenStore(h.settings.DataDir)
	if err != nil {
		return err
	}
	if err := os.Chmod(h.settings.DataDir, 0o711); err != nil { //nolint:gosec // plugins of other users pass through to their own folders
		return fmt.Errorf("plugins: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(h.settings.DataDir, "data"), 0o711); err != nil { //nolint:gosec // as above
		return fmt.Errorf("plugins: %w", err)
	}
	if h.runtime, err = launch.OpenRuntime(""); err != nil {
		return fmt.Errorf("plugins: %w", err)
	}
	h.verifier = &verify.Verifier{Store: store, Keys: h.settings.Keys, HostVersion: h.o.Version, Protocols: []int{Protocol}, OS: runtime.GOOS, Arch: runtime.GOARCH}
	h.control = h.openControl(ctx, h.settings.DataDir)
	h.opened = true
	return nil
}

// close ends what open began, after every plugin has ended.
func (h *Host) close() error {
	h.mu.Lock()
	opened, control, folders := h.opened, h.control, h.runtime
	h.mu.Unlock()
	if !opened {
		return nil
	}
	control.close()
	return folders.Close()
}

// discover lists the configured plugins and those that lie in the installed folders.
func (h *Host) discover(s Settings) []Entry {
	found := map[manifest.ID]string{}
	for _, dir := range s.Path {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			h.log.Warn("plugins cannot be looked for", "folder", dir, "error", err)
		}
		for _, entry := range entries {
			folder := filepath.Join(dir, entry.Name())
			id := manifest.ID(entry.Name())
			if m, err := manifest.Read(folder); err == nil {
				id = m.ID
			} else if _, missing := os.Stat(filepath.Join(folder, manifest.File)); missing != nil || id.Check() != nil {
				continue
			}
			if before, twice := found[id]; twice {
				h.log.Warn("a plugin lies in two folders; the first one counts", "plugin", string(id), "folder", before, "ignored", folder)
				continue
			}
			found[id] = folder
		}
	}
	all := slices.Clone(s.Entries)
	for i, e := range all {
		if e.Source == "" {
			all[i].Source = found[e.ID]
		}
		delete(found, e.ID)
	}
	for id, folder := range found {
		all = append(all, Entry{ID: id, Source: folder, Enabled: true})
	}
	return all
}

// Run keeps the plugins running until ctx ends, then stops them and returns. An error before that means that a plugin
// whose configuration says so could not be started.
func (h *Host) Run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { err = errors.Join(err, h.close()) }()
	must, err := h.startAll(ctx)
	if err != nil {
		return err
	}
	defer h.await(cancel)
	if err := h.o.Catalog.Installed(ctx, h.installed()); err != nil && ctx.Err() == nil {
		h.log.Error("what removed plugins left in the catalog could not be taken away", "error", err)
	}
	for _, p := range must {
		if err := p.mustServe(ctx); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// await ends what runs and waits for it, and for what its end had to write down.
func (h *Host) await(cancel context.CancelFunc) {
	h.mu.Lock()
	h.running = nil
	h.mu.Unlock()
	cancel()
	h.work.Wait()
	h.mu.Lock()
	h.over = true
	h.mu.Unlock()
	h.work.Wait()
}

// startAll begins the plugins and answers those without which the host shall not start.
func (h *Host) startAll(ctx context.Context) (must []*plugin, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.plugins) > 0 {
		if err := h.open(ctx); err != nil {
			return nil, err
		}
	}
	h.running = ctx
	for _, p := range h.plugins {
		h.start(p)
		if e := p.entry(); e.AbortBoot && e.Enabled {
			must = append(must, p)
		}
	}
	return must, nil
}

func (h *Host) installed() []string {
	var sources []string
	for _, p := range h.all() {
		sources = append(sources, sourceName(p.id))
	}
	return sources
}

// start runs the supervisor of p and admits it. h.mu is held, and the host runs.
func (h *Host) start(p *plugin) {
	ctx, cancel := context.WithCancel(h.running)
	p.end = cancel
	h.work.Go(func() { p.supervisor.Run(ctx) })
	h.work.Go(func() {
		defer close(p.ended)
		p.run(ctx)
	})
}

// Reload follows a changed configuration: plugins are added, removed, started with other settings.
func (h *Host) Reload(c *config.Config) {
	s := ReadSettings(c, h.o.Dir)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running == nil {
		return
	}
	found := h.discover(s)
	s.DataDir = h.settings.DataDir // folders of running plugins do not move
	h.settings = s
	if len(found) > 0 {
		if err := h.open(h.running); err != nil {
			h.log.Error("plugins cannot be run", "error", err)
			return
		}
		verifier := *h.verifier
		verifier.Keys = s.Keys
		h.verifier = &verifier
	}
	there := map[manifest.ID]bool{}
	for _, e := range found {
		there[e.ID] = true
		p, ok := h.plugins[e.ID]
		if !ok {
			p = newPlugin(h, e)
			h.plugins[e.ID] = p
			h.start(p)
			h.log.Info("plugin added", "plugin", string(e.ID))
			continue
		}
		p.setEntry(e)
		ctx := h.running
		h.work.Go(func() { _ = p.admit(ctx, false) })
	}
	for id, p := range h.plugins {
		if !there[id] {
			delete(h.plugins, id)
			h.remove(p)
		}
	}
}

// remove ends a plugin that the configuration does not have any more, and forgets what it brought. h.mu is held.
func (h *Host) remove(p *plugin) {
	h.log.Info("plugin removed", "plugin", string(p.id))
	ctx := h.running
	h.work.Go(func() {
		p.unmount(ctx, true)
		p.end()
		<-p.ended
		h.feed.publish(Event{Plugin: p.id, Kind: EventRemoved})
	})
}

// plugin is the plugin with that id.
func (h *Host) plugin(id manifest.ID) (*plugin, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.plugins[id]
	if !ok {
		return nil, &UnknownError{Plugin: id}
	}
	return p, nil
}

// UnknownError is the answer to a question about a plugin that is not there.
type UnknownError struct{ Plugin manifest.ID }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no plugin %q; `callboard plugin list` shows those that there are", string(e.Plugin))
}

func (h *Host) all() []*plugin {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*plugin, 0, len(h.plugins))
	for _, p := range h.plugins {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *plugin) int { return compareIDs(a.id, b.id) })
	return all
}

func (h *Host) settingsNow() Settings {
	s, _ := h.now()
	return s
}

// background runs something short that belongs to no request. It is waited for when the host ends.
func (h *Host) background(run func(ctx context.Context)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return
	}
	h.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		run(ctx)
	})
}

func (h *Host) now() (Settings, *verify.Verifier) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.settings, h.verifier
}

func sourceName(id manifest.ID) string { return "plugin:" + string(id) }
