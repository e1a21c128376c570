package awsgateway

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/plugins/gateway/awsgateway/awsfake"
	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

func TestDriver_TellsAPIsAndPlans(t *testing.T) {
	r := start(t, nil)
	basic, gold := driver.PlanID(awsfake.Basic), driver.PlanID(awsfake.Gold)
	if diff := cmp.Diff([]driver.API{
		{ID: orders, Name: "orders (prod)", BaseURL: "https://api.example.com/a1b2c3d4e5/prod", Plans: []driver.PlanID{basic, gold}},
		{ID: "a1b2c3d4e5/test", Name: "orders (test)", BaseURL: "https://api.example.com/a1b2c3d4e5/test", Plans: []driver.PlanID{awsfake.Open}},
		{ID: "f6g7h8i9j0/prod", Name: "stock (prod)", BaseURL: "https://api.example.com/f6g7h8i9j0/prod", Plans: []driver.PlanID{gold}},
	}, collect(t, r.APIs(t.Context()))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]driver.Plan{
		{ID: basic, Name: "Basic", Description: "1000 requests a month", Limits: []driver.Limit{{Requests: 30, Window: time.Minute}, {Requests: 1000, Window: 30 * day}}},
		{ID: gold, Name: "Gold", Limits: []driver.Limit{{Requests: 100, Window: time.Second}, {Requests: 100000, Window: day}}},
		{ID: awsfake.Open, Name: "Open"},
	}, collect(t, r.Plans(t.Context()))); diff != "" {
		t.Error(diff)
	}
	own := start(t, func(o *Options) { o.GatewayURL = "" })
	for api, want := range map[driver.APIID]driver.Presentation{
		orders:            {URL: "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod", Header: "x-api-key"},
		"f6g7h8i9j0/prod": {URL: "https://f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com/prod"},
	} {
		if got, err := own.Credential(t.Context(), api); err != nil || got != want {
			t.Errorf("%s: %+v, %v", api, got, err)
		}
	}
	for _, api := range []driver.APIID{"", "orders", "/prod", "a1b2c3d4e5/", "a1b2c3d4e5/none", "none/prod", "a~b/prod", "../../apikeys"} {
		if _, err := own.Credential(t.Context(), api); !errors.Is(err, sdk.ErrNotFound) {
			t.Errorf("%q: %v", api, err)
		}
	}
}

func TestQuota_IsThatOfTheKeyThatHasTheLeastLeft(t *testing.T) {
	r := start(t, nil)
	r.ensure(t)
	if _, err := r.Quota(t.Context(), "shop", orders); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("without a plan: %v", err)
	}
	r.grant(t, orders, awsfake.Basic)
	busy, idle := r.issue(t, request(1)), r.issue(t, request(2))
	for n := range 4 {
		r.call(t, busy.Secret)
		if n == 0 {
			r.call(t, idle.Secret)
		}
		r.clock.Advance(12 * time.Hour) // over a night
	}
	q, err := r.Quota(t.Context(), "shop", orders)
	want := driver.Quota{Limit: driver.Limit{Requests: 1000, Window: 30 * day}, Used: 4, Remaining: 996, Resets: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	if err != nil || q != want {
		t.Errorf("got %+v, %v, want %+v", q, err, want)
	}
	r.clock.Advance(3 * day)
	if q, err := r.Quota(t.Context(), "shop", orders); err != nil || q.Used != 0 || q.Remaining != 1000 {
		t.Errorf("in the next month: %+v, %v", q, err)
	}
	r.grant(t, "a1b2c3d4e5/test", awsfake.Open)
	if _, err := r.Quota(t.Context(), "shop", "a1b2c3d4e5/test"); !errors.Is(err, sdk.ErrNotFound) || !strings.Contains(err.Error(), "has no quota") {
		t.Errorf("of a plan without a quota: %v", err)
	}
}

func TestUsage_IsThatOfTheKeyHoweverItIsCalled(t *testing.T) {
	k := apiKey{ID: "abc", Value: "s3cret"}
	for name, c := range map[string]struct {
		values map[string][][]int64
		days   int
	}{
		"by its id": {map[string][][]int64{"abc": {{1, 9}}, "def": {{1, 9}, {2, 7}}}, 1}, "by its value": {map[string][][]int64{"s3cret": {{1, 9}, {2, 7}}}, 2},
		"not at all": {nil, 0}, "among others": {map[string][][]int64{"def": {{1, 9}}, "ghi": {{1, 9}}}, 0},
	} {
		if got := (usage{c.values}).of(k); len(got) != c.days {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPeriod_IsTheOneAroundNow(t *testing.T) {
	date := func(month, day int) time.Time { return time.Date(2026, time.Month(month), day, 0, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		quota           quotaSetting
		now, begin, end time.Time
	}{
		"a day":                      {quotaSetting{Period: "DAY"}, date(11, 28).Add(23 * time.Hour), date(11, 28), date(11, 29)},
		"a week, on Saturday":        {quotaSetting{Period: "WEEK"}, date(11, 28), date(11, 22), date(11, 29)},
		"a week, on Sunday":          {quotaSetting{Period: "WEEK"}, date(11, 29), date(11, 29), date(12, 6)},
		"a week from Monday, Sunday": {quotaSetting{Period: "WEEK", Offset: 1}, date(11, 29), date(11, 23), date(11, 30)},
		"a month":                    {quotaSetting{Period: "MONTH"}, date(11, 28), date(11, 1), date(12, 1)},
		"a month, on the last":       {quotaSetting{Period: "MONTH"}, date(12, 31), date(12, 1), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		"a month from the 15th":      {quotaSetting{Period: "MONTH", Offset: 14}, date(11, 28), date(11, 15), date(12, 15)},
		"before the 15th":            {quotaSetting{Period: "MONTH", Offset: 14}, date(11, 3), date(10, 15), date(11, 15)},
		"in another zone":            {quotaSetting{Period: "DAY"}, time.Date(2026, 11, 29, 1, 0, 0, 0, time.FixedZone("", 7200)), date(11, 28), date(11, 29)},
	} {
		if begin, end := c.quota.period(c.now); !begin.Equal(c.begin) || !end.Equal(c.end) {
			t.Errorf("%s: from %v to %v", name, begin, end)
		}
	}
}

func TestName_IsReadAsItWasWritten(t *testing.T) {
	for _, n := range []name{{"shop", orders, operation(1)}, {"shop", "", operation(1)}, {"a-b", "", ""}} {
		if got, own := (apiKey{Name: n.String()}).named(); !own || got != n {
			t.Errorf("%s is read as %+v", n, got)
		}
	}
	for _, foreign := range []string{"", "cb~", "cb~shop~orders", "cb~~orders~x", "cb~shop~orders~", "cb~a~b~c~d", "by-hand"} {
		if n, own := (apiKey{Name: foreign}).named(); own {
			t.Errorf("%q is read as %+v", foreign, n)
		}
	}
}
