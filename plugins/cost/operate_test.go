package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
)

func TestSettings_HaveASchemaThatIsUpToDate(t *testing.T) {
	start(t, settings{}).WantSettingsSchema("settings.schema.json")
}

func TestSettings_AreRefusedWithTheReason(t *testing.T) {
	r := start(t, settings{})
	for text, s := range map[string]string{
		`assignments[0].dimension: "colour" is no dimension`: `{"assignments":[{"dimension":"colour","kinds":["component"]}]}`,
		"/assignments/0/kinds":                               `{"assignments":[{"dimension":"tag:app","kinds":[]}]}`,
		"catalogRefresh":                                     `{"catalogRefresh":"0s"}`,
		"/anomalies/threshold":                               `{"anomalies":{"threshold":0.5}}`,
		`counted: "colour" is no dimension`:                  `{"counted":"colour=red"}`,
		"estimates: price book":                              `{"estimates":{"priceBook":"none.csv"}}`,
		"/assignmets":                                        `{"assignmets":[]}`,
	} {
		if err := r.Configure(json.RawMessage(s)); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v, want %s", s, err, text)
		}
	}
}

func TestSettings_SayHowChargesGetToEntities(t *testing.T) {
	r := start(t, settings{Assignments: []assignment{{Dimension: "Tag:app", Kinds: []string{"Component"}}, {Dimension: "subAccountName", Kinds: []string{"system"}}}})
	account := charge("5", "EC2", "service", "cart")
	account.SubAccount, account.SubAccountName = "1234", "Shop"
	r.bill(t, "aws", charge("3", "EC2", "app", "vault"), account, charge("1", "EC2", "service", "cart"))
	var got allocated
	r.get(t, "/v1/allocation", &got, ann)
	if len(got.Accounts) != 2 || got.Accounts[0].EntityRef != "system:default/shop" || got.Accounts[1].EntityRef != "component:default/vault" || got.Unallocated.Amount.String() != "1" {
		t.Errorf("%+v", got)
	}
}

func TestSettings_LeaveOutWhatTwoSourcesTell(t *testing.T) {
	r := start(t, settings{Counted: "provider!=OpenCost; service=RDS"})
	pods, rds := charge("50", "Kubernetes", "service", "cart"), charge("4", "RDS", "service", "cart")
	pods.Provider, rds.Provider = "OpenCost", "OpenCost"
	r.bill(t, "aws", charge("60", "EC2", "service", "cart"), charge("7", "EC2"))
	r.bill(t, "opencost", pods, rds)
	for path, want := range map[string]string{
		"/v1/query?granularity=total": "71", "/v1/query?granularity=total&entity=component:default/cart": "64",
		"/v1/query?granularity=total&filter=service=EC2;service=Kubernetes": "67", "/v1/allocation": "71",
	} {
		var got struct{ Total string }
		if r.get(t, path, &got, ann); got.Total != want {
			t.Errorf("%s: %s, want %s", path, got.Total, want)
		}
	}
}

func TestHealth_TellsWhatAnOperatorShouldLookAt(t *testing.T) {
	r := start(t, settings{})
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), "no charges have been imported") {
		t.Error(err)
	}
	r.bill(t, "aws", months(5)...)
	if err := r.Health(); err != nil {
		t.Error(err)
	}
	r.Get("/v1/allocation", ann) // reads the catalog
	if err := r.Health(); err == nil || !strings.Contains(err.Error(), `component:default/broken: annotation callboard.dev/cost-filter: "flavour" is no dimension`) {
		t.Error(err)
	}
	r.bill(t, "gcp", on(last-20, charge("1", "BigQuery")))
	r.clock.Advance(72 * time.Hour)
	r.FailHost("QueryEntities", sdk.ErrServiceUnavailable)
	r.Get("/v1/allocation", ann)
	var got reported
	r.get(t, "/health", &got, ann)
	text := strings.Join(got.Problems, "\n")
	for _, want := range []string{"source gcp has brought nothing after 2026-10-31", "the data is complete until 2026-11-20, 4 days ago", "the catalog cannot be read"} {
		if got.Status != "degraded" || !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

func TestCatalog_IsUsedAsItWasWhileItCannotBeRead(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(5)...)
	r.FailHost("QueryEntities", sdk.ErrServiceUnavailable)
	if res := r.Get("/v1/allocation", ann); res.Status != 503 {
		t.Errorf("it was never read: %d %s", res.Status, res.Text())
	}
	r.FailHost("QueryEntities", nil)
	var before, after allocated
	r.get(t, "/v1/allocation?from=2026-11-20&to=2026-11-21", &before, ann)
	r.FailHost("QueryEntities", sdk.ErrServiceUnavailable)
	r.clock.Advance(time.Hour)
	r.get(t, "/v1/allocation?from=2026-11-20&to=2026-11-21", &after, ann)
	if len(after.Accounts) != 2 || before.Total != after.Total {
		t.Errorf("%+v", after)
	}
	r.FailHost("QueryEntities", nil)
	r.Catalog.Put(related("Component", "late"))
	r.bill(t, "gcp", charge("4", "BigQuery", "service", "late"))
	r.clock.Advance(retryAfter + time.Second)
	r.get(t, "/v1/allocation?from=2026-11-20&to=2026-11-21", &after, ann)
	if len(after.Accounts) != 3 {
		t.Errorf("what is new in the catalog is seen: %+v", after.Accounts)
	}
}

func TestCatalog_OfAHostThatHasJustStartedIsReadAgainInSeconds(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(5)...)
	r.bill(t, "gcp", charge("4", "BigQuery", "service", "late"))
	var before, after allocated
	r.get(t, "/v1/allocation?from=2026-11-20&to=2026-11-21", &before, ann)
	r.Catalog.Put(related("Component", "late"))
	r.clock.Advance(settlingLife)
	r.get(t, "/v1/allocation?from=2026-11-20&to=2026-11-21", &after, ann)
	if len(after.Accounts) != len(before.Accounts)+1 || before.Total != after.Total {
		t.Errorf("%+v, then %+v", before.Accounts, after.Accounts)
	}
}

func TestStaleData_IsAnsweredWithItsAge(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(50)...)
	r.clock.Advance(10 * 24 * time.Hour)
	var got summary
	r.get(t, "/v1/entities/component/default/cart/summary", &got, ann)
	if *got.Meta.AgeDays != 11 || got.To != last+1 || !strings.Contains(strings.Join(got.Meta.Warnings, "\n"), "the data is complete until 2026-11-20, 11 days ago") {
		t.Errorf("%+v", got.Meta)
	}
	frames := r.QueryWidget("cost-over-time", sdk.WidgetQuery{Entity: related("Component", "cart")}).Frames
	if label := frames[0].Columns[0].Label; label != "Day, as of 2026-11-20" {
		t.Errorf("%q", label)
	}
}

func TestSearch_FindsWhoUsesAService(t *testing.T) {
	r := start(t, settings{})
	euro := charge("9.999", "BigQuery", "service", "cart")
	euro.Currency = "EUR"
	r.bill(t, "aws", append(months(40), euro)...)
	docs, err := r.Collect(documentType)
	if err != nil || len(docs) != 2 {
		t.Fatalf("%+v %v", docs, err)
	}
	if got := docs[0]; got.EntityRef != "component:default/cart" || got.Title != "Costs of cart" || got.Location != "/catalog/default/component/cart" ||
		got.Text != "In 30 days: EC2 2520 USD, S3 300 USD, BigQuery 10 EUR" {
		t.Errorf("%+v", got)
	}
	if docs, err := start(t, settings{}).Collect(documentType); err != nil || len(docs) != 0 {
		t.Errorf("without charges: %+v %v", docs, err)
	}
}
