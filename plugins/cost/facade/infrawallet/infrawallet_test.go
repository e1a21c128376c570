package infrawallet

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/plugins/cost/facade/facadetest"
	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// october, november are days of the bills; facadetest.Today is 22 November.
func october(d int) ledger.Day  { return ledger.Date(2026, time.October, d) }
func november(d int) ledger.Day { return ledger.Date(2026, time.November, d) }

// bills are of three clouds, one of which has no sub accounts.
func bills() []ledger.Charge {
	azure := facadetest.Charge(november(3), "Storage Accounts", "Storage", "7", "team", "R&D")
	azure.Provider, azure.BillingAccount, azure.BillingAccountName, azure.SubAccount, azure.SubAccountName = "Microsoft", "77", "Acme Ltd", "", ""
	google := facadetest.Charge(november(4), "Cloud SQL", "Databases", "2.25")
	google.Provider, google.SubAccount, google.SubAccountName = "Google Cloud", "gcp-1", ""
	tax := facadetest.Charge(november(1), "Tax", "Other", "1.5")
	tax.Category = "Tax"
	return []ledger.Charge{
		facadetest.Charge(october(31), "Amazon EC2", "Compute", "10", "service", "cart", "app", "cart", "team", "web"),
		facadetest.Charge(november(1), "Amazon EC2", "Compute", "20.5", "service", "cart", "app", "cart", "team", "web"),
		facadetest.Charge(november(2), "Amazon EC2", "Compute", "0.5", "service", "vault", "app", "vault"),
		facadetest.Charge(november(2), "Amazon S3", "Storage", "0.1", "service", "cart", "app", "cart", "team", "web"),
		facadetest.Charge(november(2), "Nothing", "Compute", "0"),
		tax, azure, google,
	}
}

// budgets keeps the plugin's budgets in memory. Eve may not change them.
type budgets struct {
	mu  sync.Mutex
	all []insight.Budget
}

func (b *budgets) Budgets(context.Context) ([]insight.Budget, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.all), nil
}

func (b *budgets) PutBudget(ctx context.Context, one insight.Budget) error {
	if err := facadetest.MayNot(ctx, "user:default/eve"); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = put(b.all, one, func(other insight.Budget) bool { return other.ID == one.ID })
	return nil
}

type rig struct {
	*plugintest.Harness

	budgets *budgets
}

func start(t *testing.T, charges ...ledger.Charge) rig {
	t.Helper()
	r := rig{budgets: &budgets{all: []insight.Budget{{ID: "of-a-team", Filter: "tag:team=web"}}}}
	r.Harness = facadetest.Start(t, "/facades/infrawallet", charges, func(host *sdk.Host, costs facadetest.Costs) http.Handler {
		return New(Options{
			Costs: costs, Budgets: r.budgets, Store: host.KV, Now: facadetest.Now,
			MayImport: func(ctx context.Context) error { return facadetest.MayNot(ctx, "user:default/eve") },
			Audit: func(ctx context.Context, event string, failure error, meta map[string]any) {
				_ = host.Audit.Write(ctx, sdk.AuditEvent{Event: event, Failed: failure != nil, Actor: sdk.Principal(ctx).Subject, Meta: meta})
			},
		})
	})
	return r
}

// client does what the frontend's InfraWalletApiClient does: it puts texts into addresses as they are, which browsers then
// escape in part, and takes answers whose body has another status than 200 for failures.
type client struct {
	t *testing.T
	r rig
}

// browser escapes what URL parsers of browsers do in a query.
var browser = strings.NewReplacer(" ", "%20", `"`, "%22", "<", "%3C", ">", "%3E", "#", "%23")

func (c client) fetch(method, path string, body any) map[string]any {
	c.t.Helper()
	res := c.r.Do(method, "/facades/infrawallet"+browser.Replace(path), body, facadetest.Ann)
	var got map[string]any
	res.JSON(c.t, &got)
	if got["status"] != 200.0 || res.Status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", method, path, res.Status, res.Text())
	}
	return got
}

// costReport is what the frontend reads of a report; project decides whether its card warns.
type costReport struct {
	ID, Provider, ProviderType, Account, Service, Category, Project string
	Reports                                                         map[string]float64
	Tags                                                            map[string]string
}

func (c client) reports(filters, tags, granularity string, start, end time.Time, entity string) []costReport {
	c.t.Helper()
	path := fmt.Sprintf("/reports?filters=%s&tags=%s&groups=&granularity=%s&startTime=%d&endTime=%d", filters, tags, granularity, start.UnixMilli(), end.UnixMilli())
	if entity != "" {
		path += "&entityName=" + entity
	}
	got := c.fetch(http.MethodGet, path, nil)
	if list, ok := got["errors"].([]any); !ok || len(list) != 0 {
		c.t.Fatalf("errors: %v", got["errors"])
	}
	var out []costReport
	for _, item := range got["data"].([]any) {
		out = append(out, c.report(item.(map[string]any)))
	}
	slices.SortFunc(out, func(a, b costReport) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (c client) report(m map[string]any) costReport {
	c.t.Helper()
	r := costReport{Reports: map[string]float64{}, Tags: map[string]string{}}
	members := map[string]*string{
		"id": &r.ID, "provider": &r.Provider, "providerType": &r.ProviderType, "account": &r.Account, "service": &r.Service,
		"category": &r.Category, "project": &r.Project,
	}
	for name, into := range members {
		text, ok := m[name].(string)
		if !ok || text == "" {
			c.t.Errorf("%s of %v is no text", name, m)
		}
		*into = text
	}
	for period, amount := range m["reports"].(map[string]any) {
		r.Reports[period] = amount.(float64)
	}
	for name, value := range m {
		if members[name] == nil && name != "reports" {
			r.Tags[name] = value.(string)
		}
	}
	return r
}

func TestTags_AreListed(t *testing.T) {
	r := start(t, bills()...)
	c := client{t, r}
	span := "&startTime=1793491200000&endTime=1795996800000"
	if got := c.fetch(http.MethodGet, "/tag-keys?provider=AWS"+span, nil)["data"]; !reflect.DeepEqual(got, []any{
		map[string]any{"key": "app", "provider": "AWS"}, map[string]any{"key": "service", "provider": "AWS"}, map[string]any{"key": "team", "provider": "AWS"},
	}) {
		t.Error(got)
	}
	if got := c.fetch(http.MethodGet, "/tag-values?provider=Azure&tag=team"+span, nil)["data"]; !reflect.DeepEqual(got, []any{
		map[string]any{"key": "team", "value": "R&D", "provider": "Azure"}, map[string]any{"key": "team", "value": "web", "provider": "Azure"},
	}) {
		t.Error(got)
	}
	for _, path := range []string{"/tag-keys?provider=AWS" + span, "/tag-values?tag=team&provider=AWS" + span, "/custom-costs"} {
		if res := r.Get("/facades/infrawallet"+path, facadetest.Eve); res.Status != http.StatusForbidden {
			t.Errorf("eve reads %s: %d %s", path, res.Status, res.Text())
		}
	}
	if res := r.Get("/facades/infrawallet/tag-values?provider=AWS"+span, facadetest.Ann); res.Status != http.StatusBadRequest {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestWallet_IsTheDefaultOne(t *testing.T) {
	r := start(t, bills()...)
	got := client{t, r}.fetch(http.MethodGet, "/default", nil)["data"].(map[string]any)
	if got["name"] != "default" || got["currency"] != "usd" || got["id"] != walletID || got["description"] == "" {
		t.Error(got)
	}
	for _, path := range []string{"/none", "/none/budgets", "/none/metrics", "/none/metrics-setting"} {
		if res := r.Get("/facades/infrawallet"+path, facadetest.Ann); res.Status != http.StatusNotFound || res.Text() != `{"error":"Wallet not found","status":404}` {
			t.Errorf("%s: %d %s", path, res.Status, res.Text())
		}
	}
	if res := r.Get("/facades/infrawallet/health", facadetest.Ann); res.Text() != `{"status":"ok"}` {
		t.Error(res.Text())
	}
}

func TestWallet_ChangesNothingOnAGet(t *testing.T) {
	r := start(t)
	res := r.Get("/facades/infrawallet/fetch_and_save_costs", facadetest.Ann)
	if res.Status != http.StatusMethodNotAllowed || !strings.Contains(res.Text(), "a GET must change nothing") {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	res = r.Do(http.MethodPost, "/facades/infrawallet/default/delete_cost_items", map[string]string{"provider": "AWS", "granularity": "daily"}, facadetest.Ann)
	if res.Status != http.StatusForbidden || !strings.Contains(res.Text(), `"status":403`) {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestBudgets_AreThePluginsOwn(t *testing.T) {
	r := start(t, bills()...)
	c := client{t, r}
	if got := c.fetch(http.MethodGet, "/default/budgets", nil)["data"]; !reflect.DeepEqual(got, []any{}) {
		t.Errorf("budgets of others are shown: %v", got)
	}
	for _, amount := range []any{500, "750.5"} {
		if got := c.fetch(http.MethodPut, "/default/budgets", map[string]any{"provider": "Azure", "name": "Azure", "amount": amount}); got["updated"] != true {
			t.Error(got)
		}
	}
	c.fetch(http.MethodPut, "/default/budgets", map[string]any{"id": "x", "provider": "AWS", "name": "All of AWS", "amount": 10})
	want := map[string]any{"id": "infrawallet-azure", "wallet_id": walletID, "provider": "Azure", "name": "Azure", "amount": 750.5}
	if got := c.fetch(http.MethodGet, "/default/budgets?provider=azure", nil)["data"]; !reflect.DeepEqual(got, []any{want}) {
		t.Error(got)
	}
	if got := c.fetch(http.MethodGet, "/default/budgets", nil)["data"].([]any); len(got) != 2 {
		t.Error(got)
	}
	kept, _ := r.budgets.Budgets(t.Context())
	b := kept[1]
	if f, err := insight.ParseFilter(b.Filter); err != nil || !slices.Contains(f.All[0].Values, "Microsoft") || b.Currency != "USD" || b.Metric != "effective" {
		t.Errorf("%+v %v", b, err)
	}
	for body, status := range map[string]int{
		`{"provider":"","amount":5}`: 400, `{"provider":"AWS","amount":-5}`: 400, `{"provider":"AWS","amount":"NaN"}`: 400, `{"provider":"AWS"`: 400, `<html>`: 400,
	} {
		if res := r.Do(http.MethodPut, "/facades/infrawallet/default/budgets", body, facadetest.Ann); res.Status != status {
			t.Errorf("%s: %d %s", body, res.Status, res.Text())
		}
	}
	if res := r.Do(http.MethodPut, "/facades/infrawallet/default/budgets", `{"provider":"AWS","amount":5}`, facadetest.Eve); res.Status != http.StatusForbidden {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestCustomCosts_AreKeptAndReported(t *testing.T) {
	r := start(t, bills()...)
	c := client{t, r}
	created := c.fetch(http.MethodPost, "/custom-costs", []map[string]any{
		{"provider": "Licences", "account": "office", "service": "Editor", "category": "Other", "usage_month": 202611, "cost": "90", "amortization_mode": "average", "tags": map[string]string{"team": "web", "provider": "no"}},
		{"provider": "Licences", "account": "office", "service": "Editor", "category": "Other", "usage_month": 202610, "cost": 31, "currency": "usd", "amortization_mode": "as_it_is", "tags": ""},
	})
	if created["created"] != 2.0 {
		t.Error(created)
	}
	from, to := quarter(time.UTC)
	got := c.reports("(providerType:Custom)", "()", "monthly", from, to, "")
	want := costReport{"Licences-office-Editor-Other", "Licences", "Custom", "office", "Editor", "Other", "office", map[string]float64{"2026-10": 31, "2026-11": 90}, map[string]string{"team": "web"}}
	if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v", got)
	}
	daily := c.reports("(provider:Licences)", "()", "daily", october(30).Time(), november(3).Time().Add(-time.Millisecond), "")
	if len(daily) != 1 || !reflect.DeepEqual(daily[0].Reports, map[string]float64{"2026-10-31": 31, "2026-11-01": 3, "2026-11-02": 3}) {
		t.Errorf("by day: %+v", daily)
	}
	listed := c.fetch(http.MethodGet, "/custom-costs", nil)["data"].([]any)
	first := listed[0].(map[string]any)
	if len(listed) != 2 || first["cost"] != 90.0 || first["usage_month"] != 202611.0 || first["currency"] != "USD" || first["id"] == "" {
		t.Errorf("%v", listed)
	}
	first["cost"] = 60
	updated := c.fetch(http.MethodPut, "/custom-cost", first)["updated"].(map[string]any)
	if updated["cost"] != 60.0 || updated["id"] != first["id"] {
		t.Error(updated)
	}
	for _, want := range []bool{true, false} {
		if got := c.fetch(http.MethodDelete, "/custom-cost", map[string]any{"id": first["id"]}); got["deleted"] != want {
			t.Errorf("deleted %v, want %v", got["deleted"], want)
		}
	}
	events := []string{}
	for _, e := range r.Audit.Written() {
		events = append(events, e.Event+" by "+e.Actor)
	}
	if text := strings.Join(events, ", "); text != "custom-cost.create by user:default/ann, custom-cost.write by user:default/ann, custom-cost.delete by user:default/ann, custom-cost.delete by user:default/ann" {
		t.Error(text)
	}
}

func TestCustomCosts_RefuseWhatIsNone(t *testing.T) {
	r := start(t, bills()...)
	good := map[string]any{"provider": "P", "account": "a", "usage_month": 202611, "cost": 1}
	with := func(name string, value any) map[string]any {
		out := maps.Clone(good)
		out[name] = value
		return out
	}
	for want, body := range map[string]any{
		"provider: ":                        with("provider", " "),
		"account: ":                         with("account", strings.Repeat("a", 201)),
		"usage_month: 202613":               with("usage_month", 202613),
		"usage_month: -202611":              with("usage_month", -202611),
		"currency: ":                        with("currency", "dollars"),
		"amortization_mode: ":               with("amortization_mode", "never"),
		"not a decimal number":              with("cost", "NaN"),
		"cannot be right":                   with("cost", 1e15),
		"body: it must be":                  "<html>",
		"body: it must be a custom cost as": with("tags", `{"a":`),
	} {
		if res := r.Do(http.MethodPut, "/facades/infrawallet/custom-cost", body, facadetest.Ann); res.Status != http.StatusBadRequest || !strings.Contains(res.Text(), want) {
			t.Errorf("want %q: %d %s", want, res.Status, res.Text())
		}
	}
	if res := r.Do(http.MethodPut, "/facades/infrawallet/custom-cost", good, facadetest.Eve); res.Status != http.StatusForbidden {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	if res := r.Do(http.MethodPost, "/facades/infrawallet/custom-costs", slices.Repeat([]any{good}, mostKept+1), facadetest.Ann); res.Status != http.StatusBadRequest || !strings.Contains(res.Text(), "at most 500 records") {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	c := client{t, r}
	c.fetch(http.MethodPut, "/custom-cost", with("currency", "EUR"))
	from, to := quarter(time.UTC)
	res := r.Get("/facades/infrawallet/reports?filters=()&tags=()&granularity=monthly&startTime="+strconv.FormatInt(from.UnixMilli(), 10)+"&endTime="+strconv.FormatInt(to.UnixMilli(), 10), facadetest.Ann)
	if res.Status != http.StatusBadRequest || !strings.Contains(res.Text(), "is in EUR, other costs are in USD") {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestCustomCosts_ManyAtOnceAreAllKept(t *testing.T) {
	r := start(t)
	var posts sync.WaitGroup
	for i := range 5 {
		posts.Go(func() {
			body := []map[string]any{{"provider": "P" + strconv.Itoa(i), "account": "a", "usage_month": 202611, "cost": 1}}
			if res := r.Do(http.MethodPost, "/facades/infrawallet/custom-costs", body, facadetest.Ann); res.Status != http.StatusOK {
				t.Error(res.Text())
			}
		})
	}
	posts.Wait()
	if got := (client{t, r}).fetch(http.MethodGet, "/custom-costs", nil)["data"].([]any); len(got) != 5 {
		t.Errorf("%d of 5 are kept", len(got))
	}
}

func TestMetricSettings_AreKeptAndNoMetricIsEverThere(t *testing.T) {
	r := start(t)
	c := client{t, r}
	setting := map[string]any{"id": "m1", "wallet_id": walletID, "metric_provider": "datadog", "config_name": "main", "metric_name": "Orders", "description": "a day", "group": "g", "query": "sum:orders"}
	if got := c.fetch(http.MethodPut, "/default/metrics-setting", setting); got["updated"] != true {
		t.Error(got)
	}
	if got := c.fetch(http.MethodGet, "/default/metrics-setting", nil)["data"]; !reflect.DeepEqual(got, []any{setting}) {
		t.Error(got)
	}
	if got := c.fetch(http.MethodGet, "/default/metrics?granularity=daily&startTime=1&endTime=2", nil); !reflect.DeepEqual(got["data"], []any{}) {
		t.Error(got)
	}
	if got := c.fetch(http.MethodGet, "/metric/metric-configs", nil)["data"]; !reflect.DeepEqual(got, []any{}) {
		t.Error(got)
	}
	if got := c.fetch(http.MethodDelete, "/default/metrics-setting", map[string]any{"id": "m1"}); got["deleted"] != true {
		t.Error(got)
	}
	delete(setting, "query")
	if res := r.Do(http.MethodPut, "/facades/infrawallet/default/metrics-setting", setting, facadetest.Ann); res.Status != http.StatusBadRequest {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}
