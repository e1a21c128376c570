package supervise

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// begin starts what o asks for: by new settings for the live instance where they are all that differs, else by a new
// instance.
func (m *machine) begin(o *order) {
	m.calm()
	ctx, cancel := context.WithTimeout(m.base, m.policy.StartTimeout)
	o.began, o.cancel = time.Now(), cancel
	m.attempt = o
	if live := m.current; live != nil && !o.fresh && live.release.Code == o.release.Code && o.release.Configure != nil {
		m.spawn(func() func() {
			defer cancel()
			err := o.release.Configure(ctx, live.instance)
			return func() { m.configured(o, live, err) }
		})
		return
	}
	m.spawn(func() func() {
		defer cancel()
		instance, err := o.release.Start(ctx)
		return func() { m.started(o, instance, err) }
	})
}

// configured ends an attempt by new settings. An instance that does not take them may still be replaced by one that is
// started with them.
func (m *machine) configured(o *order, live *serving, err error) {
	m.attempt = nil
	if err == nil {
		live.settings = o.release.Settings
	} else {
		live.settings = unknownSettings
	}
	switch {
	case o.dropped != nil:
		m.resolve(o, o.dropped)
	case err == nil && m.current == live:
		live.release, m.wanted = o.release, &o.release
		m.resolve(o, nil)
		m.probe()
	default:
		o.fresh = true
		m.begin(o)
	}
}

// unknownSettings equals no settings: what an instance made of a failed or abandoned configuration is its own secret.
const unknownSettings = "\x00"

// started ends an attempt by a new instance: it becomes the current one, or is the last thing heard of it.
func (m *machine) started(o *order, instance Instance, err error) {
	m.attempt = nil
	if err == nil && o.dropped == nil && gone(instance) {
		err = &startError{reason: "ended right after its start: " + instance.ExitReason(), lines: instance.LastLines()}
	}
	switch {
	case o.dropped != nil || err != nil:
		if instance != nil {
			m.remove(instance)
		}
		if o.dropped != nil {
			m.resolve(o, o.dropped)
			return
		}
		m.notReady(o, err)
	default:
		m.promote(o, instance)
	}
}

// notReady keeps the older release if there is one, even if its instance has died meanwhile; else the start counts as a
// crash.
func (m *machine) notReady(o *order, err error) {
	var lines []string
	if told, ok := errors.AsType[interface {
		error
		StderrLines() []string
	}](err); ok {
		lines = told.StderrLines()
	}
	if m.current != nil || m.wanted != nil && !m.wanted.same(o.release) {
		m.rollback = &Rollback{Version: o.release.Version, At: time.Now(), Reason: err.Error(), Lines: lines}
	} else {
		m.count(err.Error(), lines, 0)
	}
	m.schedule()
	m.resolve(o, err)
}

// startError is the end of a process between its start and its service.
type startError struct {
	reason string
	lines  []string
}

func (e *startError) Error() string         { return e.reason }
func (e *startError) StderrLines() []string { return e.lines }

func gone(i Instance) bool {
	select {
	case <-i.Exited():
		return true
	default:
		return false
	}
}

// promote moves the pointer. Requests that hold the old instance keep it; those that come later get the new one.
func (m *machine) promote(o *order, instance Instance) {
	old := m.current
	m.current = &serving{instance: instance, release: o.release, settings: o.release.Settings, since: time.Now(), gate: newGate()}
	m.serving.Store(m.current)
	m.wanted = &o.release
	if old != nil {
		m.drain(old, m.policy.Grace)
	}
	m.resolve(o, nil)
	m.probe()
}

// retire takes the current instance out of service, if there is one.
func (m *machine) retire(grace time.Duration) {
	if old := m.current; old != nil {
		m.current = nil
		m.serving.Store(nil)
		m.drain(old, grace)
	}
}

// drain lets an instance that is not current any more finish, then stops it. It is not asked to finish what an operator
// may see it doing: both the plugin's own word and the last lease are waited for.
func (m *machine) drain(old *serving, grace time.Duration) {
	old.gate.close()
	m.draining++
	m.spawn(func() func() {
		ctx, cancel := context.WithTimeout(m.base, grace)
		defer cancel()
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			_ = old.instance.Drain(ctx) // who cannot drain is only waited for
		}()
		for _, finished := range []<-chan struct{}{old.gate.idle, drained} {
			select {
			case <-finished:
			case <-old.instance.Exited():
				cancel()
			case <-ctx.Done():
			}
		}
		cancel()
		<-drained
		old.instance.Stop(false)
		return func() { m.draining-- }
	})
}

// remove ends what is dead, hung or not wanted.
func (m *machine) remove(instance Instance) {
	m.cleaning++
	m.spawn(func() func() {
		instance.Stop(true)
		return func() {
			m.cleaning--
			m.schedule()
		}
	})
}

// died is the end of the current instance that nobody asked for.
func (m *machine) died(reason string) {
	dead := m.current
	m.current = nil
	m.serving.Store(nil)
	dead.gate.close()
	m.count(reason, dead.instance.LastLines(), time.Since(dead.since))
	m.remove(dead.instance)
}

func (m *machine) count(reason string, lines []string, served time.Duration) {
	now := time.Now()
	m.crash = &Crash{At: now, Reason: reason, Lines: lines}
	m.failed = m.crashes.add(m.policy, now, served)
}

// schedule plans the next start after a crash, unless something else is on its way or it died too often.
func (m *machine) schedule() {
	if m.current != nil || m.attempt != nil || m.queued != nil || m.cleaning > 0 || m.failed || m.stopped || m.ending ||
		m.wanted == nil || m.crash == nil || !m.retryAt.IsZero() {
		return
	}
	pause := m.crashes.pause(m.policy, m.chance())
	m.retryAt = time.Now().Add(pause)
	m.retry.Reset(pause)
}

// probe asks the current instance. One probe a period: a miss that took the whole period is followed at once.
func (m *machine) probe() {
	asked := m.current
	if asked == nil {
		return
	}
	m.probing.Stop()
	m.spawn(func() func() {
		began := time.Now()
		ctx, cancel := context.WithTimeout(m.base, m.policy.Probe)
		defer cancel()
		health, err := asked.instance.Probe(ctx)
		return func() { m.probed(asked, health, err, max(m.policy.Probe-time.Since(began), time.Millisecond)) }
	})
}

func (m *machine) probed(asked *serving, health Health, err error, next time.Duration) {
	if asked != m.current {
		return
	}
	m.probing.Reset(next)
	if err == nil {
		asked.misses, asked.health = 0, health
		return
	}
	if asked.misses++; asked.misses < m.policy.Misses {
		return
	}
	m.probing.Stop()
	reason := fmt.Sprintf("did not answer %d probes in a row: %v", asked.misses, err)
	if gone(asked.instance) {
		reason = asked.instance.ExitReason()
	}
	m.died(reason)
}
