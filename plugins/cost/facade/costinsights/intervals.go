package costinsights

import (
	"regexp"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// intervals are days in periods of the same length, one after the other. The last ends with to, which is not of it.
type intervals struct {
	from, to ledger.Day
	// previous is where the last but one period begins, last where the last one does.
	previous, last ledger.Day
}

var form = regexp.MustCompile(`^R(\d{1,2})/P(\d{1,3})([DWMY])/(\d{4}-\d{2}-\d{2})$`)

// mostDays bounds what is answered; the frontend asks for two periods of 90 days or three months.
const mostDays = 2 * 366

// parseIntervals reads a repeating interval of ISO 8601 that names its end, "R2/P30D/2026-11-22": two periods of 30 days, of
// which the second ends with that day.
func parseIntervals(text string) (intervals, error) {
	m := form.FindStringSubmatch(text)
	if m == nil {
		return intervals{}, apierror.Inputf("intervals: %q must be repeating intervals of ISO 8601 with their end, such as R2/P30D/2026-11-22", excerpt.Short(text))
	}
	end, err := ledger.ParseDay(m[4])
	if err != nil {
		return intervals{}, apierror.Inputf("intervals: %s is no day", m[4])
	}
	repeats, _ := strconv.Atoi(m[1])
	length, _ := strconv.Atoi(m[2])
	if repeats < 1 || length < 1 {
		return intervals{}, apierror.Inputf("intervals: %q has no period", text)
	}
	i := intervals{to: end + 1}
	i.last = before(i.to, length, m[3])
	i.previous = before(i.to, 2*length, m[3])
	i.from = before(i.to, repeats*length, m[3])
	if repeats == 1 { // there is nothing to compare with
		i.previous = i.last
	}
	if i.to-i.from > mostDays || !i.from.Valid() {
		return intervals{}, apierror.Inputf("intervals: %q is more than %d days", text, mostDays)
	}
	return i, nil
}

// before is so many units before a day. Of months that are too short for it, it is the last day.
func before(d ledger.Day, n int, unit string) ledger.Day {
	t := d.Time()
	switch unit {
	case "W":
		return d - ledger.Day(7*n)
	case "M":
		return months(t, -n)
	case "Y":
		return months(t, -12*n)
	}
	return d - ledger.Day(n)
}

func months(t time.Time, n int) ledger.Day {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	length := first.AddDate(0, 1, -1).Day()
	return ledger.DayOf(first.AddDate(0, 0, min(t.Day(), length)-1))
}
