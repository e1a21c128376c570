package insight_test

import (
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/cost/insight"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
)

// steady costs 100 on weekdays and 40 on weekends by EC2, and 10 a day by S3, until the day.
func steady(days int) *memory {
	m := &memory{complete: day}
	for d := day - ledger.Day(days) + 1; d <= day; d++ {
		amount := "100"
		if wd := d.Time().Weekday(); wd == time.Saturday || wd == time.Sunday {
			amount = "40"
		}
		compute, storage := charge(amount, "EC2", "service", "cart"), charge("10", "S3", "service", "cart")
		compute.Day, storage.Day = d, d
		m.charges = append(m.charges, compute, storage)
	}
	return m
}

func cart() insight.Scope {
	d := insight.NewDirectory(assignments, []sdk.Entity{annotated("cart"), annotated("other")})
	return insight.Scope{Directory: d, Refs: []string{"component:default/cart"}}
}

func TestSummary_ShowsTheLastCompleteDaysBesideThoseBefore(t *testing.T) {
	m := steady(100)
	today := charge("3", "EC2", "service", "cart") // of a day that is not complete
	today.Day = day + 1
	other := charge("1000", "EC2", "service", "other")
	former := charge("60", "S3", "service", "cart")
	former.Day = day - 35
	m.charges = append(m.charges, today, other, former)
	s, err := costs(m).Summarize(t.Context(), insight.SummaryQuestion{Scope: cart()})
	if err != nil {
		t.Fatal(err)
	}
	// 30 days until Friday, 20 November, have 22 weekdays, and so have the 30 before.
	if s.From != day-29 || s.To != day+1 || s.Total != money.FromUnits(22*100+8*40+300) || s.Currency != "USD" || len(s.Days) != 30 {
		t.Errorf("%s to %s: %s %s", s.From, s.To, s.Total, s.Currency)
	}
	if s.Previous.From != day-59 || s.Previous.Total != money.FromUnits(22*100+8*40+360) || s.Change.Amount != money.FromUnits(-60) || s.Change.Ratio != "-0.0208" {
		t.Errorf("before: %+v, change %+v", s.Previous, s.Change)
	}
	if len(s.Services) != 2 || s.Services[0].Service != "EC2" || s.Services[1].Amount != money.FromUnits(300) || s.Services[1].Share != "0.1064" {
		t.Errorf("services: %+v", s.Services)
	}
	// November has 21 weekdays; of the 20th the data is complete, and the 21st has begun.
	spent, expected := money.FromUnits(15*100+5*40+200+3), money.FromUnits(21*100+9*40+300)
	if s.Month.Spent != spent || s.Month.Through != day || s.Month.Forecast == nil || s.Month.Forecast.Expected != expected || len(s.Month.Forecast.Days) != 10 {
		t.Errorf("month: %+v %+v, want %s of %s", s.Month, s.Month.Forecast, spent, expected)
	}
}

func TestSummary_OfFewDaysSaysWhyThereIsNoForecast(t *testing.T) {
	s, err := costs(steady(9)).Summarize(t.Context(), insight.SummaryQuestion{Scope: cart()})
	if err != nil || s.Month.Forecast != nil || s.Month.Reason != "a forecast needs 28 complete days of data; there are 9" {
		t.Errorf("%+v %v", s.Month, err)
	}
	if s.Previous.Total.Sign() != 0 || s.Change.Ratio != "" {
		t.Errorf("compared with nothing: %+v", s.Change)
	}
}

func TestSummary_OfNothingIsNothing(t *testing.T) {
	s, err := costs(&memory{}).Summarize(t.Context(), insight.SummaryQuestion{Scope: cart()})
	if err != nil || !s.Total.IsZero() || s.Month.Forecast != nil || len(s.Services) != 0 || s.To-s.From != 30 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestOutlook_OfDataThatEndedLastMonthForeseesAllOfThisOne(t *testing.T) {
	m := steady(100)
	c := &insight.Costs{Ledger: m, Now: func() time.Time { return time.Date(2026, 12, 5, 9, 0, 0, 0, time.UTC) }}
	o, err := c.Outlook(t.Context(), cart(), ledger.Query{})
	if err != nil || o.Month != "2026-12" || !o.Spent.IsZero() || o.Through != day {
		t.Fatalf("%+v %v", o, err)
	}
	if want := money.FromUnits(23*100 + 8*40 + 310); o.Forecast.Expected != want || len(o.Forecast.Days) != 31 {
		t.Errorf("expected %s in %d days, want %s", o.Forecast.Expected, len(o.Forecast.Days), want)
	}
}

func TestDetect_NamesWhatWasUnusualAndWhen(t *testing.T) {
	m := steady(100)
	spike := charge("500", "S3", "service", "cart")
	spike.Day = day - 2
	begun := charge("900", "Redshift", "service", "cart") // a service that costs something for the first time
	begun.Day = day - 1
	incomplete := charge("1", "EC2", "service", "cart")
	incomplete.Day = day + 1
	m.charges = append(m.charges, spike, begun, incomplete)
	q := ledger.Query{From: day - 13, To: day + 2, GroupBy: []ledger.Dimension{ledger.Service}}
	found, _, err := costs(m).Detect(t.Context(), cart(), q, insight.DefaultDetection)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v %v", found, err)
	}
	if got := found[0]; got.Day != day-2 || got.Keys[ledger.Service] != "S3" || got.Amount != money.FromUnits(510) || got.Difference != money.FromUnits(500) {
		t.Errorf("%+v", got)
	}
}

func TestForesee_BeginsWithTheFirstDayThatIsNotComplete(t *testing.T) {
	f, _, reason, err := costs(steady(100)).Foresee(t.Context(), cart(), ledger.Query{}, 7)
	if err != nil || reason != "" || len(f.Days) != 7 || f.Days[0].Day != day+1 || f.Days[0].Amount != money.FromUnits(50) || f.Expected != money.FromUnits(5*100+2*40+70) {
		t.Errorf("%+v %v", f, err)
	}
	if f.Backtest.WAPE[f.Method] != "0.0000" || f.Level != "0.8" {
		t.Errorf("%+v", f)
	}
}
