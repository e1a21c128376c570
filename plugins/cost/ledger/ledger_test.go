package ledger

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/plugins/cost/money"
	"github.com/callboard/callboard/sdk"
)

func TestLedger_ReplacesAWholePeriodOfASource(t *testing.T) {
	l := openTest(t)
	replace(t, l, "aws", "1", usage("2026-10-31", "EC2", "1"), usage("2026-11-01", "EC2", "2"), usage("2026-11-02", "S3", "4"))
	replace(t, l, "azure", "1", usage("2026-11-02", "VM", "8"))
	i := replace(t, l, "aws", "2", usage("2026-11-02", "EC2", "16"))
	same(t, "after the second run", list(query(t, l, Query{GroupBy: []Dimension{Source, BillingPeriod, Service}}), Source, BillingPeriod, Service),
		[]string{"aws 2026-11 EC2 16", "azure 2026-11 VM 8", "aws 2026-10 EC2 1"})
	if i.Charges != 1 || len(i.Partitions) != 1 || i.Partitions[0].Run != "2" || i.Partitions[0].Unchanged {
		t.Errorf("import is %+v", i)
	}
	parts, err := l.Partitions(t.Context())
	if err != nil || len(parts) != 3 || parts[0].Period != "2026-10" || parts[0].Run != "1" || parts[1].Charges != 1 {
		t.Errorf("partitions are %+v, %v", parts, err)
	}
	if err := l.Remove(t.Context(), "azure", "2026-11"); err != nil {
		t.Fatal(err)
	}
	if err := l.Remove(t.Context(), "azure", "2026-11"); !errors.Is(err, sdk.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if got := query(t, l, Query{}).Total; got != money.FromUnits(17) {
		t.Errorf("total is %s", got)
	}
}

func TestLedger_ImportsTheSameContentOnce(t *testing.T) {
	l := openTest(t)
	charges := random(1, 3000)
	first := replace(t, l, "aws", "1", charges...)
	before := query(t, l, Query{}).Total
	slices.Reverse(charges) // order does not matter
	again := replace(t, l, "aws", "2", charges...)
	if query(t, l, Query{}).Total != before {
		t.Error("the total has changed")
	}
	for i, p := range again.Partitions {
		if !p.Unchanged || p.Content != first.Partitions[i].Content || p.Run != "2" {
			t.Errorf("%s is imported again: %+v", p.Period, p)
		}
	}
	charges[0].Billed = charges[0].Billed.Add(money.MustParse("1e-18"))
	changed := 0
	for _, p := range replace(t, l, "aws", "3", charges...).Partitions {
		if !p.Unchanged {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d periods have changed, want 1", changed)
	}
	imports, err := l.Imports(t.Context(), 2)
	if err != nil || len(imports) != 2 || imports[0].Run != "3" || imports[1].Run != "2" || len(imports[1].Partitions) != len(first.Partitions) {
		t.Errorf("imports are %+v, %v", imports, err)
	}
	if staged := countSegments(t, l, "partition_id IS NULL"); staged != 0 {
		t.Errorf("%d staged segments are left", staged)
	}
}

func TestLedger_KeepsWhatItHasWhenAnImportFails(t *testing.T) {
	broken := errors.New("line 7 is torn")
	late := usage("2026-11-03", "EC2", "1")
	late.Day = 1 << 20
	foreign := usage("2026-10-03", "EC2", "1")
	bare := usage("2026-11-03", "EC2", "1")
	bare.Currency = ""
	huge := usage("2026-11-03", "EC2", "170141183460469231731")
	invalid := usage("2026-11-03", "EC2\xff", "1")
	for name, c := range map[string]struct {
		charges iter.Seq2[Charge, error]
		want    string
	}{
		"read error": {func(yield func(Charge, error) bool) {
			_ = yield(usage("2026-11-03", "S3", "5"), nil) && yield(Charge{}, broken)
		}, "line 7 is torn"},
		"day":         {stream(late), "1970"},
		"period":      {stream(foreign), "2026-10"},
		"no currency": {stream(bare), "currency"},
		"overflow":    {stream(huge, huge), "out of range"},
		"no UTF-8":    {stream(invalid), "UTF-8"},
		"several chunks": {func(yield func(Charge, error) bool) {
			_ = yieldAll(yield, random(2, 5000), "2026-11") && yield(Charge{}, broken)
		}, "torn"},
	} {
		t.Run(name, func(t *testing.T) {
			l := openTest(t)
			replace(t, l, "aws", "1", usage("2026-11-01", "EC2", "2"))
			l.room = 10_000
			_, err := l.Replace(t.Context(), Batch{Source: "aws", Period: "2026-11", Run: "2"}, c.charges)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one about %q", err, c.want)
			}
			same(t, "content", list(query(t, l, Query{GroupBy: []Dimension{Service}}), Service), []string{"EC2 2"})
			if staged := countSegments(t, l, "partition_id IS NULL"); staged != 0 {
				t.Errorf("%d staged segments are left", staged)
			}
		})
	}
}

func yieldAll(yield func(Charge, error) bool, list []Charge, period Period) bool {
	for _, c := range list {
		if c.Period = period; !yield(c, nil) {
			return false
		}
	}
	return true
}

func TestLedger_AnswersWhileItImports(t *testing.T) {
	l := openTest(t)
	l.room = 50_000
	replace(t, l, "aws", "1", usage("2026-11-01", "EC2", "2"))
	n := 0
	_, err := l.Replace(t.Context(), Batch{Source: "aws", Run: "2"}, func(yield func(Charge, error) bool) {
		for _, c := range random(4, 2000) {
			if n++; n%500 == 0 {
				if got := query(t, l, Query{From: Date(2026, 11, 1), To: Date(2026, 11, 2)}).Total; got != money.FromUnits(2) {
					t.Errorf("after %d charges the total is %s", n, got)
				}
			}
			if c.Period = "2026-11"; !yield(c, nil) {
				return
			}
		}
	})
	if err != nil || n != 2000 || query(t, l, Query{}).Total == money.FromUnits(2) {
		t.Errorf("%d charges, %v", n, err)
	}
}

func TestLedger_AnEmptyImportChangesNothing(t *testing.T) {
	l := openTest(t)
	replace(t, l, "aws", "1", usage("2026-11-01", "EC2", "2"))
	if i := replace(t, l, "aws", "2"); len(i.Partitions) != 0 {
		t.Errorf("partitions are %+v", i.Partitions)
	}
	if got := query(t, l, Query{}).Total; got != money.FromUnits(2) {
		t.Errorf("total is %s", got)
	}
}

func TestLedger_KnowsTheLastCompleteDay(t *testing.T) {
	l := openTest(t) // it is the 22nd at noon
	replace(t, l, "aws", "1", usage("2026-11-20", "EC2", "1"))
	replace(t, l, "azure", "1", usage("2026-11-21", "VM", "1"))
	replace(t, l, "old", "1", usage("2026-10-01", "VPS", "1"))
	r := query(t, l, Query{})
	if r.LastCompleteDay != Date(2026, 11, 20) {
		t.Errorf("last complete day is %s", r.LastCompleteDay)
	}
	for i, want := range []string{"aws 2026-11-20 2026-11-20 false", "azure 2026-11-21 2026-11-20 false", "old 2026-10-01 2026-10-01 true"} {
		s := r.Sources[i]
		if got := strings.Join([]string{s.Source, s.LastDay.String(), s.LastCompleteDay.String(), map[bool]string{true: "true", false: "false"}[s.Stale]}, " "); got != want {
			t.Errorf("source %d is %s, want %s", i, got, want)
		}
	}
	if r := query(t, l, Query{Filter: Where(Is(Source, "old"))}); r.LastCompleteDay != Date(2026, 10, 1) || len(r.Sources) != 1 {
		t.Errorf("of one source: %s, %+v", r.LastCompleteDay, r.Sources)
	}
	all, err := l.Sources(t.Context())
	if err != nil || len(all) != 3 || !all[2].Stale {
		t.Errorf("sources are %+v, %v", all, err)
	}
}

func TestLedger_ListsValuesAndTags(t *testing.T) {
	l := openTest(t)
	replace(t, l, "aws", "1", usage("2026-11-01", "EC2", "1", "team", "booking-crew", "env", ""), usage("2026-11-02", "", "1", "team", "quayside-web"))
	replace(t, l, "aws", "2", usage("2026-09-01", "S3", "1", "old", "yes"))
	from, to := Date(2026, 11, 1), Date(2026, 12, 1)
	for d, want := range map[Dimension][]string{
		Service: {"EC2"}, Tag("team"): {"booking-crew", "quayside-web"}, Tag("env"): nil, Tag("none"): nil, Source: {"aws"}, BillingPeriod: {"2026-11"},
	} {
		got, err := l.Values(t.Context(), d, from, to, 10)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("values of %s are %q, %v", d, got, err)
		}
	}
	if got, err := l.Values(t.Context(), Tag("team"), from, to, 1); err != nil || len(got) != 1 {
		t.Errorf("one value: %q, %v", got, err)
	}
	if got, err := l.TagKeys(t.Context(), from, to, 10); err != nil || !slices.Equal(got, []string{"env", "team"}) {
		t.Errorf("keys are %q, %v", got, err)
	}
	for _, d := range []Dimension{"colour", ByRule, tagColumn, "tag:"} {
		if _, err := l.Values(t.Context(), d, from, to, 10); !errors.Is(err, sdk.ErrInput) {
			t.Errorf("values of %q: %v", d, err)
		}
	}
}

func countSegments(t *testing.T, l *Ledger, where string) (n int) {
	t.Helper()
	if err := l.count(t.Context(), where, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
