package awsgateway

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/plugins/gateway/rest"
	"github.com/callboard/callboard/sdk/apierror"
)

const day = 24 * time.Hour

// limit is what a quota lets through; a nil one lets through everything.
func (q *quotaSetting) limit() (driver.Limit, bool) {
	windows := map[string]time.Duration{"DAY": day, "WEEK": 7 * day, "MONTH": 30 * day}
	if q == nil || q.Limit <= 0 || windows[q.Period] == 0 {
		return driver.Limit{}, false
	}
	return driver.Limit{Requests: q.Limit, Window: windows[q.Period]}, true
}

// period is the one around a point in time. Weeks begin on Sunday and months on the first, each later by the offset in days.
func (q *quotaSetting) period(now time.Time) (begin, end time.Time) {
	now = now.UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	switch q.Period {
	case "WEEK":
		begin = today.AddDate(0, 0, -((int(today.Weekday())-q.Offset)%7+7)%7)
		return begin, begin.AddDate(0, 0, 7)
	case "MONTH":
		first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		begin = first.AddDate(0, 0, q.Offset)
		if today.Before(begin) {
			begin = first.AddDate(0, -1, q.Offset)
			return begin, first.AddDate(0, 0, q.Offset)
		}
		return begin, first.AddDate(0, 1, q.Offset)
	}
	return today, today.AddDate(0, 0, 1)
}

// usage is what keys used of a plan: by key, a pair for each day of what it used and what was left in the evening. AWS says
// that keys are told by their values, and shows them by their ids.
type usage struct {
	Values map[string][][]int64 `json:"values"`
}

// of are the days of a key that was asked for alone.
func (u usage) of(k apiKey) [][]int64 {
	days, told := u.Values[k.ID]
	if !told && len(u.Values) == 1 {
		for _, only := range u.Values {
			return only
		}
	}
	return days
}

// Quota implements [driver.Driver]. Each key has a quota of its own: it is that of the key that has the least left. AWS counts
// with a delay of some minutes.
func (d *Driver) Quota(ctx context.Context, app driver.AppID, api driver.APIID) (driver.Quota, error) {
	a, err := d.application(ctx, app)
	if err != nil {
		return driver.Quota{}, err
	}
	plan, granted := a.granted()[api]
	if !granted {
		return driver.Quota{}, apierror.NotFoundf("%s: application %s has no plan for %s", d.options.Name, app, api)
	}
	p, err := d.usagePlan(ctx, plan)
	if err != nil {
		return driver.Quota{}, err
	}
	limit, limited := p.Quota.limit()
	if !limited {
		return driver.Quota{}, apierror.NotFoundf("%s: usage plan %s has no quota", d.options.Name, plan)
	}
	begin, end := p.Quota.period(d.options.Now())
	least := driver.Quota{Limit: limit, Remaining: limit.Requests, Resets: end}
	for _, k := range a.own {
		if n, _ := k.named(); n.api != api && n.api != "" {
			continue
		}
		used, left, err := d.used(ctx, plan, k, begin, limit)
		if err != nil {
			return driver.Quota{}, err
		}
		if left < least.Remaining || left == least.Remaining && used > least.Used {
			least.Used, least.Remaining = used, left
		}
	}
	return least, nil
}

// used is what a key has used since the begin of a period, and what is left of it.
func (d *Driver) used(ctx context.Context, plan driver.PlanID, k apiKey, begin time.Time, limit driver.Limit) (used, left int64, err error) {
	var u usage
	err = d.call(ctx, rest.Request{Method: http.MethodGet, Path: rest.Path("usageplans", string(plan), "usage"), Query: url.Values{
		"keyId": {k.ID}, "startDate": {begin.Format(time.DateOnly)}, "endDate": {d.options.Now().UTC().Format(time.DateOnly)}, "limit": {"500"},
	}}, &u)
	if missing(err) { // the key is in no plan
		return 0, limit.Requests, nil
	}
	left = limit.Requests
	for _, pair := range u.of(k) {
		if len(pair) == 2 {
			used += max(pair[0], 0)
			left = pair[1]
		}
	}
	return used, min(max(left, 0), limit.Requests), err
}
