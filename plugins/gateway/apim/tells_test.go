package apim

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
)

func TestDriver_TellsAPIsAndPlans(t *testing.T) {
	r := start(t, nil)
	r.issue(t, "starter")
	if err := r.SetPlan(t.Context(), "shop", "orders", ""); err != nil { // makes the product without APIs, which is no plan
		t.Fatal(err)
	}
	if diff := cmp.Diff([]driver.API{
		{ID: "orders", Name: "Orders", BaseURL: "https://contoso.azure-api.example/orders", Plans: []driver.PlanID{"gold", "partner", "starter"}},
		{ID: "stock", Name: "Stock", BaseURL: "https://contoso.azure-api.example/stock/v1", Plans: []driver.PlanID{"gold", "partner"}},
	}, collect(t, r.APIs(t.Context()))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]driver.Plan{
		{ID: "gold", Name: "Gold", Limits: []driver.Limit{{Requests: 1000, Window: time.Minute}, {Requests: 100000, Window: 24 * time.Hour}}},
		{ID: "partner", Name: "Partner", Approval: true},
		{ID: "starter", Name: "Starter", Description: "50 calls a minute", Limits: []driver.Limit{{Requests: 50, Window: time.Minute}}},
	}, collect(t, r.Plans(t.Context()))); diff != "" {
		t.Error(diff)
	}
	own := start(t, func(o *Options) { o.GatewayURL = "https://api.example.com/" })
	p, err := own.Credential(t.Context(), "stock")
	if diff := cmp.Diff(driver.Presentation{URL: "https://api.example.com/stock/v1", Header: "X-Stock-Key", Query: "subscription-key"}, p); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := own.Credential(t.Context(), "none"); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestLimits_AreReadAsFarAsThePolicyCanBe(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		want   []driver.Limit
	}{
		"none":        {"<policies><inbound><base/></inbound></policies>", nil},
		"empty":       {"", nil},
		"both":        {`<policies><inbound><rate-limit calls="20" renewal-period="90"/><quota calls="10000" bandwidth="40000" renewal-period="3600"/></inbound></policies>`, []driver.Limit{{Requests: 20, Window: 90 * time.Second}, {Requests: 10000, Window: time.Hour}}},
		"by key":      {`<inbound><rate-limit-by-key calls="10" renewal-period="60" counter-key='@(context.Subscription?.Key ?? "x")'/></inbound>`, []driver.Limit{{Requests: 10, Window: time.Minute}}},
		"of an API":   {`<rate-limit calls="20" renewal-period="90"><api name="a" calls="5" renewal-period="60"/></rate-limit>`, []driver.Limit{{Requests: 20, Window: 90 * time.Second}}},
		"broken":      {`<inbound><rate-limit calls="20" renewal-period="90"/><set-body>@{ if (a < b) {`, []driver.Limit{{Requests: 20, Window: 90 * time.Second}}},
		"expressions": {`<rate-limit calls="@(10)" renewal-period="60"/><quota calls="-1" renewal-period="60"/><quota calls="1" renewal-period="9223372036854775807"/>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, limits(c.policy)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestName_IsReadAsItWasWritten(t *testing.T) {
	for _, n := range []name{{"shop", "orders", op1}, {"shop", "", op1}, {"a-b", "x~y.z-1", op1}} {
		if got, own := parseName(n.String()); !own || got != n {
			t.Errorf("%s is read as %+v", n, got)
		}
	}
	for _, foreign := range []string{"", "cb~", "cb~shop", "cb~shop~orders", "cb~~orders~x", "cb~shop~orders~", "master", "shop~orders~x"} {
		if n, own := parseName(foreign); own {
			t.Errorf("%q is read as %+v", foreign, n)
		}
	}
}

func FuzzMark_IsReadAsItWasWritten(f *testing.F) {
	f.Add("checkout")
	f.Add("x [2 abc]")
	f.Add(strings.Repeat("é", 200))
	f.Fuzz(func(t *testing.T, text string) {
		label := labelled(text)
		if got := readMark(mark{label: label, slot: 1}.String()); got.operation != "" || got.slot != 1 {
			t.Errorf("a label is read as %+v", got)
		}
		got := readMark(mark{label: label, slot: 2, operation: op1}.String())
		if !utf8.ValidString(label) {
			return
		}
		if got.slot != 2 || got.operation != op1 || !strings.HasPrefix(label, got.label) {
			t.Errorf("%q is read as slot %d of %q: %q", label, got.slot, got.operation, got.label)
		}
	})
}

func FuzzLimits_AreNeverBelowOne(f *testing.F) {
	f.Add(`<quota calls="5" renewal-period="60"/>`)
	f.Add(`<a b=`)
	f.Fuzz(func(t *testing.T, policy string) {
		for _, l := range limits(policy) {
			if l.Requests <= 0 || l.Window <= 0 {
				t.Errorf("limit %+v", l)
			}
		}
	})
}
