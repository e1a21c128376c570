package main

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/plugintest"
)

func TestWidget_ListsOpenIssues(t *testing.T) {
	r := start(t)
	run := r.QueryWidget("open-issues", sdk.WidgetQuery{Entity: shop[0], Args: []byte(`{"top":2}`)})
	if run.Err != nil || run.Frames[0].Rows() != 2 {
		t.Fatalf("%+v", run)
	}
	title := run.Frames[0].Column("issue")
	if title.Values[0] != "panic: runtime error: index out of range [3] with length 3" || title.Links[0] != origin+"/organizations/acme/issues/700100203/" {
		t.Errorf("%+v", title)
	}
	run = r.QueryWidget("open-issues", sdk.WidgetQuery{Entity: shop[0], Args: []byte(`{"query":"is:resolved"}`)})
	if run.Err != nil || run.Frames[0].Rows() != 1 || run.Frames[0].Column("events").Values[0] != 31.0 {
		t.Errorf("%+v", run)
	}
}

func TestWidget_DrawsEventsOverTime(t *testing.T) {
	r := start(t)
	run := r.QueryWidget("events", sdk.WidgetQuery{Entity: shop[0]})
	if run.Err != nil || run.Frames[0].Rows() < 90 {
		t.Fatalf("%+v", run)
	}
	sum := 0.0
	for _, v := range run.Frames[0].Column("events").Values {
		sum += v.(float64)
	}
	if sum < 200 || sum > 300 { // 278 events a day
		t.Errorf("%g events", sum)
	}
	q := sdk.WidgetQuery{Entity: shop[0], From: now.Add(-36*time.Hour - 17*time.Second), To: now.Add(-time.Second), MaxPoints: 40}
	if run = r.QueryWidget("events", q); run.Err != nil || run.Frames[0].Rows() < 36 || run.Frames[0].Rows() > 40 {
		t.Errorf("%+v", run)
	}
}

func TestWidget_ComparesTheCrashFreeRate(t *testing.T) {
	r := start(t)
	for _, q := range []sdk.WidgetQuery{{Entity: shop[0]}, {Entity: shop[0], From: now.Add(-24 * time.Hour), To: now}} {
		run := r.QueryWidget("crash-free", q)
		if run.Err != nil || len(run.Frames) != 1 {
			t.Fatalf("%+v", run)
		}
		rate, before := run.Frames[0].Columns[0].Values[0].(float64), run.Frames[0].Columns[1].Values[0].(float64)
		if math.Abs(rate-99.62) > 1e-6 || math.Abs(before-99.52) > 1e-6 {
			t.Errorf("%g %g", rate, before)
		}
	}
}

func TestWidgets_ShowNothingWhereThereIsNothing(t *testing.T) {
	r := start(t)
	quiet := annotated("stock", "inventory") // reports no sessions
	if run := r.QueryWidget("crash-free", sdk.WidgetQuery{Entity: quiet}); run.Err != nil || len(run.Frames) != 0 {
		t.Errorf("%+v", run)
	}
	for _, id := range []string{"open-issues", "events", "crash-free"} {
		for _, e := range []sdk.Entity{nil, plugintest.Component("plain")} {
			if run := r.QueryWidget(id, sdk.WidgetQuery{Entity: e}); run.Err != nil || len(run.Frames) != 0 {
				t.Errorf("%s: %+v", id, run)
			}
		}
	}
}

func TestWidgets_RefuseNumbersThatAreNone(t *testing.T) {
	for path, text := range map[string]string{
		"events-stats": `{"data":[[1e300,[{"count":1}]]]}`,
		"sessions":     `{"groups":[{"totals":{"crash_free_rate(session)":99.5}}]}`,
	} {
		r := start(t)
		r.sentry.Fail(path, -1, said(http.StatusOK, "application/json", text))
		id := map[string]string{"events-stats": "events", "sessions": "crash-free"}[path]
		if run := r.QueryWidget(id, sdk.WidgetQuery{Entity: shop[0]}); run.Err == nil {
			t.Errorf("%s: %+v", path, run.Frames[0])
		}
	}
}

func TestStats_AreAnsweredByEntity(t *testing.T) {
	r := start(t)
	var got struct {
		Items                                []point
		Meta                                 about
		CrashFreeRate, PreviousCrashFreeRate *float64
	}
	r.Get("/v1/entities/component/default/shop/stats?period=14d", ann).JSON(t, &got)
	if len(got.Items) < 28 || got.CrashFreeRate == nil || *got.CrashFreeRate != 0.9962 || got.PreviousCrashFreeRate == nil || got.Meta.Project != "checkout" {
		t.Errorf("%d %+v", len(got.Items), got.Meta)
	}
	r.sentry.Fail("/sessions/", -1, said(http.StatusNotFound, "application/json", `{}`)) // of a server without them
	r.advance(time.Hour)
	var part stats
	r.Get("/v1/entities/component/default/shop/stats?period=14d", ann).JSON(t, &part)
	if events, _ := part.Items.([]any); len(events) < 28 || part.CrashFree != nil || !strings.Contains(part.CrashFreeError, "knows no organizations/acme/sessions") {
		t.Errorf("%+v", part)
	}
	r.refused(t, "/v1/entities/component/default/shop/stats?period=1y", http.StatusBadRequest, "period", ann)
}

func TestReleases_AreAnsweredByEntity(t *testing.T) {
	r := start(t)
	var got struct {
		Items []release
		Meta  about
	}
	r.Get("/v1/entities/component/default/shop/releases", ann).JSON(t, &got)
	if len(got.Items) != 2 || got.Items[0].Version != "checkout@1.4.1" || got.Items[0].ShortVersion != "1.4.1" || got.Items[0].ReleasedAt == nil {
		t.Errorf("%+v", got)
	}
}

func TestWindows_AreSharedAndComparable(t *testing.T) {
	day := windowFrom(now.Add(-24*time.Hour+time.Second), now.Add(time.Second), "24h")
	if other := windowFrom(now.Add(-24*time.Hour), now, "24h"); day.start.Sub(other.start).Abs() > time.Hour {
		t.Error(day, other)
	}
	for _, w := range []window{{period: "7d"}, day} {
		if w.previous().length() != w.length() {
			t.Error(w, w.previous())
		}
	}
	if got := (window{period: "7d"}).previous().params().Encode(); got != "statsPeriodEnd=168h&statsPeriodStart=336h" {
		t.Error(got)
	}
	for _, odd := range [][2]time.Time{{}, {now, now}, {now, now.Add(-time.Hour)}, {time.Time{}.Add(1), now}} {
		if w := windowFrom(odd[0], odd[1], "24h"); w.period != "24h" {
			t.Error(odd, w)
		}
	}
	if w := windowFrom(now, now.Add(time.Second), "24h"); w.length() != time.Minute {
		t.Error(w)
	}
}

func FuzzLenientQuery(f *testing.F) {
	for _, q := range []string{"statsPeriod=24h&query=is:unresolved level:error a+b&x=1", "query=100%", "=&&;%zz=%"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := lenient(raw)
		if exact, err := url.ParseQuery(raw); err == nil && !strings.Contains(raw, "%") && exact.Get("query") != got.Get("query") {
			t.Errorf("%q: %q, want %q", raw, got.Get("query"), exact.Get("query"))
		}
	})
}

func FuzzIssue(f *testing.F) {
	f.Add([]byte(`[{"metadata":null,"stats":{"24h":[[1,2]]},"count":"1","userCount":"0x1p4"}]`), "24h")
	f.Add([]byte(`[{"stats":{"auto":[[1,"2"],null]},"permalink":"https://a/","lastSeen":"2026-11-23T06:58:41Z"}]`), "14d")
	f.Fuzz(func(t *testing.T, data []byte, period string) {
		var page pageOfObjects
		if page.UnmarshalJSON(data) != nil {
			return
		}
		for _, o := range page {
			row := normalise(o, period)
			text, err := json.Marshal(o)
			if err != nil || math.IsNaN(row.events) {
				t.Fatalf("%v: %v", o, err)
			}
			var read struct {
				ID, Title, Count, Permalink, LastSeen string
				Metadata                              map[string]any
				Stats                                 map[string][][]float64
			}
			if err := json.Unmarshal(text, &read); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") {
				t.Errorf("%s: %v", text, err) // numbers too large for a float are numbers all the same
			}
			if read.Metadata == nil || read.Stats == nil {
				t.Errorf("%s", text)
			}
		}
	})
}
