package supervise

import (
	"fmt"
	"time"
)

// State is where a plugin is in its life.
type State string

// The states. The first group is decided by whoever hands over releases ([Supervisor.Refuse]), the second by the
// supervisor.
const (
	Discovered    State = "discovered"     // found, not looked at yet
	Verified      State = "verified"       // good to start, nothing was asked yet
	Broken        State = "broken"         // its manifest or its files are wrong
	Rejected      State = "rejected"       // signature, hash, platform or version do not allow it here
	NeedsApproval State = "needs-approval" // it asks for more than was approved
	NeedsConfig   State = "needs-config"   // its settings do not fit their schema

	Starting State = "starting"
	Ready    State = "ready"
	Degraded State = "degraded" // it serves, and says that something it needs does not
	Crashed  State = "crashed"  // it died and is being cleaned up
	Backoff  State = "backoff"  // it died and is started again at Snapshot.Retry
	Failed   State = "failed"   // it died too often; a new version, new settings or an operator start it again
	Draining State = "draining" // it was stopped and finishes what runs
	Stopped  State = "stopped"
)

// Serves reports whether a plugin in this state answers requests.
func (s State) Serves() bool { return s == Ready || s == Degraded }

// Passing reports whether a plugin in this state serves, or will by itself.
func (s State) Passing() bool {
	switch s {
	case Discovered, Verified, Starting, Ready, Degraded, Crashed, Backoff:
		return true
	default:
		return false
	}
}

// transient are the states that a request may wait in: an instance is on its way.
func (s State) transient() bool { return s == Starting || s.Serves() }

// Snapshot is what is known about a plugin at one moment. It is a value: nobody changes it.
type Snapshot struct {
	State  State     `json:"state"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"` // why it is not simply ready, in one sentence
	// Version is of what serves, else of what should.
	Version string `json:"version,omitempty"`
	// Next is a start in progress while another instance serves.
	Next *Next `json:"next,omitempty"`
	// Rollback tells of the last release that did not become ready while an older one went on; nil after a success.
	Rollback *Rollback `json:"rollback,omitempty"`
	// Refusal tells why what should run now may not, while an older release goes on or nothing runs.
	Refusal *Refusal `json:"refusal,omitempty"`
	// Crash is the last one; nil when there was none since the last release or restart.
	Crash    *Crash    `json:"crash,omitempty"`
	Crashes  int       `json:"crashes"`          // within the window that leads to failed
	Restarts int       `json:"restarts"`         // after a crash, since the host began
	Retry    time.Time `json:"retry,omitzero"`   // in backoff: when it is started again
	Health   Health    `json:"health"`           // of the last probe
	InFlight int       `json:"inFlight"`         // requests and calls that the current instance serves
	Draining int       `json:"draining"`         // old instances that finish what runs
	Serving  time.Time `json:"serving,omitzero"` // since when the current instance serves
}

// Next is a release on its way.
type Next struct {
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
}

// Rollback is a release that did not become ready.
type Rollback struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
	Lines   []string  `json:"lines,omitempty"` // the last of its standard error
}

// Refusal is a release that was not even started.
type Refusal struct {
	State  State  `json:"state"`
	Reason string `json:"reason"`
	// Stop also ends what runs: it is not trusted, or not wanted, any more.
	Stop bool `json:"stop,omitempty"`
}

// Crash is the end of an instance that nobody asked for, or a start that led to nothing.
type Crash struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Lines  []string  `json:"lines,omitempty"` // the last of its standard error
}

// Health is what an instance says of itself.
type Health struct {
	Degraded bool     `json:"degraded"`
	Notes    []string `json:"notes,omitempty"`  // for people
	Memory   int64    `json:"memory,omitempty"` // resident bytes, 0 = unknown
}

// Unavailable is the error of a plugin that cannot serve now.
type Unavailable struct {
	Plugin string
	State  State
	Reason string
	// RetryAfter is when asking again makes sense; 0 = not before somebody did something.
	RetryAfter time.Duration
}

func (u *Unavailable) Error() string {
	text := fmt.Sprintf("plugin %s is not available: %s", u.Plugin, u.State)
	if u.Reason != "" {
		text += ", " + u.Reason
	}
	return text
}
