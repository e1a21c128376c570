package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/sdk"
)

func main() { newPlugin().Serve() }

// plugin is the state that outlives a change of settings; what depends on them is in the directory.
type plugin struct {
	host      *sdk.Host
	directory atomic.Pointer[directory]
	deliverer deliverer
	now       func() time.Time
}

func newPlugin() *sdk.Plugin { return newPluginAt(time.Now) }

// newPluginAt is the plugin with a clock of its own.
func newPluginAt(now func() time.Time) *sdk.Plugin {
	p := sdk.New("sentry", sdk.About{
		Version: "0.1.0", Title: "Sentry", License: "Apache-2.0",
		Description: "Errors, events, crash-free rates and releases of Sentry on the pages of the catalog.",
	})
	s := &plugin{host: p.Host(), now: now}
	calls := p.Counter("sentry_requests_total", "Requests to Sentry", "organization", "result")
	sdk.Settings(p, func(_ context.Context, next settings) error {
		out := sender{http: s.host.HTTP, count: func(organization, result string) { calls.Add(1, organization, result) }}
		d, err := newDirectory(next, out, s.now)
		if err == nil {
			s.directory.Store(d)
		}
		return err
	})
	s.routes(p)
	s.widgets(p)
	s.actions(p)
	p.Collator(documentType, s.documents, sdk.CollatorOptions{Every: collectEvery})
	p.Health(s.health)
	p.Task("probe", 5*time.Minute, s.probe)
	p.OnDrain(s.deliverer.drain)
	return p
}

func (s *plugin) routes(p *sdk.Plugin) {
	for _, end := range []string{"issues", "issues/{$}"} {
		p.HandleFunc("GET /api/0/projects/{organization}/{project}/"+end, s.upstreamIssues)
	}
	p.HandleFunc("GET /v1/entities/{kind}/{namespace}/{name}/issues", s.ofEntity(s.entityIssues))
	p.HandleFunc("GET /v1/entities/{kind}/{namespace}/{name}/stats", s.ofEntity(s.entityStats))
	p.HandleFunc("GET /v1/entities/{kind}/{namespace}/{name}/releases", s.ofEntity(s.entityReleases))
	p.HandleFunc("POST /webhook/{organization}", s.webhook, sdk.Unauthenticated)
}

// health tells what is known; it asks nobody, since the host asks often.
func (s *plugin) health(context.Context) error {
	d := s.directory.Load()
	var wrong []error
	for _, o := range d.settings.Organizations {
		wrong = append(wrong, d.byName[fold(o.name())].condition.problems()...)
	}
	return errors.Join(wrong...)
}

// probe finds out about a token that nobody has used for a while.
func (s *plugin) probe(ctx context.Context) error {
	d := s.directory.Load()
	var wrong []error
	for _, t := range d.byName {
		var found struct{ Slug string }
		_, err := t.get(ctx, call{path: []string{"organizations", t.Slug}, scope: "org:read"}, &found)
		if errors.Is(err, sdk.ErrNotFound) {
			t.condition.failed("", err) // of a project it would be somebody's spelling; of the organization it is the operator's
		}
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}
