package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
)

func TestQuery_AnswersSumsAsDecimalsWithWhatTheyWereMadeOf(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", append(months(10), charge("0.000000000000000001", "EC2", "service", "cart"), charge("-5.5", "Refund"))...)
	var got sums
	r.get(t, "/v1/query?metric=Effective&groupBy=service&granularity=daily&from=2026-11-19&to=2026-11-21", &got, ann)
	if got.Currency != "USD" || got.From.String() != "2026-11-19" || got.Total != money.MustParse("230.500000000000000001") || len(got.Series) != 4 {
		t.Errorf("%+v", got)
	}
	if s := got.Series[0]; s.Keys[ledger.Service] != "EC2" || s.Points[1] != [2]string{"2026-11-20", "101.000000000000000001"} {
		t.Errorf("%+v", s)
	}
	if got.Meta.LastCompleteDate != "2026-11-20" || *got.Meta.AgeDays != 1 || len(got.Meta.Sources) != 1 || got.Meta.Sources[0].FocusVersion != "1.2" {
		t.Errorf("%+v", got.Meta)
	}
}

func TestQuery_UnderstandsWhatPeopleWrite(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(40)...)
	for path, total := range map[string]string{
		"from=2026-11-20&to=2026-11-21":                                    "118",
		"FROM=2026-11-20T23:30:00-02:00&to=2026-12":                        "0",
		"from=2026-11&to=2026-12&filter=service%3DRDS":                     "140",
		"from=2026-11&to=2026-12&filter=service=RDS":                       "140",
		"from=2026-11&to=2026-12&filter=tag:service=cart,+service!=EC2":    "200",
		"from=2026-11&to=2026-12&filter=tag:service=vault;tag:service=":    "160",
		"from=2026-11-20&to=2026-11-21&entity=Component:Cart":              "110",
		"from=2026-11-20&to=2026-11-21&entity=system:default/shop":         "117",
		"from=2026-11-20&to=2026-11-21&metric=list":                        "0",
		"from=2026-11-20&to=2026-11-21&groupBy=tag:service&groupBy=region": "118",
	} {
		var got sums
		r.get(t, "/v1/query?granularity=total&"+path, &got, ann)
		if got.Total.String() != total {
			t.Errorf("%s: %s, want %s", path, got.Total, total)
		}
	}
}

func TestQuery_RefusesWithFieldValueAndRule(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(3)...)
	for path, want := range map[string]string{
		"metric=profit":    `metric: "profit" is none of effective, billed, list, contracted`,
		"granularity=hour": `granularity: "hour" is none of day, month, total`,
		"groupBy=colour":   `groupBy: "colour" is no dimension; there are provider`,
		"groupBy=tag:a,tag:b,tag:c,tag:d,tag:e,tag:f": `groupBy: there must be at most 5`,
		"from=yesterday":                      `from: "yesterday" must be a day such as 2026-11-22`,
		"from=2026-11-20&to=2026-11-20":       "to: 2026-11-20 must be after from, 2026-11-20",
		"from=2027-01-01":                     "from: 2027-01-01 must not lie in the future",
		"filter=service":                      `filter: "service" must be dimension=value`,
		"filtr=service=EC2":                   `there is no parameter "filtr"; there are`,
		"filter=service=EC2&filter=region=eu": "filter: it is given more than once",
		"currency=dollars":                    `currency: "DOLLARS"`,
		"limit=0":                             `limit: "0" must be a number from 1 to 1000`,
		"from=2000-01-01&limit=1000":          "limit: 1000 series of",
		"filter=%zz":                          "query: it cannot be decoded",
		"from=NaN":                            `from: "NaN" must be a day`,
	} {
		res := r.Get("/v1/query?"+path, ann)
		if got := refusal(t, res); res.Status != http.StatusBadRequest || !strings.Contains(strings.ToLower(got), strings.ToLower(want)) {
			t.Errorf("%s: %d %s, want %s", path, res.Status, got, want)
		}
	}
	if res := r.Get("/v1/query?entity=component:default/none", ann); res.Status != http.StatusNotFound {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestMixedCurrencies_AreRefusedWithTheNextStep(t *testing.T) {
	r := start(t, settings{})
	euro := charge("9", "EC2", "service", "cart")
	euro.Currency = "EUR"
	r.bill(t, "aws", charge("4", "EC2", "service", "cart"), euro, charge("3", "EC2", "service", "vault"))
	const want = "currency: the charges are in EUR and USD, which cannot be added; choose one by the parameter currency=EUR"
	for _, path := range []string{
		"/v1/query", "/v1/allocation", "/v1/anomalies", "/v1/forecast", "/v1/query?entity=component:default/cart",
		"/v1/entities/component/default/cart/summary", "/v1/entities/system/default/shop/summary",
	} {
		res := r.Get(path, ann)
		if res.Status != http.StatusBadRequest || refusal(t, res) != want {
			t.Errorf("%s: %d %s", path, res.Status, res.Text())
		}
		divider := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
		if res := r.Get(path+divider+"currency=eur", ann); res.Status != http.StatusOK || !strings.Contains(res.Text(), `"currency":"EUR"`) {
			t.Errorf("%s in EUR: %d %s", path, res.Status, res.Text())
		}
	}
	if res := r.Get("/v1/entities/component/default/vault/summary", ann); res.Status != http.StatusOK {
		t.Errorf("an entity whose charges are all in one currency: %s", res.Text())
	}
}

func TestAccess_WithoutCostReadThereAreReadableEntitiesOnly(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(40)...)
	r.Permissions.Deny(readAll.Name)
	for _, path := range []string{"/v1/query", "/v1/anomalies", "/v1/forecast", "/v1/carbon", "/v1/dimensions"} {
		res := r.Get(path, eve)
		if got := refusal(t, res); res.Status != http.StatusForbidden || !strings.Contains(got, "the permission cost.read is missing") {
			t.Errorf("%s: %d %s", path, res.Status, got)
		}
	}
	for path, want := range map[string]int{
		"/v1/entities/component/default/vault/summary": http.StatusNotFound,
		"/v1/entities/component/default/cart/summary":  http.StatusOK,
		"/v1/query?entity=component:default/vault":     http.StatusNotFound,
		"/v1/anomalies?entity=component:default/vault": http.StatusNotFound,
		"/v1/forecast?entity=component:default/vault":  http.StatusNotFound,
		"/v1/carbon?entity=component:default/vault":    http.StatusNotFound,
		"/v1/entities/component/default/%2F/summary":   http.StatusNotFound,
		"/v1/entities/component/default/none/summary":  http.StatusNotFound,
		"/v1/query?entity=component:default/cart":      http.StatusOK,
		"/v1/entities/component/default/a%2Fb/summary": http.StatusNotFound,
	} {
		if res := r.Get(path, eve); res.Status != want {
			t.Errorf("%s: %d %s, want %d", path, res.Status, res.Text(), want)
		}
	}
	var whole, part summary
	r.get(t, "/v1/entities/system/default/shop/summary?from=2026-11-20&to=2026-11-21", &whole, ann)
	r.get(t, "/v1/entities/system/default/shop/summary?from=2026-11-20&to=2026-11-21", &part, eve)
	if whole.Total.String() != "117" || whole.Allocation.Partial {
		t.Errorf("ann reads all parts: %s %+v", whole.Total, whole.Allocation)
	}
	if part.Total.String() != "110" || !part.Allocation.Partial || len(part.Allocation.Parts) != 1 || !strings.Contains(part.Meta.Warnings[0], "parts that you may not read") {
		t.Errorf("eve reads cart only: %s %+v %v", part.Total, part.Allocation, part.Meta.Warnings)
	}
	var got allocated
	r.get(t, "/v1/allocation?from=2026-11-20&to=2026-11-21", &got, eve)
	if got.Scope != "readable" || got.Unallocated != nil || len(got.Accounts) != 1 || got.Total.String() != "110" {
		t.Errorf("%+v", got)
	}
	if res := r.Get("/v1/query", ci); res.Status != http.StatusOK {
		t.Errorf("a service: %d %s", res.Status, res.Text())
	}
	if res := r.Get("/v1/query"); res.Status != http.StatusUnauthorized {
		t.Errorf("nobody: %d %s", res.Status, res.Text())
	}
}

func TestSummary_ShowsWhatAnEntityCostsAndWhy(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", append(months(100), charge("33", "Glacier", "service", "cart"))...)
	var got summary
	r.get(t, "/v1/entities/Component/default/Cart/summary", &got, ann)
	if got.EntityRef != "component:default/cart" || len(got.Days) != 30 || got.Month.Forecast == nil || got.Services[0].Service != "EC2" {
		t.Errorf("%+v", got)
	}
	if got.Allocation.Annotation != "" || got.Allocation.Assignments[0] != "tag:service" {
		t.Errorf("%+v", got.Allocation)
	}
	var claims summary
	r.get(t, "/v1/entities/component/default/backups/summary", &claims, ann)
	if claims.Allocation.Claim != "service=Glacier" || claims.Allocation.Annotation != "callboard.dev/cost-filter" || claims.Month.Spent.String() != "33" {
		t.Errorf("what an entity claims goes before tags: %+v", claims)
	}
	var broken summary
	r.get(t, "/v1/entities/component/default/broken/summary", &broken, ann)
	if len(broken.Meta.Warnings) != 1 || !strings.Contains(broken.Meta.Warnings[0], `annotation callboard.dev/cost-filter: "flavour" is no dimension`) {
		t.Errorf("%v", broken.Meta.Warnings)
	}
	var group summary
	r.get(t, "/v1/entities/group/default/web/summary?from=2026-11-20&to=2026-11-21", &group, ann)
	if group.Total.String() != "117" || len(group.Allocation.Parts) != 2 || group.Allocation.Parts[1].EntityRef != "component:default/vault" || group.Allocation.Parts[1].Share != "0.0598" {
		t.Errorf("%+v", group)
	}
}

func TestAllocation_ShowsEveryShareAndWhatIsNobodys(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(40)...)
	var got allocated
	r.get(t, "/v1/allocation?from=2026-11-20&to=2026-11-21", &got, ann)
	sum := got.Unallocated.Amount
	for _, a := range got.Accounts {
		sum = sum.Add(a.Amount)
	}
	if got.Total.String() != "118" || sum != got.Total || got.Unallocated.Amount.String() != "1" || got.Unallocated.Share != "0.0085" || len(got.Precedence) != 4 {
		t.Errorf("%+v", got)
	}
	r.bill(t, "aws")
	var nothing allocated
	r.get(t, "/v1/allocation", &nothing, ann)
	if nothing.Unallocated == nil && len(nothing.Accounts) == 0 {
		t.Errorf("what is nobody's is shown when there is nothing, too: %+v", nothing)
	}
}

func TestAnomalies_AreAnsweredWithTheirMethod(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", append(months(90), on(last-2, charge("500", "S3", "service", "cart")))...)
	var got detected
	r.get(t, "/v1/anomalies?entity=component:default/cart", &got, ann)
	if len(got.Anomalies) != 1 || got.Anomalies[0].Day != last-2 || got.Anomalies[0].Difference.String() != "500" || got.Anomalies[0].Keys["service"] != "S3" {
		t.Errorf("%+v", got.Anomalies)
	}
	if m := got.Method; m.Name != "median-mad-by-weekday" || m.WindowDays != 56 || m.Threshold != 3.5 || m.Minimum != 10 {
		t.Errorf("%+v", m)
	}
	r.get(t, "/v1/anomalies?minimum=501", &got, ann)
	if len(got.Anomalies) != 0 || got.Method.Minimum != 501 {
		t.Errorf("%+v", got)
	}
	for path, want := range map[string]string{"minimum=-1": "minimum:", "threshold=NaN": "threshold:", "from=2020-01-01": "from: 2020-01-01 is more than 366 days before"} {
		if res := r.Get("/v1/anomalies?"+path, ann); res.Status != http.StatusBadRequest || !strings.Contains(refusal(t, res), want) {
			t.Errorf("%s: %d %s", path, res.Status, res.Text())
		}
	}
}

func TestForecast_IsAnsweredWithItsMethodOrWithTheReasonWhyNot(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(9)...)
	var got foreseen
	r.get(t, "/v1/forecast?days=7", &got, ann)
	if got.Forecast != nil || !strings.HasPrefix(got.Reason, "a forecast needs 28 complete days of data; there are ") {
		t.Errorf("%+v", got)
	}
	r.bill(t, "aws", months(120)...)
	r.get(t, "/v1/forecast?days=14&entity=component:default/cart", &got, ann)
	if f := got.Forecast; f == nil || len(f.Days) != 14 || f.Expected.String() != "1300" || f.Method == "" || f.Backtest.Folds == 0 || f.Level != "0.8" {
		t.Errorf("%+v", got.Forecast)
	}
}

func TestCarbon_IsAnsweredWhereTheChargesTellIt(t *testing.T) {
	r := start(t, settings{})
	emitting := charge("4", "EC2", "service", "cart")
	emitting.Carbon, emitting.HasCarbon = money.MustParse("1.25"), true
	r.bill(t, "aws", emitting, charge("2", "S3", "service", "vault"))
	var got sums
	r.get(t, "/v1/carbon?granularity=total&groupBy=service", &got, ann)
	if got.Unit != "kg CO2e" || got.Total.String() != "1.25" || got.Currency != "" {
		t.Errorf("%+v", got)
	}
	got = sums{}
	r.get(t, "/v1/carbon?entity=component:default/vault", &got, ann)
	if len(got.Series) != 0 || !got.Total.IsZero() || len(got.Meta.Warnings) == 0 || !strings.Contains(got.Meta.Warnings[0], "tell no emissions") {
		t.Errorf("%+v", got)
	}
}

func TestDimensions_AreListedWithTheKeysOfTagsAndValues(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(5)...)
	if res := r.Get("/v1/dimensions", ann); !strings.Contains(res.Text(), `"tagKeys":["service"]`) || !strings.Contains(res.Text(), `"subAccount"`) {
		t.Error(res.Text())
	}
	if res := r.Get("/v1/dimensions?dimension=tag:service", ann); !strings.Contains(res.Text(), `"values":["cart","vault"]`) {
		t.Error(res.Text())
	}
	if res := r.Get("/v1/dimensions?dimension=colour", ann); res.Status != http.StatusBadRequest {
		t.Error(res.Text())
	}
}
