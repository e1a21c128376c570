package frame

import (
	"errors"
	"fmt"
	"math"

	"github.com/callboard/callboard/sdk/excerpt"
)

// Status is what a value means for people.
type Status string

// The statuses. Values of a status list are these words.
const (
	OK     Status = "ok"
	Warn   Status = "warn"
	Danger Status = "danger"
	Info   Status = "info"
)

// Known reports whether the host has a word and a colour for it.
func (s Status) Known() bool { return s == OK || s == Warn || s == Danger || s == Info }

// Threshold gives numbers from a value on a status, up to the next threshold.
type Threshold struct {
	From   float64 `json:"from"`
	Status Status  `json:"status"`
}

// MaxThresholds is how many a column may have.
const MaxThresholds = 10

// Missing is the name of a frame that lists what is not in the others: its first column names the sources that did not
// answer. The widget is shown with a note, as one that is not whole.
const Missing = "missing"

// From adds a threshold: numbers from value on have that status. Thresholds are added in order; below the first of them a
// number has no status.
func (c *Column) From(value float64, s Status) *Column {
	c.Thresholds = append(c.Thresholds, Threshold{value, s})
	return c
}

// StatusOf is the status of a value of the column, "" = none.
func (c *Column) StatusOf(value float64) Status {
	status := Status("")
	for _, t := range c.Thresholds {
		if value >= t.From {
			status = t.Status
		}
	}
	return status
}

// thresholds checks those of the column.
func (c *Column) thresholds() error {
	if len(c.Thresholds) == 0 {
		return nil
	}
	if c.Type != Number {
		return errors.New("thresholds are for numbers")
	}
	if len(c.Thresholds) > MaxThresholds {
		return fmt.Errorf("%d thresholds, at most %d are allowed", len(c.Thresholds), MaxThresholds)
	}
	for i, t := range c.Thresholds {
		switch {
		case math.IsNaN(t.From) || math.IsInf(t.From, 0):
			return fmt.Errorf("threshold %d is no number", i+1)
		case !t.Status.Known():
			return fmt.Errorf("threshold %d: %q is none of ok, warn, danger and info", i+1, excerpt.Short(string(t.Status)))
		case i > 0 && t.From <= c.Thresholds[i-1].From:
			return fmt.Errorf("threshold %d must be greater than the one before", i+1)
		}
	}
	return nil
}
