package prometheus

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/gateway/usage"
)

// epoch is midnight in UTC.
var epoch = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// line is a counter that grows by so much a second.
func line(perSecond float64, labels ...string) Series {
	s := Series{named(labels[0], nil, labels[1:]...), func(t time.Time) float64 { return perSecond * t.Sub(epoch).Seconds() }}
	return s
}

var lines = New(
	line(1, "requests_total", "api", "bookings", "code", "200"), line(0.5, "requests_total", "api", "bookings", "code", "503"),
	line(4, "requests_total", "api", "payments", "code", "200"), line(7, "other_total"),
	line(5, "seconds_bucket", "le", "1"), line(9, "seconds_bucket", "le", "2"), line(10, "seconds_bucket", "le", "+Inf"),
)

// ask answers the values of a query a minute after epoch, by their labels in JSON, or the error.
func ask(t *testing.T, s *Server, query string) (values map[string]string, problem string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/query?"+url.Values{"query": {query}, "time": {"2026-11-20T00:01:00Z"}}.Encode(), nil))
	var a struct {
		Status, Error string
		Data          struct {
			ResultType string
			Result     []struct {
				Metric json.RawMessage
				Value  []any
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || (a.Status == "success") != (w.Code == 200) {
		t.Fatalf("%s: %d %s %v", query, w.Code, w.Body, err)
	}
	values = map[string]string{}
	for _, r := range a.Data.Result {
		values[string(r.Metric)] = r.Value[1].(string)
	}
	return values, a.Error
}

func TestQuery_IsEvaluatedAsPrometheusDoes(t *testing.T) {
	for query, want := range map[string]map[string]string{
		`other_total`:                                              {`{"__name__":"other_total"}`: "420"},
		`sum(rate(requests_total[30000ms]))`:                       {`{}`: "5.5"},
		`sum(rate(requests_total{code=~"[45].."}[1m]) * 60)`:       {`{}`: "30"},
		`sum by (api) (rate(requests_total{code="200"}[30s]) * 2)`: {`{"api":"bookings"}`: "2", `{"api":"payments"}`: "8"},
		`topk(1, sum by (api) (rate(requests_total[30s])))`:        {`{"api":"payments"}`: "4"},
		`count(requests_total{api!="payments"})`:                   {`{}`: "2"},
		`count(requests_total{api!~"pay.*|book"})`:                 {`{}`: "2"},
		`sum(rate(requests_total{api="no such"}[30s]))`:            {},
		// A quarter of the way from half to nine tenths, in the bucket from 1 to 2.
		`histogram_quantile(0.6, sum by (le) (rate(seconds_bucket[30s])))`:            {`{}`: "1.25"},
		`histogram_quantile(0.25, sum by (le) (rate(seconds_bucket[30s]))) * 0.001`:   {`{}`: "0.0005"},
		`histogram_quantile(0.999, sum by (le) (rate(seconds_bucket[30s])))`:          {`{}`: "2"},
		"sum by (code) (\n rate(requests_total{api=\"bookings\",}[30s]) * 2 * 2.5e0)": {`{"code":"200"}`: "5", `{"code":"503"}`: "2.5"},
	} {
		values, problem := ask(t, lines, query)
		if problem != "" || len(values) != len(want) {
			t.Errorf("%s: %v %s, want %v", query, values, problem, want)
		}
		for labels, value := range want {
			if values[labels] != value {
				t.Errorf("%s: %s = %q, want %s", query, labels, values[labels], value)
			}
		}
	}
}

func TestQuery_RefusesWhatItDoesNotKnow(t *testing.T) {
	for query, says := range map[string]string{
		``: "Ident expected", `sum(`: "Ident expected", `avg(requests_total)`: `unexpected (`, `requests_total + 1`: "unexpected +",
		`rate(requests_total)`: `"[" expected`, `rate(requests_total[1 week])`: "is no range", `requests_total{api>"x"}`: "no way to match",
		`requests_total{api=~"("}`: "missing closing", `requests_total{api="x}`: "literal not terminated",
		`topk(many, requests_total)`: "a number expected", strings.Repeat("(", 50) + "x": "too many expressions",
	} {
		if _, problem := ask(t, lines, query); !strings.Contains(problem, says) {
			t.Errorf("%s: %q, want %q", query, problem, says)
		}
	}
}

func TestRange_IsBounded(t *testing.T) {
	for query, says := range map[string]string{
		"start=0&end=11001&step=1": "at most 11000 steps", "start=1&end=0&step=1": "at most", "start=0&end=1&step=0": "at most",
		"start=x&end=1&step=1": `start: "x" is no time`, "start=0&end=1&step=NaN": "at most",
	} {
		w := httptest.NewRecorder()
		lines.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/query_range?query=other_total&"+query, nil))
		if w.Code != 400 || !strings.Contains(w.Body.String(), strings.ReplaceAll(says, `"`, `\"`)) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestTraffic_IsWhatThePluginReads(t *testing.T) {
	bookings := map[string]string{"service": "bookings", "consumer": "mobile-app", "code": "200"}
	failed := map[string]string{"service": "bookings", "consumer": "mobile-app", "code": "503"}
	series := Requests("kong_http_requests_total", []Traffic{{bookings, 86_400, 17}, {failed, 864, 5}})
	series = append(series, Latency("kong_request_latency_ms", map[string]string{"service": "bookings"}, 86_400, 17, 40)...)
	prometheus := httptest.NewServer(New(series...))
	defer prometheus.Close()
	profile, err := usage.ProfileOf(usage.Kong)
	if err != nil {
		t.Fatal(err)
	}
	source, err := usage.New(usage.Options{Name: "harbour", URL: prometheus.URL, HTTP: prometheus.Client(), Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	q := usage.Query{APIs: []string{"bookings"}, From: epoch, To: epoch.Add(24 * time.Hour), Step: time.Hour}
	if err := source.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	requests, err := source.Requests(t.Context(), q)
	if err != nil || len(requests.Series) != 1 {
		t.Fatal(requests, err)
	}
	if total := requests.Series[0].Total(); math.Abs(total-87_264) > 500 {
		t.Errorf("%f requests in a day, want about 87264", total)
	}
	values := requests.Series[0].Values
	if evening, morning := *values[17], *values[5]; evening < 2*morning {
		t.Errorf("%f requests about the peak, %f at night", evening, morning)
	}
	errors, err := source.Errors(t.Context(), q)
	if err != nil || math.Abs(errors.Series[0].Total()-864) > 30 {
		t.Errorf("errors: %v %v", errors, err)
	}
	latency, err := source.Latency(t.Context(), q, 0.5, 0.95)
	if err != nil || len(latency.Series) != 2 {
		t.Fatal(latency, err)
	}
	q.From, q.Step = epoch.Add(23*time.Hour), 15*time.Second
	fine, err := source.Latency(t.Context(), q, 0.5, 0.95)
	if err != nil || len(fine.Times) != 240 {
		t.Fatal(fine, err)
	}
	for s, one := range fine.Series {
		latency.Series[s].Values = append(latency.Series[s].Values, one.Values...)
	}
	for n := range latency.Series[0].Values {
		if half, most := *latency.Series[0].Values[n], *latency.Series[1].Values[n]; half < 0.030 || half > 0.065 || most < 2*half || most > 5*half {
			t.Errorf("step %d: half of the requests within %f s, 95 %% within %f s", n, half, most)
		}
	}
}

// Counters fall only when a program starts again, and this one's past does not.
func TestTraffic_NeverFalls(t *testing.T) {
	f := Traffic{PerDay: 5000, Peak: 17}
	for at := epoch; at.Before(epoch.Add(48 * time.Hour)); at = at.Add(time.Minute) {
		if f.until(at) > f.until(at.Add(time.Minute)) {
			t.Fatalf("the counter falls after %s", at)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, query := range []string{
		`topk(11, sum by (code) (rate(kong_http_requests_total{job="edge",code=~"[45].."}[915000ms]) * 900))`,
		`histogram_quantile(0.95, sum by (le) (rate(x_bucket{service="orders"}[315000ms]))) * 0.001`, `count(x{a!~"b|\\."})`, `sum(((`, `x[`, "\x00",
	} {
		f.Add(query)
	}
	f.Fuzz(func(_ *testing.T, query string) {
		if e, err := parse(query); err == nil {
			e.at(lines.series, epoch.Add(time.Minute))
		}
	})
}
