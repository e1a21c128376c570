package gatewayfake

import (
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
	year  = 365 * day
)

// Limiter counts requests in windows that begin where the calendar's do: a limit of 60 in a minute begins anew at each full
// one. A window of 30 days is a month, one of 365 days a year. It is safe for concurrent use.
type Limiter struct {
	mu   sync.Mutex
	used map[windowKey]int64
}

type windowKey struct {
	subject string
	window  time.Duration
	begin   int64
}

// State is one limit and what is left of it.
type State struct {
	driver.Limit

	Used, Remaining int64
	Resets          time.Time
}

// Take counts a request of a subject against all limits, unless one of them is used up.
func (l *Limiter) Take(now time.Time, subject string, limits ...driver.Limit) (states []State, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ok = true
	for _, limit := range limits {
		ok = ok && l.state(now, subject, limit).Remaining > 0
	}
	for _, limit := range limits {
		if ok {
			if l.used == nil {
				l.used = map[windowKey]int64{}
			}
			l.used[key(now, subject, limit)]++
		}
		states = append(states, l.state(now, subject, limit))
	}
	return states, ok
}

// Look is [Limiter.Take] without a request.
func (l *Limiter) Look(now time.Time, subject string, limit driver.Limit) State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state(now, subject, limit)
}

func (l *Limiter) state(now time.Time, subject string, limit driver.Limit) State {
	used := l.used[key(now, subject, limit)]
	_, end := window(now, limit.Window)
	return State{Limit: limit, Used: used, Remaining: max(limit.Requests-used, 0), Resets: end}
}

func key(now time.Time, subject string, limit driver.Limit) windowKey {
	begin, _ := window(now, limit.Window)
	return windowKey{subject, limit.Window, begin.Unix()}
}

// window is where the window around a point in time begins and ends.
func window(now time.Time, length time.Duration) (begin, end time.Time) {
	now = now.UTC()
	switch length {
	case month:
		begin = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(0, 1, 0)
	case year:
		begin = time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(1, 0, 0)
	}
	begin = now.Truncate(length)
	return begin, begin.Add(length)
}
