package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

const cartBudget = `{"entityRef":"component:default/cart","currency":"USD","amount":"2000","thresholds":[50,80,100]}`

// put writes a budget and answers its ETag.
func (r *rig) put(t *testing.T, id, body string) string {
	t.Helper()
	res := r.Do("PUT", "/v1/budgets/"+id, body, ann)
	if res.Status != http.StatusOK {
		t.Fatalf("%d %s", res.Status, res.Text())
	}
	return res.Header.Get("ETag")
}

func TestBudget_ShowsWhatIsSpentAndWhatIsExpected(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(100)...)
	r.put(t, "cart", cartBudget)
	var got budgetState
	r.get(t, "/v1/budgets/cart", &got, ann)
	// Until 20 November: 15 weekdays and 5 days of weekends; the month has 21 and 9.
	if got.State.Status != insight.ThresholdCrossed || got.State.Spent.String() != "1900" || got.State.Ratio.String() != "0.95" || len(got.State.Crossed) != 2 {
		t.Errorf("%+v", got.State)
	}
	if got.State.Expected == nil || got.State.Expected.String() != "2760" || got.State.Overrun.String() != "760" || got.Outlook.Forecast.Method == "" {
		t.Errorf("%+v", got.State)
	}
	if got.UpdatedBy != "user:default/ann" || !got.UpdatedAt.Equal(r.clock.Now()) {
		t.Errorf("%+v", got.Budget)
	}
	var whole summary
	r.get(t, "/v1/entities/component/default/cart/summary", &whole, ann)
	if len(whole.Budgets) != 1 || whole.Budgets[0].State.Spent.String() != "1900" {
		t.Errorf("the summary shows the budget: %+v", whole.Budgets)
	}
}

func TestBudget_OfAFilterOrOfEverythingIsForWhoMaySeeAllCosts(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(30)...)
	r.put(t, "all", `{"currency":"USD","amount":"9000"}`)
	r.put(t, "rds", `{"filter":"service=RDS","currency":"USD","amount":100}`)
	r.put(t, "vault", `{"entityRef":"Component:default/vault","currency":"USD","amount":"1"}`)
	r.put(t, "cart", cartBudget)
	spent := map[string]string{}
	var list struct{ Budgets []budgetState }
	r.get(t, "/v1/budgets", &list, ann)
	for _, b := range list.Budgets {
		spent[b.ID] = b.State.Spent.String()
	}
	if len(spent) != 4 || spent["all"] != "2060" || spent["rds"] != "140" || spent["vault"] != "140" {
		t.Errorf("%v", spent)
	}
	r.get(t, "/v1/budgets?entity=Component:default/Cart", &list, ann)
	if len(list.Budgets) != 1 || list.Budgets[0].ID != "cart" {
		t.Errorf("%+v", list)
	}
	r.Permissions.Deny(readAll.Name)
	list.Budgets = nil
	if r.get(t, "/v1/budgets", &list, eve); len(list.Budgets) != 1 || list.Budgets[0].ID != "cart" {
		t.Errorf("eve sees %+v", list.Budgets)
	}
	for path, want := range map[string]int{"/v1/budgets/all": 403, "/v1/budgets/vault": 404, "/v1/budgets/cart": 200, "/v1/budgets/none": 404, "/v1/budgets/%2F": 404} {
		if res := r.Get(path, eve); res.Status != want {
			t.Errorf("%s: %d %s, want %d", path, res.Status, res.Text(), want)
		}
	}
}

func TestBudget_OfAnEntityThatIsGoneIsForWhoMaySeeAllCosts(t *testing.T) {
	r := start(t, settings{})
	r.KV.Put("budget/old", []byte(`{"id":"old","name":"old","entityRef":"component:default/demolished","metric":"effective","currency":"USD","amount":"5","thresholds":[100]}`))
	var list struct{ Budgets []budgetState }
	if r.get(t, "/v1/budgets", &list, ann); len(list.Budgets) != 1 {
		t.Errorf("%+v", list)
	}
	r.Permissions.Deny(readAll.Name)
	if r.get(t, "/v1/budgets", &list, ann); len(list.Budgets) != 0 {
		t.Errorf("%+v", list)
	}
	if res := r.Do("DELETE", "/v1/budgets/old", nil, ann); res.Status != http.StatusForbidden {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	if res := r.Do("DELETE", "/v1/budgets/old", nil, ci); res.Status != http.StatusNoContent {
		t.Errorf("%d %s", res.Status, res.Text())
	}
}

func TestBudget_IsReplacedOnlyByWhoHasSeenIt(t *testing.T) {
	r := start(t, settings{})
	first := r.put(t, "cart", cartBudget)
	second := r.put(t, "cart", strings.Replace(cartBudget, "2000", "2500", 1))
	for _, c := range []struct {
		header, value string
		want          int
	}{
		{"If-Match", first, http.StatusConflict}, {"If-None-Match", "*", http.StatusConflict}, {"If-Match", second, http.StatusOK},
	} {
		if res := r.Do("PUT", "/v1/budgets/cart", cartBudget, ann, plugintest.Header(c.header, c.value)); res.Status != c.want {
			t.Errorf("%s %s: %d %s", c.header, c.value, res.Status, res.Text())
		}
	}
	if res := r.Do("PUT", "/v1/budgets/new", cartBudget, ann, plugintest.Header("If-Match", "*")); res.Status != http.StatusConflict {
		t.Errorf("there is none to be replaced: %d", res.Status)
	}
	if res := r.Do("DELETE", "/v1/budgets/cart", nil, ann, plugintest.Header("If-Match", first)); res.Status != http.StatusConflict {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	if res := r.Do("DELETE", "/v1/budgets/cart", nil, ann); res.Status != http.StatusNoContent {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	if res := r.Do("DELETE", "/v1/budgets/cart", nil, ann); res.Status != http.StatusNotFound {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	var events []string
	for _, e := range r.Audit.Written() {
		events = append(events, e.Event+" "+e.Actor)
	}
	if got := strings.Join(events, ", "); got != strings.Repeat("budget.write user:default/ann, ", 3)+"budget.delete user:default/ann" {
		t.Errorf("audited: %s", got)
	}
}

func TestBudget_RefusesWhatItCannotBe(t *testing.T) {
	r := start(t, settings{})
	for body, want := range map[string]string{
		`{`:                                 "body: it must be a budget as JSON",
		`{"amount":"NaN","currency":"USD"}`: "body: it must be a budget as JSON",
		`{"currency":"USD","amount":"1","period":"weekly"}`:                            `unknown field "period"`,
		`{"currency":"USD","amount":"0"}`:                                              "amount: 0 must be more than 0",
		`{"currency":"USD","amount":"1","filter":"colour=red"}`:                        `filter: "colour" is no dimension`,
		`{"currency":"USD","amount":"1","metric":"profit"}`:                            `metric: "profit" is none of`,
		`{"id":"other","currency":"USD","amount":"1"}`:                                 `id: "other" differs from that of the path, "cart"`,
		`{"currency":"USD","amount":"1","notify":["ann"]}`:                             `notify: "ann" must be`,
		`{"currency":"USD","amount":"1","name":"` + strings.Repeat("x", 70_000) + `"}`: "at most 65536 bytes",
	} {
		if res := r.Do("PUT", "/v1/budgets/cart", body, ann); res.Status != http.StatusBadRequest || !strings.Contains(refusal(t, res), want) {
			t.Errorf("%.60s: %d %.200s, want %s", body, res.Status, res.Text(), want)
		}
	}
	if res := r.Do("PUT", "/v1/budgets/cart", strings.Replace(cartBudget, "cart", "none", 1), ann); res.Status != http.StatusNotFound {
		t.Errorf("%d %s", res.Status, res.Text())
	}
	r.Permissions.Deny(writeBudgets.Name)
	for _, method := range []string{"PUT", "DELETE"} {
		if res := r.Do(method, "/v1/budgets/cart", cartBudget, ann); res.Status != http.StatusForbidden || !strings.Contains(refusal(t, res), "cost.budget.write") {
			t.Errorf("%s: %d %s", method, res.Status, res.Text())
		}
	}
	if len(r.Audit.Written()) != 0 {
		t.Errorf("%+v", r.Audit.Written())
	}
}

func TestBudget_InAnotherCurrencyIsAboutOtherCharges(t *testing.T) {
	r := start(t, settings{})
	euro := charge("9", "EC2", "service", "cart")
	euro.Currency = "EUR"
	r.bill(t, "aws", euro, charge("4", "EC2", "service", "cart"))
	r.put(t, "euros", strings.Replace(cartBudget, "USD", "EUR", 1))
	var got budgetState
	if r.get(t, "/v1/budgets/euros", &got, ann); got.State.Spent.String() != "9" || got.Problem != "" {
		t.Errorf("%+v", got)
	}
}

// told are the titles of messages, in order.
func (r *rig) told() []string {
	var titles []string
	for _, m := range r.Notifications.Sent() {
		titles = append(titles, m.Title)
	}
	return titles
}

func TestWatch_TellsOwnersOnceWhenAThresholdIsCrossed(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(100)...)
	r.put(t, "cart", cartBudget)
	r.put(t, "vault", `{"entityRef":"component:default/vault","currency":"USD","amount":"200","notify":["user:default/eve"]}`)
	r.put(t, "fine", `{"entityRef":"component:default/vault","currency":"USD","amount":"10000"}`)
	r.put(t, "ownerless", `{"filter":"service=S3","currency":"USD","amount":"1"}`)
	for range 2 {
		if err := r.RunTask("budgets"); err != nil {
			t.Fatal(err)
		}
	}
	sent := r.Notifications.Sent()
	if len(sent) != 2 || sent[0].Title != "Budget cart: 80% is spent" || sent[0].To[0] != "group:default/web" || sent[0].Link != "/catalog/default/component/cart" ||
		sent[0].Scope != "cost:budget:cart:2026-11:80" || !strings.Contains(sent[0].Description, "1900 of 2000 USD are spent in 2026-11, as of 2026-11-20. The month is expected to cost 2760.") {
		t.Fatalf("%+v", sent)
	}
	if sent[1].Title != "Budget vault will be exceeded" || sent[1].To[0] != "user:default/eve" || !strings.Contains(sent[1].Description, "expected to cost 210 USD, 10 more than the budget of 200") {
		t.Errorf("%+v", sent[1])
	}
	r.bill(t, "gcp", charge("150", "BigQuery", "service", "cart"))
	if err := r.RunTask("budgets"); err != nil {
		t.Fatal(err)
	}
	if got := r.told(); len(got) != 3 || got[2] != "Budget cart: 100% is spent" || r.Notifications.Sent()[2].Severity != "high" {
		t.Errorf("%v", got)
	}
	r.bill(t, "credits", on(last, charge("-100", "Credit", "service", "cart")))
	if err := r.RunTask("budgets"); err != nil || len(r.told()) != 3 {
		t.Errorf("it is no news that less than 100%% is spent again: %v %v", err, r.told())
	}
	r.clock.Advance(15 * 24 * time.Hour) // December: nothing is spent yet
	if err := r.RunTask("budgets"); err != nil {
		t.Fatal(err)
	}
	for _, title := range r.told()[3:] {
		if !strings.Contains(title, "will be exceeded") {
			t.Errorf("%s", title)
		}
	}
}

func TestWatch_TellsAnewOfABudgetThatWasMadeAnew(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(40)...)
	for n := range 2 {
		r.put(t, "cart", cartBudget)
		if err := r.RunTask("budgets"); err != nil || len(r.told()) != n+1 {
			t.Errorf("%v %v", err, r.told())
		}
		if res := r.Do("DELETE", "/v1/budgets/cart", nil, ann); res.Status != http.StatusNoContent {
			t.Errorf("%d %s", res.Status, res.Text())
		}
	}
	if keys := r.KV.Keys(); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
}

func TestWatch_TriesAgainWhatCouldNotBeTold(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(40)...)
	r.put(t, "cart", cartBudget)
	r.FailHost("GetBaseUrl", sdk.ErrServiceUnavailable)
	if err := r.RunTask("budgets"); err == nil || !strings.Contains(err.Error(), "budget cart") {
		t.Errorf("%v", err)
	}
	r.FailHost("GetBaseUrl", nil)
	r.FailHost("PutValue", sdk.ErrServiceUnavailable) // told, and not noted
	if err := r.RunTask("budgets"); err == nil {
		t.Error("it is not said that the note failed")
	}
	r.FailHost("PutValue", nil)
	if err := r.RunTask("budgets"); err != nil {
		t.Fatal(err)
	}
	sent := r.Notifications.Sent()
	if len(sent) != 2 || sent[0].Scope != sent[1].Scope {
		t.Errorf("the second message takes the place of the first: %+v", sent)
	}
}

func TestWatch_TellsNobodyWhereTheOperatorDoesNotWantIt(t *testing.T) {
	r := start(t, settings{NotifyOwners: new(false)})
	r.bill(t, "aws", months(40)...)
	r.put(t, "cart", cartBudget)
	if err := r.RunTask("budgets"); err != nil || len(r.told()) != 0 {
		t.Errorf("%v %v", err, r.told())
	}
}
