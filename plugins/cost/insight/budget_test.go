package insight_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
)

func budget(change func(*insight.Budget)) insight.Budget {
	b := insight.Budget{ID: "checkout", EntityRef: "component:default/checkout", Currency: "USD", Amount: money.MustParse("1000")}
	change(&b)
	return b
}

func TestBudget_NamesTheMemberThatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*insight.Budget){
		`id: "Check out" must be`:             func(b *insight.Budget) { b.ID = "Check out" },
		"name: it must have at most 200":      func(b *insight.Budget) { b.Name = strings.Repeat("x", 201) },
		"not for both":                        func(b *insight.Budget) { b.Filter = "service=EC2" },
		`entityRef: "checkout" must be kind`:  func(b *insight.Budget) { b.EntityRef = "checkout" },
		`currency: "dollars" must be a code`:  func(b *insight.Budget) { b.Currency = "dollars" },
		"amount: -5 must be more than 0":      func(b *insight.Budget) { b.Amount = money.MustParse("-5") },
		"thresholds: 0 must be a percentage":  func(b *insight.Budget) { b.Thresholds = []int{50, 0} },
		"thresholds: there must be at most":   func(b *insight.Budget) { b.Thresholds = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11} },
		`notify: "ann" must be kind:namespac`: func(b *insight.Budget) { b.Notify = []string{"ann"} },
	} {
		b := budget(change)
		if err := b.Check(); !errors.Is(err, sdk.ErrInput) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	b := budget(func(b *insight.Budget) { b.Thresholds = []int{100, 50, 100} })
	if err := b.Check(); err != nil || b.Name != "checkout" || b.Metric != "effective" || !slices.Equal(b.Thresholds, []int{50, 100}) {
		t.Errorf("%+v %v", b, err)
	}
}

func TestBudget_StateFollowsWhatIsSpentAndExpected(t *testing.T) {
	for _, c := range []struct {
		spent, expected string
		status          insight.BudgetStatus
		crossed         int
		overrun, ratio  string
	}{
		{"0", "", insight.WithinBudget, 0, "", "0"},
		{"799.99", "1000", insight.WithinBudget, 0, "", "0.8"},
		{"500", "1000.01", insight.OverrunForecast, 0, "0.01", "0.5"},
		{"800", "900", insight.ThresholdCrossed, 1, "", "0.8"},
		{"1000", "1000", insight.ThresholdCrossed, 2, "", "1"},
		{"1000.01", "1200", insight.Exceeded, 2, "200", "1"},
		{"-3", "0", insight.WithinBudget, 0, "", "-0.003"},
	} {
		b := budget(func(*insight.Budget) {})
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		var expected *money.Amount
		if c.expected != "" {
			expected = new(money.MustParse(c.expected))
		}
		s := b.StateOf("2026-11", money.MustParse(c.spent), expected)
		overrun := ""
		if s.Overrun != nil {
			overrun = s.Overrun.String()
		}
		if s.Status != c.status || len(s.Crossed) != c.crossed || overrun != c.overrun || s.Ratio.String() != c.ratio {
			t.Errorf("spent %s, expected %s: %+v (overrun %s)", c.spent, c.expected, s, overrun)
		}
	}
}
