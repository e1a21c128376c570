package costinsights

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/cost/facade/facadetest"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const today = "2026-11-22"

// month are charges of cart for 60 days: 10 a day of EC2 in the first 30, 13 in the last, and 1 of S3 on the last day.
func month() []ledger.Charge {
	var out []ledger.Charge
	for d := facadetest.Today - 59; d <= facadetest.Today; d++ {
		amount := "10"
		if d > facadetest.Today-30 {
			amount = "13"
		}
		out = append(out, facadetest.Charge(d, "Amazon EC2", "Compute", amount, "service", "cart"), facadetest.Charge(d, "Amazon EC2", "Compute", "99", "service", "vault"))
	}
	return append(out, facadetest.Charge(facadetest.Today, "Amazon S3", "Storage", "1", "service", "cart"))
}

func start(t *testing.T, charges ...ledger.Charge) *plugintest.Harness {
	t.Helper()
	return facadetest.Start(t, "/facades/cost-insights-aws", charges, func(_ *sdk.Host, c facadetest.Costs) http.Handler { return New(c) })
}

// getCatalogEntityDailyCost does what AWS Labs' client does: namespace before kind, and the intervals as one escaped segment.
func getCatalogEntityDailyCost(t *testing.T, h *plugintest.Harness, namespace, kind, name, intervals string) cost {
	t.Helper()
	res := h.Get("/facades/cost-insights-aws/v1/entity/"+namespace+"/"+kind+"/"+name+"/"+url.QueryEscape(intervals), facadetest.Ann)
	if res.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", intervals, res.Status, res.Text())
	}
	var c cost
	res.JSON(t, &c)
	return c
}

func TestCost_HasAllThatTheFrontendReads(t *testing.T) {
	c := getCatalogEntityDailyCost(t, start(t, month()...), "default", "component", "cart", "R2/P30D/"+today)
	if c.ID != "component:default/cart" || len(c.Aggregation) != 60 {
		t.Fatalf("%s with %d days", c.ID, len(c.Aggregation))
	}
	if c.Aggregation[0] != (day{"2026-09-24", 10}) || c.Aggregation[59] != (day{today, 14}) {
		t.Errorf("from %v to %v", c.Aggregation[0], c.Aggregation[59])
	}
	// 391 after 300.
	if c.Change.Amount != 91 || math.Abs(*c.Change.Ratio-91.0/300) > 1e-12 {
		t.Errorf("change %v %v", c.Change.Amount, *c.Change.Ratio)
	}
	services := c.GroupedCosts["service"]
	if len(services) != 2 || services[0].ID != "Amazon EC2" || services[1].ID != "Amazon S3" || services[1].Aggregation[59].Amount != 1 || services[1].Change.Ratio != nil {
		t.Errorf("%+v", services)
	}
	for n := range c.Aggregation {
		sum := 0.0
		for _, s := range services {
			sum += s.Aggregation[n].Amount
		}
		if sum != c.Aggregation[n].Amount {
			t.Errorf("%s: the services cost %v, the entity %v", c.Aggregation[n].Date, sum, c.Aggregation[n].Amount)
		}
	}
}

// The frontend draws slope × seconds + intercept.
func TestCost_HasATrendlineThroughTheAmounts(t *testing.T) {
	var rising []ledger.Charge
	for n := range 14 {
		rising = append(rising, facadetest.Charge(facadetest.Today-13+ledger.Day(n), "Amazon EC2", "Compute", strconv.Itoa(100+5*n), "service", "cart"))
	}
	c := getCatalogEntityDailyCost(t, start(t, rising...), "default", "component", "cart", "R2/P7D/"+today)
	for _, p := range c.Aggregation {
		at, err := time.Parse("2006-01-02", p.Date)
		if err != nil {
			t.Fatal(err)
		}
		if y := c.Trendline.Slope*float64(at.Unix()) + c.Trendline.Intercept; math.Abs(y-p.Amount) > 1e-6 {
			t.Errorf("%s: the line is at %v, the amount at %v", p.Date, y, p.Amount)
		}
	}
}

func TestCost_OfAnEntityWithoutChargesIsZero(t *testing.T) {
	c := getCatalogEntityDailyCost(t, start(t), "default", "component", "cart", "R2/P7D/"+today)
	if len(c.Aggregation) != 14 || c.Aggregation[13].Amount != 0 || c.Change.Amount != 0 || c.Change.Ratio != nil || c.Trendline.Slope != 0 || c.GroupedCosts != nil {
		t.Errorf("%+v", c)
	}
}

func TestCost_IsForWhoMayReadTheEntity(t *testing.T) {
	h := start(t, month()...)
	const at = "/R2%2FP30D%2F" + today
	for path, want := range map[string]int{
		"default/system/shop": http.StatusNotFound, "default/component/none": http.StatusNotFound, "default/component/cart": http.StatusOK,
	} {
		if res := h.Get("/facades/cost-insights-aws/v1/entity/"+path+at, facadetest.Eve); res.Status != want {
			t.Errorf("%s: %d %s, want %d", path, res.Status, res.Text(), want)
		}
	}
	if res := h.Get("/facades/cost-insights-aws/v1/entity/default/component/cart/R2/P30D/"+today, facadetest.Eve); res.Status != http.StatusOK {
		t.Errorf("intervals that are not escaped: %d %s", res.Status, res.Text())
	}
	if res := h.Get("/facades/cost-insights-aws/health", facadetest.Eve); res.Status != http.StatusOK || res.Text() != `{"status":"ok"}` {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestCost_RefusesCurrenciesThatCannotBeAdded(t *testing.T) {
	euros := facadetest.Charge(facadetest.Today, "Amazon EC2", "Compute", "3", "service", "cart")
	euros.Currency = "EUR"
	res := start(t, append(month(), euros)...).Get("/facades/cost-insights-aws/v1/entity/default/component/cart/R2%2FP7D%2F"+today, facadetest.Ann)
	if res.Status != http.StatusBadRequest || !strings.Contains(res.Text(), "EUR, USD") {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestParseIntervals_KnowsPeriods(t *testing.T) {
	for text, want := range map[string][3]string{
		"R2/P7D/2026-11-22":  {"2026-11-09", "2026-11-16", "2026-11-23"},
		"R2/P90D/2026-11-22": {"2026-05-27", "2026-08-25", "2026-11-23"},
		"R2/P3M/2026-09-30":  {"2026-04-01", "2026-07-01", "2026-10-01"},
		"R2/P1M/2026-03-30":  {"2026-01-31", "2026-02-28", "2026-03-31"},
		"R3/P2W/2026-11-22":  {"2026-10-12", "2026-11-09", "2026-11-23"},
		"R1/P1Y/2026-11-22":  {"2025-11-23", "2025-11-23", "2026-11-23"},
	} {
		i, err := parseIntervals(text)
		if got := [3]string{i.from.String(), i.last.String(), i.to.String()}; err != nil || got != want {
			t.Errorf("%s: %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "R2/P30D", "R2/P30D/2026-02-31", "R0/P30D/2026-11-22", "R2/P0D/2026-11-22", "R9/P365D/2026-11-22", "R2/P30D/1970-01-05", "2026-11-22", "R2/PT5H/2026-11-22", "R2/P30D/2026-11-22/x"} {
		if i, err := parseIntervals(text); err == nil {
			t.Errorf("%q is %+v", text, i)
		}
	}
}

func FuzzParseIntervals(f *testing.F) {
	f.Add("R2/P30D/2026-11-22")
	f.Add("R99/P999Y/2199-12-31")
	f.Fuzz(func(t *testing.T, text string) {
		if i, err := parseIntervals(text); err == nil && (i.from > i.previous || i.previous > i.last || i.last >= i.to || i.to-i.from > mostDays) {
			t.Fatalf("%q is %+v", text, i)
		}
	})
}
