package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/plugins/gateway/forwardauth"
	"github.com/callboard/callboard/plugins/gateway/kong/manager"
	"github.com/callboard/callboard/plugins/gateway/policy"
	"github.com/callboard/callboard/sdk"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "policy" {
		os.Exit(policy.Main(os.Args[2:], os.Stdout, os.Stderr))
	}
	newPlugin().Serve()
}

// plugin is what outlives a change of the settings.
type plugin struct {
	host    *sdk.Host
	now     func() time.Time
	hub     atomic.Pointer[hub]
	kong    *manager.Manager
	metrics *forwardauth.Metrics
	swept   *sdk.Metric
	proofs  *sdk.Metric

	mu      sync.Mutex // guards what follows
	running sync.WaitGroup
	closed  bool // nothing new begins
}

func newPlugin() *sdk.Plugin {
	p, _ := newPluginAt(time.Now)
	return p
}

// newPluginAt makes the plugin with a clock.
func newPluginAt(now func() time.Time) (*sdk.Plugin, *plugin) {
	p := sdk.New("gateway", sdk.About{
		Version: "0.1.0", Title: "API gateways", License: "Apache-2.0",
		Description: "Access to APIs and keys for them, at whatever gateway serves them: requests, approval, rotation, proof of revocation.",
	})
	g := &plugin{host: p.Host(), now: now, metrics: forwardauth.NewMetrics(p), kong: manager.New(p.Host())}
	g.swept = p.Counter("gateway_swept_total", "Interrupted writes that were ended, and keys whose time was over", "what")
	g.proofs = p.Histogram("gateway_refusal_seconds", "How long after a revocation a gateway was seen to refuse the key",
		[]float64{0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}, "by")
	sdk.Settings(p, func(_ context.Context, s settings) error { return g.use(s) })
	g.routes(p)
	g.actions(p)
	g.widgets(p)
	g.forms(p)
	for _, permission := range append(manager.Permissions(), permissions...) {
		p.Permission(permission)
	}
	p.Task("sweep", time.Minute, g.sweep, sdk.TaskOptions{Timeout: 10 * time.Minute})
	p.CronTask("remind", "0 7 * * *", g.remind)
	p.Health(g.health)
	p.OnDrain(g.finish)
	return p, g
}

// use puts settings into force. What the former gateways ran ends first, so that nothing is counted by both.
func (g *plugin) use(s settings) error {
	next, err := g.newHub(s)
	if err != nil {
		return err
	}
	if former := g.hub.Swap(next); former != nil {
		former.close()
	}
	next.run()
	g.kong.Configure(next.kongs)
	return nil
}

// sweep ends what was interrupted, and keys whose time is over.
func (g *plugin) sweep(ctx context.Context) error {
	s, err := g.hub.Load().engine.Sweep(ctx)
	for what, n := range map[string]int{"recovered": s.Recovered, "untold": s.Untold, "expired": s.Expired, "retired": s.Retired} {
		if n > 0 {
			g.swept.Add(float64(n), what)
		}
	}
	if err != nil {
		return fmt.Errorf("%d writes wait: %w", s.Waiting, err)
	}
	return nil
}

// do runs f beside the calls that it comes from. It does nothing once the plugin is ending.
func (g *plugin) do(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.running.Go(f)
	}
}

// finish ends what gateways run, and waits for what is on its way.
func (g *plugin) finish(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if h := g.hub.Load(); h != nil {
			h.close()
		}
		g.running.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gateway: %w", errors.Join(errors.New("something is still on its way"), ctx.Err()))
	}
}

// outgoing is the host's way out without redirects: credentials and keys must not follow one.
func (g *plugin) outgoing(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     g.host.HTTP.Transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
