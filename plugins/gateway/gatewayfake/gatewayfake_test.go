package gatewayfake

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/gateway/driver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 2, 27, 23, 59, 30, 0, time.UTC)

func TestFaults_AnswerAsTheyAreToldAndThenRightlyAgain(t *testing.T) {
	reached := 0
	var faults Faults
	s := httptest.NewServer(faults.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reached++; _, _ = io.WriteString(w, "right") })))
	defer s.Close()
	get := func(ctx context.Context) (int, string, error) {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/a?b=c", nil)
		res, err := s.Client().Do(req)
		if err != nil {
			return 0, "", err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return res.StatusCode, string(body), err
	}
	for _, c := range []struct {
		name    string
		fault   Fault
		status  int
		body    string
		broken  bool
		reached int
	}{
		{"a page", Fault{Status: 502, Body: "<html>"}, 502, "<html>", false, 0},
		{"broken off", Fault{Body: "{", Cut: true}, 200, "{", true, 0},
		{"lost", Fault{After: true, Cut: true}, 200, "", true, 1},
		{"of another path", Fault{Path: "/b", Status: 500}, 200, "right", false, 1},
		{"of another method", Fault{Method: "PUT", Status: 500}, 200, "right", false, 1},
	} {
		reached = 0
		undo := faults.Set(c.fault)
		status, body, err := get(t.Context())
		if status != c.status || body != c.body || (err != nil) != c.broken || reached != c.reached {
			t.Errorf("%s: %d %q %v, reached %d times", c.name, status, body, err, reached)
		}
		undo()
	}
	faults.Set(Fault{Status: 500, Times: 1})
	if status, _, _ := get(t.Context()); status != 500 {
		t.Error(status)
	}
	if status, body, _ := get(t.Context()); status != 200 || body != "right" {
		t.Error(status, body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	defer faults.Set(Fault{Hang: true})()
	if _, _, err := get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if calls := faults.Calls(); calls[0] != "GET /a?b=c" || len(calls) != 8 {
		t.Error(calls)
	}
}

func TestHistory_ShowsChangesAfterTheDelay(t *testing.T) {
	var h History[string]
	if h.Seen(epoch) != "" {
		t.Error("an empty history has a state")
	}
	h.Put(epoch, "nothing")
	h.Put(epoch, "first")
	h.Delay(5 * time.Second)
	h.Put(epoch.Add(time.Second), "second")
	h.Put(epoch.Add(3*time.Second), "third")
	var seen []string
	for _, seconds := range []int{0, 5, 6, 7, 8, 60} {
		seen = append(seen, h.Seen(epoch.Add(time.Duration(seconds)*time.Second)))
	}
	if want := []string{"first", "first", "second", "second", "third", "third"}; !slices.Equal(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
}

func TestLimiter_CountsInWindowsOfTheCalendar(t *testing.T) {
	for _, c := range []struct {
		window time.Duration
		resets string
	}{
		{time.Second, "2026-02-27 23:59:31"},
		{time.Minute, "2026-02-28 00:00:00"},
		{24 * time.Hour, "2026-02-28 00:00:00"},
		{30 * 24 * time.Hour, "2026-03-01 00:00:00"},
		{365 * 24 * time.Hour, "2027-01-01 00:00:00"},
	} {
		var l Limiter
		limit := driver.Limit{Requests: 2, Window: c.window}
		var last []State
		for i, want := range []bool{true, true, false, false} {
			states, ok := l.Take(epoch, "ann", limit)
			if ok != want {
				t.Errorf("%v: request %d: %t", c.window, i+1, ok)
			}
			last = states
		}
		if s := last[0]; s.Used != 2 || s.Remaining != 0 || s.Resets.Format(time.DateTime) != c.resets {
			t.Errorf("%v: %+v", c.window, s)
		}
		if _, ok := l.Take(epoch, "ben", limit); !ok {
			t.Error("one subject uses up what another has")
		}
		if _, ok := l.Take(last[0].Resets, "ann", limit); !ok {
			t.Errorf("%v: nothing is left after it began anew", c.window)
		}
	}
	var l Limiter
	wide, narrow := driver.Limit{Requests: 9, Window: time.Hour}, driver.Limit{Requests: 1, Window: time.Minute}
	l.Take(epoch, "ann", wide, narrow)
	l.Take(epoch, "ann", wide, narrow)
	if s := l.Look(epoch, "ann", wide); s.Used != 1 {
		t.Errorf("a refused request was counted: %+v", s)
	}
}

func TestMetrics_AreTextThatPrometheusReads(t *testing.T) {
	var m Metrics
	m.Add("requests_total", Labels{"code", "200", "route", `a"b\`}, 2)
	m.Add("requests_total", Labels{"code", "200", "route", `a"b\`}, 1)
	m.Set("up", nil, 1)
	m.Observe("latency_ms", []float64{1, 5}, Labels{"service", "s"}, 3)
	m.Observe("latency_ms", []float64{1, 5}, Labels{"service", "s"}, 7.5)
	want := `# HELP latency_ms Of a fake gateway
# TYPE latency_ms histogram
latency_ms_bucket{service="s",le="1"} 0
latency_ms_bucket{service="s",le="5"} 1
latency_ms_bucket{service="s",le="+Inf"} 2
latency_ms_count{service="s"} 2
latency_ms_sum{service="s"} 10.5
# HELP requests_total Of a fake gateway
# TYPE requests_total counter
requests_total{code="200",route="a\"b\\"} 3
# HELP up Of a fake gateway
# TYPE up gauge
up 1
`
	if got := m.Text(); got != want {
		t.Errorf("got\n%s", got)
	}
}
