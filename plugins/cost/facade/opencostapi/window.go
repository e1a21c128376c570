package opencostapi

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// longest bounds windows.
const longest = 366

var duration = regexp.MustCompile(`^(\d{1,5})([mhdw])$`)

// windowOf reads a window as OpenCost does: a word, a duration that ends now, or two times. Charges are kept by day (UTC), so
// a window is the days that lie in it at least in part; a duration of days is the days that are over and today, 6d for a week.
func windowOf(text string, now time.Time) (from, to ledger.Day, err error) {
	today := ledger.DayOf(now)
	if from, to, ok := word(text, now); ok {
		return from, to, nil
	}
	switch begin, end, pair := strings.Cut(text, ","); {
	case text == "":
		return 0, 0, apierror.Inputf("window: it is missing; there are today, yesterday, week, month, lastweek, lastmonth, 6d, and pairs of times")
	case pair:
		from, to, err = between(begin, end)
	default:
		m := duration.FindStringSubmatch(text)
		if m == nil {
			return 0, 0, apierror.Inputf("window: %q is neither a word such as lastweek, nor a duration such as 6d, nor a pair of times", excerpt.Short(text))
		}
		n, _ := strconv.Atoi(m[1])
		days := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
		from, to = ledger.DayOf(now.Add(-time.Duration(n)*days)), today+1
	}
	switch {
	case err != nil:
		return 0, 0, err
	case !from.Valid() || !(to - 1).Valid() || to <= from:
		return 0, 0, apierror.Inputf("window: %q has no days", excerpt.Short(text))
	case to-from > longest:
		return 0, 0, apierror.Inputf("window: %q has more than %d days", excerpt.Short(text), longest)
	}
	return from, to, nil
}

// word reads a window that has a name. Weeks begin on Sundays, as OpenCost's do.
func word(text string, now time.Time) (from, to ledger.Day, ok bool) {
	today := ledger.DayOf(now)
	week, month := today-ledger.Day(now.UTC().Weekday()), today.Period()
	switch text {
	case "today":
		return today, today + 1, true
	case "yesterday":
		return today - 1, today, true
	case "week":
		return week, today + 1, true
	case "lastweek":
		return week - 7, week, true
	case "month":
		return month.First(), today + 1, true
	case "lastmonth":
		return (month.First() - 1).Period().First(), month.First(), true
	}
	return 0, 0, false
}

// between reads a pair of times: of RFC 3339, of seconds since 1970, or days. The second is not of the window.
func between(begin, end string) (from, to ledger.Day, err error) {
	first, err := timeOf(begin)
	if err != nil {
		return 0, 0, err
	}
	last, err := timeOf(end)
	if err != nil {
		return 0, 0, err
	}
	from, to = ledger.DayOf(first), ledger.DayOf(last)
	if !last.Equal(to.Time()) { // a part of the last day
		to++
	}
	return from, to, nil
}

func timeOf(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+")); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	if s, err := strconv.ParseInt(text, 10, 64); err == nil && s >= 0 && s < 7_258_118_400 {
		return time.Unix(s, 0), nil
	}
	return time.Time{}, apierror.Inputf("window: %q is no time such as 2026-11-22T00:00:00Z", excerpt.Short(text))
}
