package infrawallet

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// span is the days that a request is about, to exclusive, and how they are summed.
type span struct {
	from, to ledger.Day
	by       ledger.Granularity
}

// longest bounds spans; the frontend asks for three months, a year at most.
const longest = 5 * 366

// spanOf reads startTime and endTime, which are milliseconds since 1970, the end included.
//
// Frontends send where a day begins and ends at the viewer's place. Days of bills are of UTC: a time that can be a midnight
// stands for the nearest midnight of UTC, so that October of somebody in Berlin is not reported with a day of September.
func spanOf(q url.Values) (span, error) {
	start, err := milliseconds(q, "startTime")
	if err != nil {
		return span{}, err
	}
	end, err := milliseconds(q, "endTime")
	if err != nil {
		return span{}, err
	}
	s := span{from: ledger.DayOf(start), to: ledger.DayOf(end) + 1, by: ledger.Monthly}
	if midnight(start) {
		s.from = ledger.DayOf(start.Add(12 * time.Hour))
	}
	if next := end.Add(time.Millisecond); midnight(next) {
		s.to = ledger.DayOf(next.Add(12 * time.Hour))
	} else if midnight(end) {
		s.to = ledger.DayOf(end.Add(12 * time.Hour))
	}
	if strings.EqualFold(q.Get("granularity"), "daily") {
		s.by = ledger.Daily
	}
	switch {
	case !s.from.Valid() || !(s.to - 1).Valid():
		return s, apierror.Inputf("startTime, endTime: they must be milliseconds since 1970, not seconds")
	case s.to <= s.from:
		return s, apierror.Inputf("endTime: it lies before startTime")
	case s.to-s.from > longest:
		return s, apierror.Inputf("endTime: it lies more than %d days after startTime", longest)
	}
	return s, nil
}

func milliseconds(q url.Values, name string) (time.Time, error) {
	ms, err := strconv.ParseInt(q.Get(name), 10, 64)
	if err != nil || ms < 0 || ms > 7_258_118_400_000 { // the year 2200
		return time.Time{}, apierror.Inputf("%s: %q must be milliseconds since 1970", name, excerpt.Short(q.Get(name)))
	}
	return time.UnixMilli(ms).UTC(), nil
}

// midnight reports whether it can be midnight somewhere: places differ from UTC by quarters of an hour.
func midnight(t time.Time) bool { return t.UnixMilli()%(15*60*1000) == 0 }

// period is the key of a point of a report.
func (s span) period(d ledger.Day) string {
	if s.by == ledger.Monthly {
		return string(d.Period())
	}
	return d.String()
}
