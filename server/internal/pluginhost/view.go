package pluginhost

import (
	"github.com/callboard/callboard/server/internal/pluginhost/caps"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

// View is what people may know of a plugin. It holds no secret.
type View struct {
	ID          manifest.ID `json:"id"`
	Title       string      `json:"title,omitempty"`
	Description string      `json:"description,omitempty"`
	License     string      `json:"license,omitempty"`
	Source      string      `json:"source,omitempty"`
	// Development plugins are trusted as they are.
	Development bool `json:"development"`
	supervise.Snapshot

	// Level and Signer say how far it is trusted and by whom; Hash is its content.
	Level  string `json:"level,omitempty"`
	Signer string `json:"signer,omitempty"`
	Hash   string `json:"hash,omitempty"`
	// Needs are all its privileges in sentences, Asks those that are not approved.
	Needs []string `json:"needs"`
	Asks  []string `json:"asks,omitempty"`
	// Wrong are the settings that do not fit, Settings those that are configured, secrets masked.
	Wrong    []wrongSetting `json:"wrongSettings,omitempty"`
	Settings map[string]any `json:"settings,omitempty"`

	Provides manifest.Provides `json:"provides"`
	PID      int               `json:"pid,omitempty"`
	Sandbox  *sandbox.Report   `json:"sandbox,omitempty"`
	// Reached is the sandbox in a word.
	Reached   string                `json:"sandboxReached,omitempty"`
	LastLines []string              `json:"lastLines,omitempty"` // of standard error
	Providers []caps.ProviderStatus `json:"providers,omitempty"`
	Relay     *relay.Stats          `json:"relay,omitempty"`
	Build     *Build                `json:"build,omitempty"` // under development
}

// Remark tells of another version that is starting, did not become ready, or may not run, while one goes on.
func (v View) Remark() string {
	switch {
	case v.Next != nil:
		return "Version " + v.Next.Version + " is starting."
	case v.Refusal != nil && v.State != v.Refusal.State:
		return "What is configured now is " + string(v.Refusal.State) + ": " + v.Refusal.Reason
	case v.Rollback != nil:
		return "Version " + v.Rollback.Version + " did not become ready: " + v.Rollback.Reason
	default:
		return ""
	}
}

// Plugins is what there is, in the order of ids.
func (h *Host) Plugins() []View {
	views := []View{}
	for _, p := range h.all() {
		views = append(views, p.view())
	}
	return views
}

func (p *plugin) view() View {
	f, e := p.facts.Load(), p.entry()
	v := View{ID: p.id, Source: e.Source, Development: e.Development, Snapshot: p.supervisor.Snapshot(), Needs: []string{}, Build: p.building()}
	if v.Crash != nil {
		v.LastLines = v.Crash.Lines
	}
	if live, err := p.supervisor.Current(); err == nil {
		i := live.(*instance) //nolint:forcetypeassert // start makes no others
		report := i.process.Report()
		v.Sandbox, v.Reached, v.PID, v.LastLines = &report, report.Reached(), i.process.PID(), i.LastLines()
	}
	if f == nil || f.verified == nil {
		return v
	}
	if m := f.manifest(); m != nil {
		v.Title, v.Description, v.License, v.Provides = m.Title, m.Description, m.License, m.Provides
		v.Needs = append(v.Needs, m.Needs.Beyond(manifest.Needs{})...)
		v.Needs = append(v.Needs, m.BeyondHTTP(manifest.HTTP{})...)
		if v.Version == "" {
			v.Version = m.Version
		}
	}
	v.Level, v.Signer, v.Hash, v.Asks, v.Wrong = string(f.verified.Level), string(f.verified.Signer), string(f.verified.Hash), f.verified.Asks, f.wrong
	if f.schema != nil && f.entry.Values != nil {
		v.Settings = f.schema.masked(f.entry.Values)
	}
	p.admitting.Lock()
	defer p.admitting.Unlock()
	for _, provider := range p.mounted.providers {
		v.Providers = append(v.Providers, provider.Status())
	}
	if p.mounted.relay != nil {
		stats := p.mounted.relay.Stats()
		v.Relay = &stats
	}
	return v
}
