package sdk

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/entity"
)

// Version is the version of this SDK, which a plugin reports for support.
const Version = "0.1.0"

// Entity is a catalog entity as a JSON object.
type Entity = entity.Entity

// Plugin collects what a plugin can do. Make one with [New], register, then call [Plugin.Serve].
type Plugin struct {
	id    string
	about About

	mux      *http.ServeMux
	routes   []route
	settings *settings

	providers  registry[provider]
	processors registry[Stages]
	actions    registry[action]
	filters    registry[filter]
	widgets    registry[widget]
	collators  registry[collator]
	tasks      registry[task]
	rules      registry[rule]
	permits    registry[Permission]
	events     registry[func(context.Context, Event) error]
	checks     []func(context.Context) error
	drainers   []func(context.Context) error

	metrics  metrics
	host     *Host
	logLevel *slog.LevelVar
	secrets  redactor
	dataDir  string
	drained  chan struct{}
	drain    sync.Once

	stdout io.Writer // the real standard output, for the handshake line
	opened bool
}

// About is what people read about a plugin.
type About struct {
	// Version is the same semantic version as in plugin.yaml.
	Version string
	// Title and Description are for lists of plugins.
	Title, Description string
	// License is an SPDX expression, such as "Apache-2.0".
	License string
}

var (
	pluginID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,49}$`)
	semver   = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
)

// New starts a plugin of that id, which is also the prefix of its routes: /api/<id>. An optional [About] tells more.
//
// Call it first in main: in a process that the host started, standard output belongs to the handshake, and New turns what
// is printed there by mistake into log lines.
func New(id string, about ...About) *Plugin {
	if !pluginID.MatchString(id) {
		misusef("New(%q): a plugin id is a lower-case letter, then up to 49 lower-case letters, digits and hyphens", id)
	}
	p := &Plugin{
		id: id, about: only("New", about), mux: http.NewServeMux(), logLevel: new(slog.LevelVar),
		drained: make(chan struct{}), stdout: os.Stdout,
	}
	if p.about.Version == "" {
		p.about.Version = "0.0.0"
	}
	if !semver.MatchString(p.about.Version) {
		misusef("New(%q): version %q is no semantic version such as 1.2.3", id, p.about.Version)
	}
	p.host = newHost(p)
	if startedByHost() {
		os.Stdout = os.Stderr
	}
	return p
}

// ID is the id that was given to [New].
func (p *Plugin) ID() string { return p.id }

// Host is what the host does for this plugin. Its calls fail with [ErrServiceUnavailable] until the host has configured
// the plugin: use them inside of registered functions only.
func (p *Plugin) Host() *Host { return p.host }

// DataDir is the folder in which the plugin may keep files; plugin.yaml asks for it with needs.storage.files. It stays
// between starts. "" outside of a host.
func (p *Plugin) DataDir() string { return p.dataDir }

// LogLevel is the least level of what [slog.Default] writes; info unless it is set, for example by a setting.
func (p *Plugin) LogLevel() *slog.LevelVar { return p.logLevel }

// Health adds a check that says whether the plugin can do its work: an error, such as "token lacks scope org:read", is
// shown to operators as degraded. The host asks every few seconds, so answer from what is known rather than by a request.
func (p *Plugin) Health(check func(context.Context) error) {
	p.registering("Health")
	p.checks = append(p.checks, check)
}

// OnDrain adds a function that is called when the plugin is about to be stopped or replaced, to finish what runs. Its
// context ends when the time for that is over.
func (p *Plugin) OnDrain(finish func(context.Context) error) {
	p.registering("OnDrain")
	p.drainers = append(p.drainers, finish)
}

// Draining is closed when the plugin is about to be stopped or replaced. Handlers of endless answers (server-sent events,
// WebSockets) watch it and end them; clients reconnect to the new instance.
func (p *Plugin) Draining() <-chan struct{} { return p.drained }

// registering panics when it is too late to register.
func (p *Plugin) registering(what string) {
	if p.opened {
		misusef("%s: register before Serve; the host has already been told what the plugin can do", what)
	}
}

// registry keeps what was registered under a name, in that order.
type registry[T any] struct {
	names  []string
	byName map[string]T
}

var registered = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._:/-]{0,99}$`)

func (r *registry[T]) add(p *Plugin, what, name string, v T) {
	p.registering(fmt.Sprintf("%s %q", what, name))
	if !registered.MatchString(name) {
		misusef("%s %q: a name is a letter, then up to 99 letters, digits and . _ : / -", what, name)
	}
	if _, taken := r.byName[name]; taken {
		misusef("%s %q is registered twice", what, name)
	}
	if r.byName == nil {
		r.byName = map[string]T{}
	}
	r.byName[name] = v
	r.names = append(r.names, name)
}

func (r *registry[T]) get(what, name string) (T, error) {
	v, ok := r.byName[name]
	if !ok {
		return v, fmt.Errorf("this plugin has no %s %q: %w", what, name, ErrNotFound)
	}
	return v, nil
}

func (r *registry[T]) any() bool { return len(r.names) > 0 }

// only is the value of an optional last argument.
func only[T any](what string, given []T) T {
	switch len(given) {
	case 0:
		var zero T
		return zero
	case 1:
		return given[0]
	}
	misusef("%s: give %T once at most", what, given[0])
	panic("unreachable")
}

// seconds rounds up, so that a short interval does not become "none".
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// misusef panics for a mistake in the author's program, with a text that is readable on its own.
func misusef(format string, args ...any) {
	panic("callboard sdk: " + strings.TrimSpace(fmt.Sprintf(format, args...)))
}
