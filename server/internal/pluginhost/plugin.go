package pluginhost

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/hostsvc"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

// plugin is one plugin of the host, whatever became of it.
type plugin struct {
	id         manifest.ID
	host       *Host
	supervisor *supervise.Supervisor
	book       *logbook
	log        *slog.Logger
	bare       *slog.Logger // for packages that name the plugin themselves
	redactor   redactor
	// end ends the supervisor's goroutine and what is mounted; ended tells when the latter is done.
	end   context.CancelFunc
	ended chan struct{}

	// moved tells that another instance serves, or that none does any more.
	moved chan struct{}

	// admitting is held while the plugin is looked at and mounted.
	admitting sync.Mutex
	mounted   mounted
	facts     atomic.Pointer[facts]
	late      atomic.Bool // the last start that failed was one whose handshake did not come in time

	mu         sync.Mutex
	configured Entry
	build      Build
}

func newPlugin(h *Host, e Entry) *plugin {
	p := &plugin{id: e.ID, host: h, configured: e, ended: make(chan struct{}), moved: make(chan struct{}, 1), end: func() {}}
	p.book = newLogbook(h.log.Handler(), p.redactor.redact)
	p.bare = slog.New(p.book)
	p.log = p.bare.With("plugin", string(e.ID))
	p.supervisor = supervise.New(supervise.Options{Plugin: string(e.ID), Policy: h.o.Policy, Changed: p.changed})
	return p
}

func compareIDs(a, b manifest.ID) int { return cmp.Compare(a, b) }

func (p *plugin) entry() Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.configured
}

func (p *plugin) setEntry(e Entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.configured = e
}

// mustServe is for a plugin without which the host shall not start.
func (p *plugin) mustServe(ctx context.Context) error {
	for {
		shown, err := p.supervisor.Settled(ctx)
		if err != nil {
			return nil //nolint:nilerr // the host ends anyway
		}
		switch {
		case shown.State.Serves():
			return nil
		case shown.State == supervise.Discovered, shown.State == supervise.Verified:
			continue
		}
		return fmt.Errorf("plugin %s could not be started: %s, %s; callboard.plugins.%s.onPluginBootFailure says that the host ends then",
			p.id, shown.State, shown.Reason, p.id)
	}
}

// changed tells the log and who watches of every change. It runs on the supervisor's goroutine.
func (p *plugin) changed(before, after supervise.Snapshot) {
	p.host.feed.publish(Event{Plugin: p.id, Kind: EventState, State: after.State, Version: after.Version, Reason: after.Reason})
	if r := after.Rollback; r != nil && r != before.Rollback {
		p.log.Error("the new version did not become ready; the old one goes on", "version", r.Version, "reason", r.Reason)
	}
	if !after.Serving.Equal(before.Serving) || !after.State.Passing() {
		select {
		case p.moved <- struct{}{}:
		default:
		}
	}
	if before.State.Serves() && after.State.Serves() && !after.Serving.Equal(before.Serving) {
		p.log.Info("plugin replaced", "version", after.Version, "before", before.Version)
	}
	if before.State == after.State {
		return
	}
	attrs := []any{"state", string(after.State)}
	if after.Version != "" {
		attrs = append(attrs, "version", after.Version)
	}
	if after.Reason != "" {
		attrs = append(attrs, "reason", after.Reason)
	}
	switch after.State {
	case supervise.Ready, supervise.Starting, supervise.Draining, supervise.Stopped:
		p.log.Info("plugin "+string(after.State), attrs...)
	case supervise.Failed:
		p.log.Error("plugin failed: it is not started again before its version or settings change, or an operator restarts it", attrs...)
		p.record(hostsvc.AuditRecord{At: after.Since, Event: "plugin.failed", Severity: "high", Failed: true, Meta: map[string]any{"reason": after.Reason}})
	case supervise.Backoff:
		if before.State == supervise.Starting { // else the crash was told
			p.log.Warn("plugin did not start; it is tried again", attrs...)
		}
	default:
		p.log.Warn("plugin "+string(after.State), attrs...)
	}
}

// run admits the plugin and keeps what is mounted in step with what serves, until ctx ends.
func (p *plugin) run(ctx context.Context) {
	_ = p.admit(ctx, false) // the supervisor knows, and shows it
	for {
		var again <-chan time.Time
		if !p.settle(ctx) {
			again = time.After(settleAgain)
		}
		select {
		case <-p.moved:
		case <-again:
		case <-ctx.Done():
			p.unmount(context.WithoutCancel(ctx), false)
			return
		}
	}
}

// settleAgain is when an engine that did not take what a plugin announces is asked again.
const settleAgain = 5 * time.Second

// record writes an audit record without waiting for the database.
func (p *plugin) record(r hostsvc.AuditRecord) {
	audit := p.host.o.Backend.Audit
	if audit == nil {
		return
	}
	r.Plugin = p.id
	p.host.background(func(ctx context.Context) {
		if err := audit.Record(ctx, r); err != nil {
			p.log.Error("an audit record could not be written", "event", r.Event, "error", err)
		}
	})
}
