package caps

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// EntityProvider is a provider of a plugin as the catalog sees it. One goroutine, the engine's, asks the plugin for its
// entities: when the plugin comes up, when its interval is over, when a new version has replaced it, and when somebody
// triggers it; one refresh at a time.
//
// What a refresh brings is applied when its stream has ended well, all of it or nothing: after a failure everything stays
// as it was, and the next try comes after ten seconds, then later and later up to the interval. The cursor lives as long
// as the host and as the plugin's version; without one the plugin is asked for everything. Entities get the location
// "plugin:<id>/<name>" unless they name a URL, and belong to this provider: what others own it can neither take nor
// remove. Of an entity that a stream holds twice the last one counts.
type EntityProvider struct {
	plugin  manifest.ID
	name    string
	source  Source
	options ProviderOptions
	log     *slog.Logger
	lease   *lease
	asked   chan chan<- error

	mu     sync.Mutex
	conn   catalog.ProviderConnection
	ended  chan struct{} // closed when Run ends; nil = never connected
	status ProviderStatus

	// The rest belongs to the goroutine of Run.
	tried    *Client // the instance that was asked last
	client   *Client // the instance whose interval is known
	version  string
	cursor   string
	interval time.Duration
	failures int
}

// ProviderOptions are a provider's own.
type ProviderOptions struct {
	// Lock makes one host of several refresh the provider; nil = there is only this one.
	Lock   Lock
	Logger *slog.Logger // nil = slog.Default()
	// MinInterval holds the plugin's own interval; 0 = 10 s.
	MinInterval time.Duration
	// Poll is how often it is looked whether the plugin has come up or was replaced; 0 = 1 s.
	Poll time.Duration
}

// ProviderStatus is for people.
type ProviderStatus struct {
	Name     string        `json:"name"`
	Interval time.Duration `json:"interval"`
	// Last is when a refresh was applied last, Entities what it brought.
	Last     time.Time `json:"last,omitzero"`
	Entities int       `json:"entities"`
	// Error is why the latest try failed, "" = it did not.
	Error string `json:"error,omitempty"`
}

// Provider makes the proxy of one provider of a plugin.
func Provider(plugin manifest.ID, name string, s Source, o ProviderOptions) *EntityProvider {
	o.MinInterval = cmp.Or(o.MinInterval, 10*time.Second)
	o.Poll = cmp.Or(o.Poll, time.Second)
	log := cmp.Or(o.Logger, slog.Default()).With("plugin", string(plugin), "provider", name)
	return &EntityProvider{
		plugin: plugin, name: name, source: s, options: o, log: log, asked: make(chan chan<- error),
		lease:  newLease(o.Lock, plugin, "callboard/provider/"+name),
		status: ProviderStatus{Name: name},
	}
}

// Name owns the provider's entities: "plugin:<id>/<name>".
func (p *EntityProvider) Name() string { return qualified(p.plugin, p.name) }

// Connect implements [catalog.EntityProvider]. It asks nobody.
func (p *EntityProvider) Connect(_ context.Context, conn catalog.ProviderConnection) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn, p.ended = conn, make(chan struct{})
	return nil
}

// Status is how the provider does.
func (p *EntityProvider) Status() ProviderStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Trigger refreshes now, or after the refresh that runs, and returns when that is done.
func (p *EntityProvider) Trigger(ctx context.Context) error {
	if _, err := p.source.Client(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if ended == nil {
		return apierror.Newf(apierror.ServiceUnavailable, "The provider %s of plugin %s is not running yet", p.name, p.plugin)
	}
	done := make(chan error, 1)
	select {
	case p.asked <- done:
	case <-ended:
		return apierror.Newf(apierror.ServiceUnavailable, "The provider %s of plugin %s was stopped", p.name, p.plugin)
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run implements [catalog.RunningProvider].
func (p *EntityProvider) Run(ctx context.Context) {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	defer close(ended)
	defer p.lease.release()
	var waiting []chan<- error
	for ctx.Err() == nil {
		err := p.turn(ctx)
		for _, w := range waiting {
			w <- err
		}
		waiting = p.wait(ctx, p.pause(err))
	}
	for _, w := range waiting {
		w <- ctx.Err()
	}
}

// turn refreshes if it is this host's to do.
func (p *EntityProvider) turn(ctx context.Context) error {
	c, err := p.source.Client(ctx)
	if err != nil {
		return err
	}
	held, err := p.lease.hold(ctx)
	if err != nil {
		return err
	}
	if !held {
		p.cursor = "" // another host goes on; what it applies is not known here
		return nil
	}
	p.tried = c
	if c != p.client {
		if err := p.meet(ctx, c); err != nil {
			return p.tell(ctx, 0, err)
		}
	}
	n, err := p.refresh(ctx, c)
	return p.tell(ctx, n, err)
}

// meet learns what a new instance says of the provider.
func (p *EntityProvider) meet(ctx context.Context, c *Client) error {
	listed, err := unary(ctx, c, "ListProviders", c.limits.Quick, pluginv1.NewCatalogProviderServiceClient(c.conn).ListProviders, &pluginv1.ListProvidersRequest{})
	if err != nil {
		return err
	}
	for _, l := range listed.GetProviders() {
		if l.GetName() != p.name {
			continue
		}
		p.interval = max(time.Duration(min(l.GetIntervalSeconds(), int64(24*time.Hour/time.Second)))*time.Second, p.options.MinInterval)
		if c.version != p.version {
			p.cursor, p.version = "", c.version
		}
		p.client = c
		return nil
	}
	return c.wrong("ListProviders", "no provider named %q, which the manifest promises", p.name)
}

// refresh asks for what there is and applies it.
func (p *EntityProvider) refresh(ctx context.Context, c *Client) (int, error) {
	ctx, release := p.lease.keep(ctx)
	defer release()
	d := delivery{client: c, call: "RefreshProvider " + p.name, own: source(p.plugin, p.name), at: map[entity.Canonical]int{}}
	err := stream(ctx, c, d.call, c.budget(), pluginv1.NewCatalogProviderServiceClient(c.conn).RefreshProvider,
		&pluginv1.RefreshProviderRequest{Name: p.name, Cursor: p.cursor}, d.take)
	if err != nil {
		return 0, err
	}
	if d.twice > 0 {
		p.log.Warn("the provider brings entities twice; the last one counts", "count", d.twice, "entity", string(d.twiceRef))
	}
	m := d.mutation()
	if m.Full || len(m.Added)+len(m.Removed) > 0 {
		if err := p.conn.ApplyMutation(ctx, m); err != nil {
			return 0, err
		}
	}
	p.cursor = d.cursor
	return len(m.Added), nil
}

// tell keeps and logs how a turn went.
func (p *EntityProvider) tell(ctx context.Context, n int, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.status.Error
	p.status.Interval = p.interval
	if err != nil {
		p.failures++
		p.status.Error = err.Error()
		if ctx.Err() == nil && before != p.status.Error {
			p.log.Warn("refresh failed; what was provided before stays", "error", err)
		}
		return err
	}
	if before != "" {
		p.log.Info("refresh works again", "entities", n)
	}
	p.failures, p.status.Error, p.status.Entities, p.status.Last = 0, "", n, time.Now()
	return nil
}

// pause is how long to wait after a turn: the interval with some jitter, or less after a failure.
func (p *EntityProvider) pause(err error) time.Duration {
	interval := max(p.interval, p.options.MinInterval)
	if err != nil {
		interval = min(interval, p.options.MinInterval<<min(max(p.failures-1, 0), 10))
	}
	return interval + time.Duration(rand.Int64N(int64(interval)/10+1)) //nolint:gosec // spreading load
}

// wait returns when it is time for the next turn, with those who asked for it.
func (p *EntityProvider) wait(ctx context.Context, pause time.Duration) (asked []chan<- error) {
	timer, tick := time.NewTimer(pause), time.NewTicker(p.options.Poll)
	defer timer.Stop()
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			return nil
		case done := <-p.asked:
			asked = append(asked, done)
			for {
				select {
				case done := <-p.asked:
					asked = append(asked, done)
				default:
					return asked
				}
			}
		case <-tick.C:
			if p.isNews(ctx) {
				return nil
			}
		}
	}
}

// isNews reports whether there is a reason to refresh before the interval is over: the plugin has come up, it was
// replaced by another version, or this host has become the one that refreshes.
func (p *EntityProvider) isNews(ctx context.Context) bool {
	c, err := p.source.Client(ctx)
	if err != nil {
		return false
	}
	had := p.lease.held()
	held, err := p.lease.hold(ctx)
	if err != nil || !held {
		return false
	}
	return !had || p.tried == nil || c != p.tried && (p.failures > 0 || c.version != p.version)
}

var _ catalog.RunningProvider = (*EntityProvider)(nil)
