package supervise

import (
	"context"
	"time"
)

// Release is one thing that can run: code of one version with one set of settings.
type Release struct {
	Version string
	// Code and Settings identify what runs: a change of either is a new chance for a plugin that failed, and a change of
	// Settings alone is brought to a live instance where that is possible.
	Code, Settings string
	// Start starts an instance and returns when it is ready to serve; when ctx ends first it returns soon and leaves
	// nothing behind. It is called from a goroutine of the supervisor's, never twice at the same time. An error that has
	// a method StderrLines() []string brings the last lines of the process with it.
	Start func(ctx context.Context) (Instance, error)
	// Configure takes these settings into use on a live instance of the same Code; nil = start a new one for that.
	Configure func(ctx context.Context, live Instance) error
}

// same reports whether o is the same code with the same settings.
func (r Release) same(o Release) bool { return r.Code == o.Code && r.Settings == o.Settings }

// Instance is a running plugin. Its methods are called from goroutines of the supervisor's, several at the same time.
type Instance interface {
	// Probe asks whether it still answers. An error is a miss; three in a row and it is taken for hung.
	Probe(ctx context.Context) (Health, error)
	// Drain asks it to finish what runs and returns when that is done or when ctx ends. Requests may still arrive.
	Drain(ctx context.Context) error
	// Stop ends it, whatever state it is in, and releases everything it held. It is called exactly once, and returns
	// within a few seconds whatever the instance does. now = it is dead or hung already: no asking first.
	Stop(now bool)
	// Exited is closed when it has ended by itself or by Stop.
	Exited() <-chan struct{}
	// ExitReason and LastLines tell of an end, in one sentence and with the last lines of standard error.
	ExitReason() string
	LastLines() []string
}

// Policy are the times and limits of a supervisor; zero fields are replaced by the defaults named here.
type Policy struct {
	StartTimeout time.Duration // 30 s: for the whole start, handshake and configuration
	Probe        time.Duration // 5 s: between probes, and what each may take
	Misses       int           // 3 probes in a row without an answer = hung
	Hold         time.Duration // 2 s: how long a request waits for an instance that is on its way
	Grace        time.Duration // 30 s: what a drained instance may take to finish
	EndGrace     time.Duration // 5 s: the same at the end of the host
	BackoffBase  time.Duration // 250 ms, doubled by each crash
	BackoffCap   time.Duration // 60 s
	Stable       time.Duration // 10 min of service make the next crash the first one again
	CrashLimit   int           // 5 crashes …
	CrashWindow  time.Duration // … within 10 min = failed
	Drains       int           // 4: a further swap waits while that many old instances finish
}

func (p Policy) withDefaults() Policy {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	count := func(n *int, def int) {
		if *n == 0 {
			*n = def
		}
	}
	set(&p.StartTimeout, 30*time.Second)
	set(&p.Probe, 5*time.Second)
	count(&p.Misses, 3)
	set(&p.Hold, 2*time.Second)
	set(&p.Grace, 30*time.Second)
	set(&p.EndGrace, 5*time.Second)
	set(&p.BackoffBase, 250*time.Millisecond)
	set(&p.BackoffCap, time.Minute)
	set(&p.Stable, 10*time.Minute)
	count(&p.CrashLimit, 5)
	set(&p.CrashWindow, 10*time.Minute)
	count(&p.Drains, 4)
	return p
}

// crashes is the history that backoff and the crash-loop rule look at.
type crashes struct {
	recent []time.Time // within the window
	streak int         // since the last long service
}

// add notes a crash after an instance had served for served, and reports whether that was one too many.
func (c *crashes) add(p Policy, now time.Time, served time.Duration) (loop bool) {
	if served >= p.Stable {
		c.streak = 0
	}
	c.streak++
	c.recent = append(c.within(p, now), now)
	return len(c.recent) >= p.CrashLimit
}

func (c *crashes) within(p Policy, now time.Time) []time.Time {
	for i, at := range c.recent {
		if now.Sub(at) < p.CrashWindow {
			return c.recent[i:]
		}
	}
	return nil
}

// pause is how long to wait before the next start: base·2ⁿ up to the cap, ±20 % by chance in [0, 1).
func (c *crashes) pause(p Policy, chance float64) time.Duration {
	pause := p.BackoffCap
	if shift := c.streak - 1; shift < 30 {
		pause = min(p.BackoffBase<<shift, p.BackoffCap)
	}
	return time.Duration(float64(pause) * (0.8 + 0.4*chance))
}
