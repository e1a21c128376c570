package forwardauth

import (
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Window is the time that a limit is for. Windows follow the calendar in UTC, as people expect of "per day".
type Window int

// The windows, the shortest first.
const (
	Second Window = iota
	Minute
	Hour
	Day
	Month
)

const windows = int(Month) + 1

var windowNames = [windows]string{"second", "minute", "hour", "day", "month"}

// String implements [fmt.Stringer].
func (w Window) String() string {
	if w < 0 || int(w) >= windows {
		return "unknown"
	}
	return windowNames[w]
}

// ParseWindow reads the name of a window.
func ParseWindow(name string) (Window, error) {
	for w, n := range windowNames {
		if n == name {
			return Window(w), nil
		}
	}
	return 0, apierror.Inputf("window: %q is none of second, minute, hour, day and month", name)
}

// Length is how long it lasts; a month counts as 30 days, as package driver has it.
func (w Window) Length() time.Duration {
	return [windows]time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour}[w]
}

// around is the window that a moment lies in.
func (w Window) around(t time.Time) (start, end time.Time) {
	t = t.UTC()
	if w == Month {
		start = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		return start, start.AddDate(0, 1, 0)
	}
	start = t.Truncate(w.Length())
	return start, start.Add(w.Length())
}

// shared reports whether hosts tell each other what they counted: shorter windows are over before it would arrive.
func (w Window) shared() bool { return w >= Minute }
