package pluginhost

import (
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Build is how the last build of a plugin under development went.
type Build struct {
	At      time.Time     `json:"at"`
	Running bool          `json:"running"`
	Took    time.Duration `json:"took,omitempty"`
	// Output is what the compiler said; "" after a success.
	Output string `json:"output,omitempty"`
	Failed bool   `json:"failed"`
}

// SetBuild shows how a build goes. It is for who builds plugins while the host runs.
func (h *Host) SetBuild(id manifest.ID, b Build) {
	p, err := h.plugin(id)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.build = b
	p.mu.Unlock()
	h.feed.publish(Event{Plugin: id, Kind: EventBuild, State: p.supervisor.Snapshot().State})
}

func (p *plugin) building() *Build {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.build.At.IsZero() {
		return nil
	}
	b := p.build
	return &b
}
