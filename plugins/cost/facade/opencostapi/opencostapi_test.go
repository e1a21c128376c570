package opencostapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/cost/facade/facadetest"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const path = "/facades/opencost"

// pods are what OpenCost says of two pods, and a cloud's bill.
func pods() []ledger.Charge {
	var out []ledger.Charge
	for _, d := range []ledger.Day{facadetest.Today - 1, facadetest.Today} {
		for service, amount := range map[string]string{"CPU": "1.5", "RAM": "0.25", "GPU": "2", "PV": "0.125", "Network": "0.1", "Load balancer": "0.6"} {
			category := "Compute"
			if service == "Network" {
				category = "Networking"
			}
			c := facadetest.Charge(d, service, category, amount, "namespace", "shop", "pod", "cart-1", "app", "cart")
			c.Provider, c.ResourceName = "OpenCost", "node-a"
			out = append(out, c)
		}
	}
	return append(out, facadetest.Charge(facadetest.Today, "Amazon EC2", "Compute", "10"), facadetest.Charge(facadetest.Today, "Amazon EBS", "Storage", "3"))
}

// upstream is an OpenCost that answers what tests say.
type upstream struct {
	mu      sync.Mutex
	body    string
	err     error
	queries []string
}

func (u *upstream) Get(_ context.Context, path string, query url.Values, maxBody int64) ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.queries = append(u.queries, path+"?"+query.Encode())
	if int64(len(u.body)) > maxBody {
		return nil, errors.New("the test's answer is too long")
	}
	return []byte(u.body), u.err
}

func (u *upstream) answer(body string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.body, u.err = body, err
}

func start(t *testing.T, up Upstream, charges ...ledger.Charge) (*plugintest.Harness, *atomic.Int64) {
	t.Helper()
	var later atomic.Int64
	h := facadetest.Start(t, path, charges, func(_ *sdk.Host, costs facadetest.Costs) http.Handler {
		return New(Options{
			Costs: costs, Upstream: func() Upstream { return up }, Dimensions: map[string]ledger.Dimension{"department": ledger.Tag("app")},
			Now: func() time.Time { return facadetest.Now().Add(time.Duration(later.Load())) },
		})
	})
	return h, &later
}

// get does what the frontend does: it asks, and takes the maps of data one after the other.
func get(t *testing.T, h *plugintest.Harness, query string) []map[string]allocation {
	t.Helper()
	res := h.Get(path+"/allocation/compute?"+query, facadetest.Ann)
	var answer struct {
		Code int
		Data []map[string]allocation
	}
	if res.JSON(t, &answer); answer.Code != http.StatusOK || res.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", query, res.Status, res.Text())
	}
	return answer.Data
}

func TestAllocations_HaveWhatTheTableReads(t *testing.T) {
	h, _ := start(t, nil, pods()...)
	data := get(t, h, "window=6d&aggregate=namespace&step=1d&accumulate=true")
	if len(data) != 1 || len(data[0]) != 2 {
		t.Fatalf("%+v", data)
	}
	shop, rest := data[0]["shop"], data[0][unallocated]
	if shop.Name != "shop" || shop.CPUCost != 3 || shop.RAMCost != 0.5 || shop.GPUCost != 4 || shop.PVCost != 0.25 || shop.NetworkCost != 0.2 || shop.LoadBalancer != 1.2 || shop.TotalCost != 9.15 || shop.TotalEfficiency != 0 {
		t.Errorf("%+v", shop)
	}
	if rest.ExternalCost != 10 || rest.PVCost != 3 || rest.TotalCost != 13 || len(rest.Properties) != 0 || shop.Properties["namespace"] != "shop" {
		t.Errorf("%+v", rest)
	}
	if !shop.Start.Equal((facadetest.Today - 6).Time()) || !shop.End.Equal((facadetest.Today + 1).Time()) || shop.Window.Start != shop.Start || shop.Minutes != 7*24*60 {
		t.Errorf("from %s to %s", shop.Start, shop.End)
	}
}

func TestAllocations_AreByDayForTheChart(t *testing.T) {
	h, _ := start(t, nil, pods()...)
	data := get(t, h, "window=6d&aggregate=namespace&step=1d&accumulate=false")
	if len(data) != 7 || len(data[0]) != 0 || data[5]["shop"].TotalCost != 4.575 || data[6][unallocated].TotalCost != 13 || len(data[5]) != 1 {
		t.Fatalf("%+v", data)
	}
	sum := 0.0
	for n, step := range data {
		for name, a := range step {
			if a.Name != name || !a.Start.Equal((facadetest.Today - 6 + ledger.Day(n)).Time()) || a.Minutes != 1440 {
				t.Errorf("%s: %+v", name, a)
			}
			if parts := a.CPUCost + a.RAMCost + a.GPUCost + a.PVCost + a.NetworkCost + a.LoadBalancer + a.ExternalCost; math.Abs(parts-a.TotalCost) > 1e-9 {
				t.Errorf("%s: the parts cost %v, all %v", name, parts, a.TotalCost)
			}
			sum += a.TotalCost
		}
	}
	if math.Abs(sum-22.15) > 1e-9 {
		t.Errorf("all days cost %v", sum)
	}
}

func TestAllocations_AreNamedByTheAggregate(t *testing.T) {
	h, _ := start(t, nil, pods()...)
	for aggregate, want := range map[string][]string{
		"namespace,pod": {"__unallocated__/__unallocated__", "shop/cart-1"}, "node": {unallocated, "node-a"}, "cluster": {"acme-prod"}, "label:app": {unallocated, "cart"},
		"annotation:none": {unallocated}, "department": {unallocated, "cart"}, "controllerKind": {unallocated}, "service": {unallocated},
		"": {"acme-prod/__unallocated__/__unallocated__/__unallocated__/__unallocated__", "acme-prod/node-a/shop/cart-1/__unallocated__"},
	} {
		var got []string
		for name := range get(t, h, "window=week&aggregate="+aggregate+"&accumulate=true")[0] {
			got = append(got, name)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", aggregate, got, want)
		}
	}
}

func TestAllocations_OfNothingAreNone(t *testing.T) {
	h, _ := start(t, nil)
	if data := get(t, h, "window=lastweek&aggregate=pod&accumulate=true"); len(data) != 1 || len(data[0]) != 0 {
		t.Errorf("%+v", data)
	}
}

func TestAllocations_AreForWhoMaySeeAllCosts(t *testing.T) {
	up := &upstream{body: `{"code":200,"data":[]}`}
	for name, u := range map[string]Upstream{"ledger": nil, "OpenCost": up} {
		h, _ := start(t, u, pods()...)
		if res := h.Get(path+"/allocation/compute?window=week", facadetest.Eve); res.Status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, res.Status, res.Text())
		}
	}
	if len(up.queries) != 0 {
		t.Errorf("OpenCost was asked for somebody who may not: %q", up.queries)
	}
}

func TestWindow_IsReadAsOpenCostDoes(t *testing.T) {
	now := facadetest.Now() // a Sunday
	for text, want := range map[string]string{
		"today": "2026-11-22 2026-11-23", "yesterday": "2026-11-21 2026-11-22", "week": "2026-11-22 2026-11-23", "lastweek": "2026-11-15 2026-11-22",
		"month": "2026-11-01 2026-11-23", "lastmonth": "2026-10-01 2026-11-01", "6d": "2026-11-16 2026-11-23", "29d": "2026-10-24 2026-11-23", "1w": "2026-11-15 2026-11-23",
		"12h": "2026-11-21 2026-11-23", "30m": "2026-11-22 2026-11-23",
		"2026-11-01T00:00:00Z,2026-11-03T00:00:00Z": "2026-11-01 2026-11-03", "2026-11-01T00:00:00Z,2026-11-03T01:00:00Z": "2026-11-01 2026-11-04",
		"2026-11-01T00:00:00 02:00,2026-11-02T00:00:00+02:00": "2026-10-31 2026-11-02", "1793491200,1793577600": "2026-11-01 2026-11-02", "2026-11-01, 2026-11-08": "2026-11-01 2026-11-08",
	} {
		from, to, err := windowOf(text, now)
		if got := from.String() + " " + to.String(); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", text, got, err, want)
		}
	}
	for want, text := range map[string]string{
		"it is missing": "", "is neither a word": "fortnight", "is no time such as": "a,b", "has no days": "2026-11-02,2026-11-01", "more than 366 days": "9999d",
	} {
		if _, _, err := windowOf(text, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestAllocations_SayWhatIsWrongWithARequest(t *testing.T) {
	h, _ := start(t, nil)
	for want, query := range map[string]string{
		"window: it is missing": "aggregate=pod", "aggregate: ": "window=week&aggregate=colour", "none of cluster, node": "window=week&aggregate=label:", "more than 5": "window=week&aggregate=cluster,node,pod,namespace,service,controller",
		"step: ": "window=week&step=1h", "accumulate: ": "window=week&accumulate=maybe",
	} {
		if res := h.Get(path+"/allocation/compute?"+query, facadetest.Ann); res.Status != http.StatusBadRequest || !strings.Contains(res.Text(), want) {
			t.Errorf("%s: %d %s", query, res.Status, res.Text())
		}
	}
}

func TestPassThrough_AsksOpenCostOnceForAWhile(t *testing.T) {
	up := &upstream{body: `{"code":200,"data":[{"shop":{"name":"shop","totalCost":4.5,"cpuCost":1}}]}`}
	h, later := start(t, up)
	const query = "window=6d&aggregate=namespace&step=1d&accumulate=true&secret=x"
	for range 3 {
		if data := get(t, h, query); data[0]["shop"].TotalCost != 4.5 {
			t.Errorf("%+v", data)
		}
	}
	get(t, h, "window=29d&aggregate=namespace")
	later.Store(int64(fresh))
	get(t, h, query)
	want := []string{"/allocation/compute?accumulate=true&aggregate=namespace&step=1d&window=6d", "/allocation/compute?aggregate=namespace&window=29d", "/allocation/compute?accumulate=true&aggregate=namespace&step=1d&window=6d"}
	if !reflect.DeepEqual(up.queries, want) {
		t.Errorf("asked %q", up.queries)
	}
}

func TestPassThrough_GivesTheLastAnswerWithItsAgeWhenOpenCostFails(t *testing.T) {
	up := &upstream{body: `{"code":200,"data":[{"shop":{"name":"shop","totalCost":4.5}}]}`}
	h, later := start(t, up)
	get(t, h, "window=week&aggregate=pod")
	for _, broken := range []struct {
		body, want string
		err        error
	}{
		{"", "connection refused", apierror.New(apierror.ServiceUnavailable, "OpenCost cannot be reached: connection refused")},
		{"<html>login</html>", "a page instead of data", nil}, {`{"code":200,"data":[{"a":{"cpuEfficiency":NaN`, "no readable JSON", nil},
		{`{"code":500,"message":"no prometheus"}`, "code 500: no prometheus", nil}, {`{"code":200,"data":[{"a":`, "no readable JSON", nil},
	} {
		up.answer(broken.body, broken.err)
		later.Store(int64(time.Hour))
		res := h.Get(path+"/allocation/compute?window=week&aggregate=pod", facadetest.Ann)
		if res.Status != http.StatusOK || !strings.Contains(res.Text(), `"totalCost":4.5`) || !strings.Contains(res.Text(), "as of 2026-11-22 09:00 UTC") {
			t.Errorf("%q: %d %s", broken.body, res.Status, res.Text())
		}
		res = h.Get(path+"/allocation/compute?window=lastweek&aggregate=pod", facadetest.Ann)
		if res.Status != http.StatusServiceUnavailable || !strings.Contains(res.Text(), broken.want) {
			t.Errorf("%q: %d %s", broken.want, res.Status, res.Text())
		}
	}
	later.Store(int64(stale))
	if res := h.Get(path+"/allocation/compute?window=week&aggregate=pod", facadetest.Ann); res.Status != http.StatusServiceUnavailable {
		t.Errorf("an answer that is too old is given: %d %s", res.Status, res.Text())
	}
}

func TestCache_DropsTheOldestAnswers(t *testing.T) {
	now := facadetest.Now()
	c := newCache(func() time.Time { now = now.Add(time.Second); return now })
	big := make([]byte, mostKept/2)
	for _, key := range []string{"a", "b", "c", "c"} {
		c.put(key, big)
	}
	_, _, a := c.get("a")
	_, _, b := c.get("b")
	if a || !b || c.size != mostKept {
		t.Errorf("a %v, b %v, %d bytes", a, b, c.size)
	}
}

func FuzzWindow(f *testing.F) {
	f.Add("6d")
	f.Add("2026-11-01T00:00:00Z,1793577600")
	f.Fuzz(func(t *testing.T, text string) {
		if from, to, err := windowOf(text, facadetest.Now()); err == nil && (to <= from || to-from > longest) {
			t.Fatalf("%q is %s to %s", text, from, to)
		}
		_, _ = aggregates(text)
	})
}
