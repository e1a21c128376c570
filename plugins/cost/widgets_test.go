package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// shown is the one frame of a widget.
func (r *rig) shown(t *testing.T, id string, q sdk.WidgetQuery) *frame.Frame {
	t.Helper()
	run := r.QueryWidget(id, q)
	if run.Err != nil || len(run.Frames) != 1 {
		t.Fatalf("%s: %v, %d frames", id, run.Err, len(run.Frames))
	}
	return run.Frames[0]
}

// row are the values of one row.
func row(f *frame.Frame, n int) []any {
	var out []any
	for _, c := range f.Columns {
		out = append(out, c.Values[n])
	}
	return out
}

func TestCostOverTime_IsStackedByService(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(40)...)
	f := r.shown(t, "cost-over-time", sdk.WidgetQuery{Entity: related("Component", "cart")})
	if f.Rows() != 30 || len(f.Columns) != 3 || f.Columns[1].Label != "EC2" || f.Columns[2].Label != "S3" || f.Columns[1].Unit != "USD" {
		t.Fatalf("%d rows, %+v", f.Rows(), f.Columns)
	}
	if got := row(f, 29); got[0] != last.Time() || got[1] != 100.0 || got[2] != 10.0 {
		t.Errorf("%v", got)
	}
	group := r.shown(t, "cost-over-time-of-parts", sdk.WidgetQuery{Entity: related("Group", "web"), From: (last - 1).Time(), To: (last + 1).Time()})
	if got := row(group, 1); group.Rows() != 2 || !slices.Equal(got, []any{last.Time(), 100.0, 10.0, 7.0}) {
		t.Errorf("%v", got)
	}
	year := r.shown(t, "cost-over-time", sdk.WidgetQuery{Entity: related("Component", "cart"), From: (last - 364).Time(), To: (last + 1).Time()})
	if year.Rows() != 13 {
		t.Errorf("a year is shown by months: %d", year.Rows())
	}
	if run := r.QueryWidget("cost-over-time", sdk.WidgetQuery{Entity: related("Component", "idle")}); run.Err != nil || len(run.Frames) != 0 {
		t.Errorf("nothing to show: %+v", run)
	}
}

func TestCostOverTime_ShowsOneCurrencyOrSaysWhichThereAre(t *testing.T) {
	r := start(t, settings{})
	euro := charge("9", "EC2", "service", "cart")
	euro.Currency = "EUR"
	r.bill(t, "aws", euro, charge("4", "S3", "service", "cart"))
	of := sdk.WidgetQuery{Entity: related("Component", "cart")}
	if run := r.QueryWidget("cost-over-time", of); !errors.Is(run.Err, sdk.ErrInput) || !strings.Contains(run.Err.Error(), "EUR and USD") {
		t.Error(run.Err)
	}
	of.Args = json.RawMessage(`{"currency":"EUR"}`)
	if f := r.shown(t, "cost-over-time", of); f.Columns[1].Unit != "EUR" || f.Columns[1].Values[29] != 9.0 {
		t.Errorf("%+v", f.Columns[1])
	}
}

func TestTopEntities_AlwaysShowWhatIsNobodys(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(80)...)
	f := r.shown(t, "cost-top-entities", sdk.WidgetQuery{From: (last - 6).Time(), To: (last + 1).Time()})
	if f.Rows() != 3 || row(f, 0)[0] != "Unallocated" || row(f, 0)[2] != 7.0 || row(f, 1)[1] != "component:default/cart" || row(f, 1)[2] != 650.0 || row(f, 1)[4] != 0.0 {
		t.Errorf("%v %v", row(f, 0), row(f, 1))
	}
	stat := r.shown(t, "cost-unallocated", sdk.WidgetQuery{})
	if got := row(stat, 0); !slices.Equal(got, []any{30.0, 30.0}) {
		t.Errorf("%v", got)
	}
	if run := start(t, settings{}).QueryWidget("cost-top-entities", sdk.WidgetQuery{}); run.Err != nil || len(run.Frames) != 0 {
		t.Errorf("without charges: %+v", run)
	}
}

func TestBudgetWidget_ListsBudgetsAndHowTheyAreDoing(t *testing.T) {
	r := start(t, settings{})
	r.bill(t, "aws", months(100)...)
	of := sdk.WidgetQuery{Entity: related("Component", "cart")}
	if run := r.QueryWidget("cost-budget", of); run.Err != nil || len(run.Frames) != 0 {
		t.Errorf("without budgets: %+v", run)
	}
	r.put(t, "cart", cartBudget)
	if got := row(r.shown(t, "cost-budget", of), 0); !slices.Equal(got, []any{"cart", "warn", "1900 of 2000 USD, 95 %", "2760 USD in 2026-11"}) {
		t.Errorf("%v", got)
	}
	r.put(t, "web", strings.Replace(cartBudget, "component:default/cart", "group:default/web", 1))
	if got := row(r.shown(t, "cost-budget-of-parts", sdk.WidgetQuery{Entity: related("Group", "web")}), 0); got[2] != "2040 of 2000 USD, 102 %" || got[1] != "danger" {
		t.Errorf("%v", got)
	}
}

func TestWidgets_OfEntitiesWithPartsNeedThePermissionToSeeAllCosts(t *testing.T) {
	r := start(t, settings{})
	list, err := pluginv1.NewWidgetsServiceClient(r.Conn()).ListWidgets(t.Context(), &pluginv1.ListWidgetsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range list.GetWidgets() {
		open := strings.HasPrefix(w.GetAppliesTo(), "kind:component")
		if (w.GetPermission() == "") != open {
			t.Errorf("%s, for %q, needs %q", w.GetId(), w.GetAppliesTo(), w.GetPermission())
		}
	}
	if run := r.QueryWidget("cost-over-time", sdk.WidgetQuery{}); !errors.Is(run.Err, sdk.ErrInput) {
		t.Errorf("without an entity: %v", run.Err)
	}
}
