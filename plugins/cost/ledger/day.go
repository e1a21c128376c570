package ledger

import (
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Day is a day of UTC, counted from 1970-01-01.
type Day int32

const (
	dayForm    = "2006-01-02"
	periodForm = "2006-01"
)

// Days are kept within years that a bill can be of.
const (
	firstDay Day = 0      // 1970-01-01
	lastDay  Day = 84_005 // 2199-12-31
)

// DayOf is the day of UTC on which t lies.
func DayOf(t time.Time) Day {
	seconds := t.Unix()
	day := seconds / 86_400
	if seconds%86_400 < 0 {
		day--
	}
	return Day(min(max(day, -1<<31), 1<<31-1))
}

// Date is the day of a date, which is normalised as [time.Date] does.
func Date(year int, month time.Month, day int) Day {
	return DayOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// ParseDay reads "2026-11-22".
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayForm, s)
	if err != nil {
		return 0, apierror.Inputf("%q is no day such as 2026-11-22", excerpt.Short(s))
	}
	d := DayOf(t)
	if !d.Valid() {
		return 0, apierror.Inputf("%s lies before 1970 or after 2199", s)
	}
	return d, nil
}

// Valid reports whether charges can be of the day: it lies in the years 1970 to 2199.
func (d Day) Valid() bool { return d >= firstDay && d <= lastDay }

// Time is the day's beginning.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86_400, 0).UTC() }

// Period is the month that the day lies in.
func (d Day) Period() Period { return Period(d.Time().Format(periodForm)) }

// String is "2026-11-22".
func (d Day) String() string { return d.Time().Format(dayForm) }

// MarshalText writes "2026-11-22".
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Day) UnmarshalText(b []byte) error {
	parsed, err := ParseDay(string(b))
	if err == nil {
		*d = parsed
	}
	return err
}

// Period is a billing month: "2026-11".
type Period string

// ParsePeriod reads "2026-11".
func ParsePeriod(s string) (Period, error) {
	t, err := time.Parse(periodForm, s)
	if err != nil || !DayOf(t).Valid() {
		return "", apierror.Inputf("%q is no billing period such as 2026-11", excerpt.Short(s))
	}
	return Period(s), nil
}

// First is the first day of the period, and Next the first day after it. Both are 0 for a text that is no period.
func (p Period) First() Day { return p.day(0) }

// Next is the first day after the period.
func (p Period) Next() Day { return p.day(1) }

func (p Period) day(months int) Day {
	t, err := time.Parse(periodForm, string(p))
	if err != nil {
		return 0
	}
	return DayOf(t.AddDate(0, months, 0))
}
