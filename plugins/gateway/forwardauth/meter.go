package forwardauth

import (
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

// meterID says what a meter counts: the requests of an application to an API, or of one of its keys.
type meterID struct {
	app driver.AppID
	api driver.APIID
	key driver.KeyID // "" = all of the application's
}

// meter counts the requests that were let in. It outlives changes of the record and of the plan.
type meter struct {
	id meterID

	mu      sync.Mutex
	tallies [windows]tally
}

// tally is the count of one window. The zero value is one that is over.
type tally struct {
	start, end int64 // nanoseconds since 1970
	known      int64 // what all hosts had counted when the store was read last
	unflushed  int64 // what this host has counted and not added to the store
}

// roll begins a new window when the last one is over. A clock that goes back stays in the window.
func (t *tally) roll(w Window, now time.Time) {
	if now.UnixNano() < t.end {
		return
	}
	start, end := w.around(now)
	*t = tally{start: start.UnixNano(), end: end.UnixNano()}
}

func (t *tally) used() int64 { return t.known + t.unflushed }

// reading is the count of the present window, and its end.
func (m *meter) reading(w Window, now time.Time) (used int64, ends time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &m.tallies[w]
	t.roll(w, now)
	return t.used(), time.Unix(0, t.end).UTC()
}

// standing is how a request stands with the limits of its plan: with the one that it breaks, or else with the one that
// leaves the least.
type standing struct {
	limited   bool // there is a limit
	broken    bool
	limit     int64
	remaining int64
	resets    time.Time
}

// admit counts a request with all limits of a plan, unless it breaks one: then it counts nowhere. ofKey may be nil where no
// limit is per key. The locks are taken in this order everywhere.
func admit(p *Plan, ofApp, ofKey *meter, now time.Time) standing {
	if len(p.Limits) == 0 {
		return standing{}
	}
	ofApp.mu.Lock()
	defer ofApp.mu.Unlock()
	if ofKey != nil {
		ofKey.mu.Lock()
		defer ofKey.mu.Unlock()
	}
	s := standing{limited: true, remaining: -1}
	for _, l := range p.Limits {
		t := tallyOf(l, ofApp, ofKey)
		t.roll(l.Window, now)
		left := l.Requests - t.used() - 1
		if left < 0 {
			// Of several broken limits the one that ends last is the one to wait for.
			if resets := time.Unix(0, t.end); !s.broken || resets.After(s.resets) {
				s = standing{true, true, l.Requests, 0, resets}
			}
		} else if !s.broken && (s.remaining < 0 || left < s.remaining) {
			s = standing{true, false, l.Requests, left, time.Unix(0, t.end)}
		}
	}
	if s.broken {
		return s
	}
	for _, l := range p.Limits {
		tallyOf(l, ofApp, ofKey).unflushed++
	}
	return s
}

func tallyOf(l Limit, ofApp, ofKey *meter) *tally {
	if l.PerKey {
		return &ofKey.tallies[l.Window]
	}
	return &ofApp.tallies[l.Window]
}

// meters are all meters of a gateway.
type meters struct {
	mu  sync.Mutex
	all map[meterID]*meter

	// keeping is held while counts are exchanged with the store: what is added must not be read back before it is taken off.
	keeping sync.Mutex
}

func (ms *meters) of(id meterID) *meter {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.all[id]
	if m == nil {
		if ms.all == nil {
			ms.all = map[meterID]*meter{}
		}
		m = &meter{id: id}
		ms.all[id] = m
	}
	return m
}

// prune forgets meters that nothing counts with and whose windows are over.
func (ms *meters) prune(used map[*meter]bool, now time.Time) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for id, m := range ms.all {
		if !used[m] && m.over(now) {
			delete(ms.all, id)
		}
	}
}

func (m *meter) over(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := range m.tallies {
		if now.UnixNano() < m.tallies[n].end {
			return false
		}
	}
	return true
}
