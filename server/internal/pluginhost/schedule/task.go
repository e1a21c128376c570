package schedule

import (
	"fmt"
	"regexp"
	"time"

	"github.com/adhocore/gronx"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Task is work that a plugin wants done again and again: either Interval after the end of the last run, or by Cron, five
// fields in UTC.
type Task struct {
	ID       string
	Interval time.Duration
	Cron     string
	// Timeout is when a run is given up; 0 = [DefaultTimeout].
	Timeout time.Duration
	// InitialDelay is how long after the first time that any host hears of the task it runs first; with Cron, not before
	// that time.
	InitialDelay time.Duration
}

// What tasks may ask for.
const (
	DefaultTimeout   = 10 * time.Minute
	shortestInterval = time.Second
	longestTimeout   = 24 * time.Hour
	longestDelay     = 7 * 24 * time.Hour
	longestInterval  = 366 * 24 * time.Hour
)

var taskID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$`)

// cronForm is the part of cron that every cron knows. The library reads more, and some of that makes it loop for ever.
var cronForm = func() *regexp.Regexp {
	const (
		value = `([0-9]{1,2}|[A-Za-z]{3})`
		item  = `(\*|` + value + `(-` + value + `)?)(/[1-9][0-9]?)?`
		field = item + `(,` + item + `)*`
	)
	return regexp.MustCompile(`^` + field + `( +` + field + `){4}$`)
}()

// check says what is wrong with a task of plugin.
func (t Task) check(plugin manifest.ID) error {
	problem := func(rule string, args ...any) error {
		return fmt.Errorf("plugin %s, task %q: "+rule, append([]any{plugin, t.ID}, args...)...)
	}
	switch {
	case !taskID.MatchString(t.ID):
		return problem("the id must be 1 to 100 letters, digits and ._:/-, beginning with a letter or digit")
	case (t.Interval == 0) == (t.Cron == ""):
		return problem("exactly one of interval and cron must be set")
	case t.Interval != 0 && (t.Interval < shortestInterval || t.Interval > longestInterval):
		return problem("the interval must be %s to %s", shortestInterval, longestInterval)
	case t.Timeout < 0 || t.Timeout > longestTimeout:
		return problem("the timeout must be at most %s", longestTimeout)
	case t.InitialDelay < 0 || t.InitialDelay > longestDelay:
		return problem("the initial delay must be at most %s", longestDelay)
	}
	if t.Cron == "" {
		return nil
	}
	if !cronForm.MatchString(t.Cron) || len(t.Cron) > 200 || !gronx.IsValid(t.Cron) {
		return problem("%q is no cron expression of five fields", t.Cron)
	}
	if _, err := gronx.NextTickAfter(t.Cron, time.Unix(0, 0).UTC(), false); err != nil {
		return problem("%q never comes", t.Cron)
	}
	return nil
}

// after is when the task is due next, given that it ended, or was first heard of, at from.
func (t Task) after(from time.Time) (time.Time, error) {
	if t.Cron == "" {
		return from.Add(t.Interval), nil
	}
	next, err := gronx.NextTickAfter(t.Cron, from.UTC(), false)
	if err != nil {
		return from, fmt.Errorf("task %q: next time of %q: %w", t.ID, t.Cron, err)
	}
	return next, nil
}

// first is when a task that no host has run yet is due: at once, or by its clock.
func (t Task) first(now time.Time) (time.Time, error) {
	begin := now.Add(t.InitialDelay)
	if t.Cron == "" {
		return begin, nil
	}
	return t.after(begin)
}

// rhythm is what the next time depends on.
func (t Task) rhythm() string {
	if t.Cron != "" {
		return t.Cron
	}
	return t.Interval.String()
}

func (t Task) timeout() time.Duration {
	if t.Timeout == 0 {
		return DefaultTimeout
	}
	return t.Timeout
}

// State is what is known of a task, on all hosts.
type State struct {
	ID      string
	Running bool
	// LastStarted and LastEnded are zero for a task that never ran.
	LastStarted, LastEnded time.Time
	// LastError is "" when the last run ended well.
	LastError string
	NextStart time.Time
}
