package opencost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/cost/intake"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/plugins/cost/opencost/opencostfake"
	"github.com/callboard/callboard/sdk/apierror"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type rig struct {
	*Collector

	fake   *opencostfake.Server
	ledger *ledger.Ledger
	intake *intake.Intake
	now    time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{now: time.Date(2026, 11, 3, 2, 0, 0, 0, time.UTC)}
	now := func() time.Time { return r.now }
	r.fake = opencostfake.New(now)
	server := httptest.NewServer(r.fake)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	var err error
	if r.ledger, err = ledger.Open(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if r.intake, err = intake.Open(t.Context(), intake.Options{Dir: dir, Ledger: r.ledger, Now: now}); err != nil {
		t.Fatal(err)
	}
	days, err := OpenDays(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, end := range []func() error{days.Close, r.intake.Close, r.ledger.Close} {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	})
	r.Collector = &Collector{Client: &Client{HTTP: server.Client(), URL: server.URL}, Source: "kubernetes", Days: days, Intake: r.intake, Now: now, Back: 5}
	return r
}

func (r *rig) query(t *testing.T, q ledger.Query) ledger.Result {
	t.Helper()
	q.From, q.To = ledger.Date(2026, 10, 1), ledger.Date(2026, 12, 1)
	found, err := r.ledger.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCollector_BringsEachDayOnceAndKeepsMonthsWhole(t *testing.T) {
	r := newRig(t)
	if err := r.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	parts, err := r.ledger.Partitions(t.Context())
	if err != nil || len(parts) != 2 || parts[0].First != ledger.Date(2026, 10, 29) || parts[1].Last != ledger.Date(2026, 11, 2) {
		t.Fatalf("partitions are %+v, %v", parts, err)
	}
	before := r.query(t, ledger.Query{}).Total
	if err := r.Collect(t.Context()); err != nil || len(r.fake.Windows()) != 5 {
		t.Errorf("%d windows were asked for, %v", len(r.fake.Windows()), err)
	}
	r.now = r.now.AddDate(0, 0, 1)
	if err := r.Collect(t.Context()); err != nil || len(r.fake.Windows()) != 6 {
		t.Errorf("windows are %v, %v", r.fake.Windows(), err)
	}
	r.now = r.now.AddDate(0, 0, 16) // the plugin was away for longer than OpenCost remembers
	if err := r.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	daily := r.query(t, ledger.Query{Granularity: ledger.Daily})
	points := daily.Series[0].Points
	if points[31+3-1].Amount.IsZero() || !points[31+10-1].Amount.IsZero() || points[31+18-1].Amount.IsZero() || daily.Total.Cmp(before) <= 0 {
		t.Errorf("points are %v", points)
	}
	jobs, err := r.intake.Jobs(t.Context(), 1)
	if err != nil || jobs[0].Origin != intake.FromOpenCost || jobs[0].State != intake.Done || jobs[0].Rows == 0 {
		t.Errorf("job is %+v, %v", jobs[0], err)
	}
}

func TestCollector_TotalsAreThoseOfOpenCost(t *testing.T) {
	r := newRig(t)
	if err := r.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := r.Client.Day(t.Context(), ledger.Date(2026, 11, 1))
	if err != nil {
		t.Fatal(err)
	}
	want := 0.0
	for _, a := range list {
		f, _ := a.TotalCost.Float64()
		want += f
	}
	day := r.query(t, ledger.Query{Granularity: ledger.Daily}).Series[0].Points[31]
	if got := day.Amount.Float64(); math.Abs(got-want) > 1e-6 || want < 10 || r.query(t, ledger.Query{}).Currency != "USD" {
		t.Errorf("%s costs %v, want %v", day.Day, got, want)
	}
	found := r.query(t, ledger.Query{GroupBy: []ledger.Dimension{ledger.Provider, ledger.Service}, Filter: ledger.Where(ledger.Is(ledger.Tag("service"), "booking-service"), ledger.Is(ledger.Tag("namespace"), "booking"), ledger.Is(ledger.Tag("team"), "booking-crew"))})
	services := map[string]bool{}
	for _, s := range found.Series {
		services[s.Keys[ledger.Provider]+" "+s.Keys[ledger.Service]] = true
	}
	if fmt.Sprint(services) != "map[OpenCost CPU:true OpenCost Load balancer:true OpenCost Network:true OpenCost RAM:true]" {
		t.Errorf("services are %v", services)
	}
}

func TestCharges_ExplainTheWholeTotal(t *testing.T) {
	text := `{"name":"c/ns/deployment/web","properties":{"cluster":"c","namespace":"ns","controllerKind":"deployment","controller":"web","labels":{"namespace":"other","app":"web"}},
		"cpuCost":1.1,"cpuCostAdjustment":-0.1,"ramCost":0.30000000000000004,"totalCost":2}`
	var a Allocation
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	got, err := charges(ledger.Date(2026, 11, 1), []Allocation{a, {Name: "c/__idle__", CPUCost: "0"}}, "EUR")
	if err != nil || len(got) != 3 {
		t.Fatalf("charges are %+v, %v", got, err)
	}
	for i, want := range []string{"CPU 1", "RAM 0.3", "Other 0.7"} {
		if c := got[i]; c.Service+" "+c.Effective.String() != want || c.Tags.Map()["namespace"] != "ns" || c.Tags.Map()["app"] != "web" || c.Currency != "EUR" || c.ResourceName != "web" {
			t.Errorf("charge %d is %+v, want %s", i, c, want)
		}
	}
	if _, err := charges(ledger.Date(2026, 11, 1), []Allocation{{Name: "x", RAMCost: "1e300"}}, "EUR"); err == nil || !strings.Contains(err.Error(), "allocation x") {
		t.Errorf("out of range: %v", err)
	}
}

func TestClient_SaysWhyThereIsNoAnswer(t *testing.T) {
	r := newRig(t)
	day := ledger.Date(2026, 11, 1)
	for want, c := range map[string]struct {
		status int
		body   string
		name   apierror.Name
	}{
		"no allocations in JSON":                            {200, "<html>Sign in</html>", apierror.ServiceUnavailable},
		"no allocations in JSON (unexpected":                {200, `{"code":200,"data":[{"a":{"name":"a`, apierror.ServiceUnavailable},
		"code 500: boundary error":                          {200, `{"code":500,"message":"boundary error"}`, apierror.ServiceUnavailable},
		"500 Internal Server Error: prometheus is away":     {500, `{"code":500,"message":"prometheus is away"}`, apierror.ServiceUnavailable},
		"502 Bad Gateway: <html> nginx":                     {502, "<html>\n nginx", apierror.ServiceUnavailable},
		"refuses the token (401 Unauthorized): who are you": {401, "who are you", apierror.NotAllowed},
		"below /model":                                      {404, "404 page not found", apierror.NotFound},
		"204 No Content":                                    {204, "", apierror.ServiceUnavailable},
	} {
		r.fake.Fail(c.status, c.body)
		if list, err := r.Client.Day(t.Context(), day); !apierror.Has(err, c.name) || !strings.Contains(err.Error(), want) {
			t.Errorf("%d allocations, %v, want an error about %q", len(list), err, want)
		}
	}
	r.fake.Fail(0, "")
	r.fake.Skew(36 * time.Hour)
	if _, err := r.Client.Day(t.Context(), day); err == nil || !strings.Contains(err.Error(), "is its clock right?") {
		t.Errorf("another day: %v", err)
	}
	r.fake.Skew(0)
	r.Client.URL = "http://127.0.0.1:1"
	if err := r.Collect(t.Context()); !apierror.Has(err, apierror.ServiceUnavailable) || !strings.Contains(err.Error(), "not reached") {
		t.Errorf("an address where nobody is: %v", err)
	}
}

func TestCollector_GoesOnWhenOpenCostIsBack(t *testing.T) {
	r := newRig(t)
	r.fake.Fail(http.StatusServiceUnavailable, "")
	if err := r.Collect(t.Context()); err == nil || len(r.fake.Windows()) != 1 {
		t.Errorf("%d windows were asked for, %v", len(r.fake.Windows()), err)
	}
	r.fake.Fail(0, "")
	if err := r.Collect(t.Context()); err != nil || r.query(t, ledger.Query{}).Total == (money.Amount{}) {
		t.Errorf("nothing was collected: %v", err)
	}
}

func TestNumbers_ThatAreNoneBecomeNull(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":NaN,"b":+Inf,"c":-Infinity,"d":Infinity,"e":1}`: `{"a":null,"b":null,"c":null,"d":null,"e":1}`,
		`{"NaN \" Inf":"Infinity"}`:                           `{"NaN \" Inf":"Infinity"}`,
		`[1,2]`:                                               `[1,2]`,
		`"NaN`:                                                `"NaN`,
		`"Inf\`:                                               `"Inf\`,
	} {
		if got := string(withoutNaN([]byte(text))); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func FuzzNumbers(f *testing.F) {
	for _, s := range []string{`{"a":NaN}`, `{"NaN":"\"Inf","b":-Inf}`, `"NaN`, `[1,"Infinity"]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := withoutNaN(text)
		if json.Valid(text) && !bytes.Equal(got, text) {
			t.Fatalf("%s became %s", text, got)
		}
	})
}
