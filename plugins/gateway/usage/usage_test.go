package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestRequests_AreATableOfWholeSteps(t *testing.T) {
	p := start(t)
	// 11:50, 11:55 and 12:00, of which one is NaN; one point is not of the grid, one beyond it, one infinite.
	p.answers["sum(rate("] = `[{"metric":{},"values":[[1795866600,"12.5"],[1795866900,"NaN"],[1795866930,"7"],[1795867200,"3"],[1795867500,"9"],[1795866300,"+Inf"]]}]`
	r, err := p.source().Requests(t.Context(), quarter)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Times) != 3 || !r.Times[0].Equal(time.Date(2026, 11, 28, 11, 50, 0, 0, time.UTC)) || r.Step != 5*time.Minute {
		t.Errorf("the steps end at %v", r.Times)
	}
	if len(r.Series) != 1 || shown(r.Series[0].Values) != "12.5 - 3" || r.Series[0].Total() != 15.5 {
		t.Errorf("the series are %+v", r.Series)
	}
	if len(r.Warnings) != 1 || r.Warnings[0] != "a store is slow" {
		t.Errorf("warnings %q", r.Warnings)
	}
	if text, err := json.Marshal(r.Series); err != nil || !strings.Contains(string(text), "[12.5,null,3]") {
		t.Errorf("as JSON: %s, %v", text, err)
	}
}

// The queries of every profile, for review by whoever changes one.
func TestQueries_AreThoseOfTheProfile(t *testing.T) {
	golden := map[string]map[string][]string{}
	for _, name := range ProfileNames() {
		golden[name] = map[string][]string{}
		p := start(t)
		profile, err := ProfileOf(name)
		if err != nil {
			t.Fatal(err)
		}
		s := p.source(func(o *Options) { o.Profile, o.Match = profile, map[string]string{"job": "edge"} })
		p.answers["topk("] = fmt.Sprintf(`[{"metric":{%[1]q:"shop",%[2]q:"502"},"value":[1,"9"]},{"metric":{%[1]q:"m.1",%[2]q:"404"},"value":[1,"8"]},`+
			`{"metric":{%[1]q:"z",%[2]q:"401"},"value":[1,"7"]}]`, profile.App, profile.Code)
		ask := func(what string, call func() error) {
			p.asked = nil
			if err := call(); errors.Is(err, sdk.ErrNotImplemented) {
				golden[name][what] = []string{"not known: " + err.Error()}
			} else if err != nil {
				t.Errorf("%s: %s: %v", name, what, err)
			} else {
				golden[name][what] = p.queries()
			}
		}
		of := func(change func(*Query)) Query { q := quarter; change(&q); return q }
		ask("requests", func() error { _, err := s.Requests(t.Context(), quarter); return err })
		ask("requests of an app to two APIs", func() error {
			_, err := s.Requests(t.Context(), of(func(q *Query) { q.Apps, q.APIs = []string{"shop"}, []string{"orders", "pay.v2"} }))
			return err
		})
		ask("requests by app, two of three", func() error {
			_, err := s.Requests(t.Context(), of(func(q *Query) { q.By, q.Top = ByApp, 2 }))
			return err
		})
		ask("errors by code", func() error { _, err := s.Errors(t.Context(), of(func(q *Query) { q.By = ByCode })); return err })
		ask("latency of an API", func() error {
			_, err := s.Latency(t.Context(), of(func(q *Query) { q.APIs = []string{"orders"} }), 0.95)
			return err
		})
		ask("latency of an app", func() error {
			_, err := s.Latency(t.Context(), of(func(q *Query) { q.Apps = []string{"shop"} }), 0.5)
			return err
		})
		ask("health", func() error { _ = s.Health(t.Context()); return nil })
	}
	plugintest.Golden(t, "testdata/queries.golden.json", golden)
}

func TestRequests_ShowTheLargestAndTheRest(t *testing.T) {
	p := start(t)
	p.answers["topk(3,"] = `[{"metric":{"consumer":"b"},"value":[1,"5"]},{"metric":{"consumer":"a"},"value":[1,"50"]},{"metric":{},"value":[1,"2"]}]`
	p.answers["sum by (consumer)"] = `[{"metric":{"consumer":"b"},"values":[[1795867200,"5"]]},{"metric":{"consumer":"a"},"values":[[1795867200,"50"]]}]`
	p.answers["sum(rate("] = `[{"metric":{},"values":[[1795867200,"2"]]}]`
	q := quarter
	q.By, q.Top = ByApp, 2
	r, err := p.source().Requests(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range r.Series {
		got = append(got, s.Key+" "+shown(s.Values))
	}
	if !slices.Equal(got, []string{"a - - 50", "b - - 5", " - - 2"}) || !r.Series[2].Rest {
		t.Errorf("%q, rest=%t", got, r.Series[2].Rest)
	}
	q.Top = 10_000
	totals, err := p.source().Totals(t.Context(), q)
	if last := p.queries()[len(p.queries())-1]; err != nil || !strings.HasPrefix(last, "topk(50, ") {
		t.Errorf("%v of %s, %v", totals, last, err)
	}
}

func TestLatency_IsInSecondsAndOrdered(t *testing.T) {
	p := start(t)
	p.answers["histogram_quantile(0.5,"] = `[{"metric":{},"values":[[1795867200,"0.02"]]}]`
	p.answers["histogram_quantile(0.99,"] = `[{"metric":{},"values":[[1795867200,"+Inf"]]}]`
	r, err := p.source().Latency(t.Context(), quarter, 0.99, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Series) != 2 || r.Series[0].Quantile != 0.5 || shown(r.Series[0].Values) != "- - 0.02" || shown(r.Series[1].Values) != "- - -" {
		t.Errorf("%+v", r.Series)
	}
	for _, q := range []float64{0, 1, -1, 95} {
		if _, err := p.source().Latency(t.Context(), quarter, q); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("quantile %v: %v", q, err)
		}
	}
}

func TestQuery_RefusesWhatCannotBeAsked(t *testing.T) {
	p := start(t)
	many := make([]string, mostValues+1)
	for name, c := range map[string]struct {
		q    Query
		want error
	}{
		"the end before the beginning": {Query{From: noon, To: noon.Add(-time.Hour)}, sdk.ErrInput},
		"a year of seconds":            {Query{From: noon.AddDate(-1, 0, 0), To: noon, Step: time.Second}, sdk.ErrInput},
		"another dimension":            {Query{By: "route"}, sdk.ErrInput},
		"more names than an address":   {Query{Apps: many}, sdk.ErrInput},
	} {
		if _, err := p.source().Requests(t.Context(), c.q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	traefik, _ := ProfileOf(Traefik)
	s := p.source(func(o *Options) { o.Profile = traefik })
	for name, q := range map[string]Query{"of an app": {Apps: []string{"shop"}}, "by app": {By: ByApp}} {
		if _, err := s.Requests(t.Context(), q); !errors.Is(err, sdk.ErrNotImplemented) || !strings.Contains(err.Error(), "eu") {
			t.Errorf("requests %s: %v", name, err)
		}
	}
	if len(p.asked) != 0 {
		t.Errorf("Prometheus was asked %v", p.queries())
	}
}

func TestQuery_TakesStepsThatPeopleRead(t *testing.T) {
	p := start(t)
	for _, c := range []struct {
		long time.Duration
		step time.Duration
		want time.Duration
		n    int
	}{
		{time.Hour, 0, time.Minute, 60},
		{24 * time.Hour, 0, 15 * time.Minute, 96},
		{30 * 24 * time.Hour, 0, 12 * time.Hour, 61}, // the last whole half day ended at noon, where the first began
		{5 * 365 * 24 * time.Hour, 0, 18 * 24 * time.Hour, 101},
		{time.Minute, time.Millisecond, 15 * time.Second, 4},
		{time.Second, 0, 15 * time.Second, 1},
	} {
		r, err := p.source().Requests(t.Context(), Query{From: noon.Add(-c.long), To: noon, Step: c.step})
		if err != nil || r.Step != c.want || len(r.Times) < c.n-1 || len(r.Times) > c.n+1 {
			t.Errorf("%s by %s: %d steps of %s, %v", c.long, c.step, len(r.Times), r.Step, err)
		}
		if last := r.Times[len(r.Times)-1]; last.After(noon) || noon.Sub(last) >= c.want {
			t.Errorf("%s: the last step ends at %s", c.long, last)
		}
	}
}

func TestQuery_ThatIsLongTravelsInTheBody(t *testing.T) {
	p := start(t)
	apps := make([]string, mostValues)
	for n := range apps {
		apps[n] = strings.Repeat("a", 40)
	}
	if _, err := p.source().Requests(t.Context(), Query{Apps: apps}); err != nil || len(p.queries()[0]) < 8000 {
		t.Errorf("%v, %d bytes", err, len(p.queries()[0]))
	}
}

func TestProfile_IsChecked(t *testing.T) {
	kong, _ := ProfileOf(Kong)
	for name, bad := range map[string]Profile{
		"no counter":            {},
		"a metric that is none": {Requests: "up} or vector(1"},
		"a label that is none":  {Requests: "up", App: `a"b`},
		"a match that is none":  {Requests: "up", Match: map[string]string{"a-b": "c"}},
		"a unit of days":        {Requests: "up", Unit: 24 * time.Hour},
	} {
		if _, err := New(Options{Name: "x", URL: "http://p", Profile: bad}); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ProfileOf("nginx"); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), "traefik") {
		t.Errorf("a profile that is not there: %v", err)
	}
	for _, url := range []string{"", "prometheus:9090", "ftp://p", "http://u:p@h", "http://h?x=1", "http://h#x", "http://[::1"} {
		if _, err := New(Options{Name: "x", URL: url, Profile: kong}); !errors.Is(err, sdk.ErrInput) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("url %q: %v", url, err)
		}
	}
	if _, err := New(Options{Name: "x", URL: "http://p", Profile: kong, Match: map[string]string{`x="y"`: ""}}); !errors.Is(err, sdk.ErrInput) {
		t.Errorf("a match that is no label: %v", err)
	}
}

func TestHealth_SaysWhatToSwitchOn(t *testing.T) {
	p := start(t)
	s := p.source(func(o *Options) { o.Match = map[string]string{"job": "edge"} })
	err := s.Health(t.Context())
	for _, part := range []string{"eu", `kong_http_requests_total{job="edge"}`, "per_consumer"} {
		if err == nil || !errors.Is(err, sdk.ErrServiceUnavailable) || !strings.Contains(err.Error(), part) {
			t.Errorf("without series: %v, want %s", err, part)
		}
	}
	p.answers["count("] = `[{"metric":{},"value":[1795867200.781,"3"]}]`
	if err := s.Health(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestQuery_EndsWithItsContext(t *testing.T) {
	p := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.source().Requests(ctx, quarter); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
