package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk"
)

func main() { newPlugin().Serve() }

// plugin is what outlives a change of the settings.
type plugin struct {
	host    *sdk.Host
	engine  atomic.Pointer[engine]
	running work // requests to SonarQube that no caller may be waiting for
	calls   *sdk.Metric
	now     func() time.Time
}

func newPlugin() *sdk.Plugin {
	p, _ := newPluginAt(time.Now)
	return p
}

// newPluginAt makes the plugin with a clock.
func newPluginAt(now func() time.Time) (*sdk.Plugin, *plugin) {
	p := sdk.New("sonarqube", sdk.About{
		Version: "0.1.0", Title: "SonarQube", License: "Apache-2.0",
		Description: "Quality gates, ratings, coverage and security hotspots of SonarQube Server and Cloud.",
	})
	q := &plugin{host: p.Host(), now: now}
	q.calls = p.Counter("sonarqube_calls_total", "Calls to SonarQube", "instance", "result")
	sdk.Settings(p, func(_ context.Context, s settings) error {
		q.engine.Store(q.newEngine(s))
		return nil
	})
	q.routes(p)
	q.widgets(p)
	p.Health(q.health)
	p.OnDrain(q.finish)
	return p, q
}

// finish waits for requests that are on their way; each of them has a deadline.
func (q *plugin) finish(ctx context.Context) error {
	if err := q.running.wait(ctx); err != nil {
		return fmt.Errorf("requests to SonarQube: %w", err)
	}
	return nil
}

// upstream is the host's way out without redirects: a token must not follow one, and SonarQube's API has none.
func (q *plugin) upstream() *http.Client {
	return &http.Client{
		Transport:     q.host.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
