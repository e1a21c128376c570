package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/plugins/sonarqube/fake"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/sdk/plugintest"
)

// show is the frame of a widget for an entity.
func (r *rig) show(t *testing.T, widget string, q sdk.WidgetQuery) *frame.Frame {
	t.Helper()
	run := r.QueryWidget(widget, q)
	if run.Err != nil || len(run.Frames) != 1 {
		t.Fatalf("%s: %d frames, %v", widget, len(run.Frames), run.Err)
	}
	return run.Frames[0]
}

// rows are the rows of a frame as text.
func rows(f *frame.Frame) []string {
	var out []string
	for n := range f.Rows() {
		var cells []string
		for _, c := range f.Columns {
			cells = append(cells, fmt.Sprint(c.Values[n]))
		}
		out = append(out, strings.Join(cells, " | "))
	}
	return out
}

func wantRows(t *testing.T, f *frame.Frame, want ...string) {
	t.Helper()
	if got := strings.Join(rows(f), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestWidgetGate_ListsTheVerdictAndItsConditions(t *testing.T) {
	r := start(t, single(), fake.Options{})
	f := r.show(t, "sonarqube-gate", sdk.WidgetQuery{Entity: annotated("checkout", "acme_checkout")})
	wantRows(t, f,
		"Quality gate: failed | danger | <nil>",
		"Coverage on New Code | danger | 71.5 %, at least 80 %",
		"Reliability Rating | danger | C, at most A",
		"Security Rating | ok | A, at most A",
		"Duplicated Lines (%) | ok | 1.2 %, at most 3 %",
	)
	if links := f.Columns[0].Links; links[0] != "https://sonar.example.com/dashboard?id=acme_checkout" ||
		links[1] != "https://sonar.example.com/component_measures?id=acme_checkout&metric=new_coverage" {
		t.Error(links)
	}
	wantRows(t, r.show(t, "sonarqube-gate", sdk.WidgetQuery{Entity: annotated("new", "acme_new")}), "Quality gate: not computed |  | <nil>")
}

func TestWidgetRatings_AreLettersWithWhatTheyAreFor(t *testing.T) {
	r := start(t, single(), fake.Options{})
	wantRows(t, r.show(t, "sonarqube-ratings", sdk.WidgetQuery{Entity: annotated("billing", "org.acme:billing")}),
		"Reliability | D | 17 bugs", "Security | E | 4 vulnerabilities", "Maintainability | B | 380 code smells",
		"Security review | E | 12.5 % of hotspots reviewed", "Duplications | D | 11.8 % of lines")
	wantRows(t, r.show(t, "sonarqube-ratings", sdk.WidgetQuery{Entity: annotated("new", "acme_new")}))
}

func TestWidgetRatings_LinkToIssuesInTheTermsOfTheMode(t *testing.T) {
	for mode, want := range map[string]string{"auto": "types=BUG", "mqr": "impactSoftwareQualities=RELIABILITY"} {
		s := single()
		s.Mode = mode
		r := start(t, s, fake.Options{})
		f := r.show(t, "sonarqube-ratings", sdk.WidgetQuery{Entity: annotated("checkout", "acme_checkout")})
		if link := f.Columns[0].Links[0]; !strings.Contains(link, "/project/issues?") || !strings.Contains(link, want) {
			t.Errorf("%s: %s", mode, link)
		}
	}
}

func TestWidgetCoverage_IsALineOverTheAnalyses(t *testing.T) {
	r := start(t, single(), fake.Options{PageSize: 5})
	entity := annotated("checkout", "acme_checkout")
	f := r.show(t, "sonarqube-coverage", sdk.WidgetQuery{Entity: entity})
	if n := f.Rows(); n != 13 || rows(f)[n-1] != "2026-11-20 10:00:00 +0000 UTC | 82.4" || f.Columns[1].Unit != "%" {
		t.Errorf("%v", rows(f))
	}
	f = r.show(t, "sonarqube-coverage", sdk.WidgetQuery{Entity: entity, From: epoch.AddDate(-1, 0, 0), To: epoch})
	if f.Rows() != 26 {
		t.Errorf("a year has %d analyses", f.Rows())
	}
	f = r.show(t, "sonarqube-coverage", sdk.WidgetQuery{Entity: entity, From: epoch.AddDate(-1, 0, 0), To: epoch, MaxPoints: 10})
	if n := f.Rows(); n > 10 || n < 8 || rows(f)[n-1] != "2026-11-20 10:00:00 +0000 UTC | 82.4" {
		t.Errorf("%v", rows(f))
	}
	wantRows(t, r.show(t, "sonarqube-coverage", sdk.WidgetQuery{Entity: annotated("billing", "org.acme:billing")}))
}

func TestWidgetHotspots_AreComparedWithThoseOfAMonthAgo(t *testing.T) {
	r := start(t, single(), fake.Options{})
	f := r.show(t, "sonarqube-hotspots", sdk.WidgetQuery{Entity: annotated("checkout", "acme_checkout")})
	wantRows(t, f, "2 | 3")
	if got := f.Columns[0].Links[0]; got != "https://sonar.example.com/security_hotspots?id=acme_checkout" {
		t.Error(got)
	}
	if run := r.QueryWidget("sonarqube-hotspots", sdk.WidgetQuery{Entity: annotated("new", "acme_new")}); run.Err != nil || len(run.Frames) != 0 {
		t.Errorf("of a project that was never analysed: %+v", run)
	}
	r.sonar.Fail("/api/measures/search_history", fake.Raw(500, "", ""))
	r.clock.advance(25 * time.Hour)
	wantRows(t, r.show(t, "sonarqube-hotspots", sdk.WidgetQuery{Entity: annotated("checkout", "acme_checkout")}), "2 | <nil>")
}

func TestWidgets_OnCloudLinkToItsPages(t *testing.T) {
	s := single()
	s.BaseURL = cloud
	r := start(t, s, fake.Options{Cloud: true})
	e := plugintest.Annotated(annotated("checkout", "acme_checkout"), branchAnnotation, "main")
	f := r.show(t, "sonarqube-hotspots", sdk.WidgetQuery{Entity: e})
	if got := f.Columns[0].Links[0]; got != "https://sonarcloud.io/project/security_hotspots?branch=main&id=acme_checkout" {
		t.Error(got)
	}
}

func TestWidgets_SayOfWhenTheirDataIs(t *testing.T) {
	r := start(t, single(), fake.Options{})
	q := sdk.WidgetQuery{Entity: annotated("checkout", "acme_checkout"), From: epoch.AddDate(0, 0, -90), To: epoch}
	widgets := []string{"sonarqube-gate", "sonarqube-ratings", "sonarqube-coverage", "sonarqube-hotspots"}
	for _, widget := range widgets {
		r.show(t, widget, q)
	}
	r.sonar.Fail("/api/", fake.HTMLPage(500))
	r.clock.advance(time.Hour)
	for _, widget := range widgets {
		f := r.show(t, widget, q)
		text := strings.Join(rows(f), "\n")
		for _, c := range f.Columns {
			text += c.Label
		}
		if !strings.Contains(text, "as of 2026-11-20 12:00 UTC") {
			t.Errorf("%s: %s", widget, text)
		}
	}
}

func TestWidgets_TellWhatIsWrong(t *testing.T) {
	r := start(t, single(), fake.Options{})
	for _, widget := range []string{"sonarqube-gate", "sonarqube-ratings", "sonarqube-coverage", "sonarqube-hotspots"} {
		for name, c := range map[string]struct {
			entity sdk.Entity
			want   error
		}{
			"no entity":     {nil, sdk.ErrInput},
			"no annotation": {plugintest.Component("plain"), sdk.ErrInput},
			"no instance":   {annotated("x", "none/x"), sdk.ErrInput},
			"no project":    {annotated("x", "acme_gone"), sdk.ErrNotFound},
		} {
			if run := r.QueryWidget(widget, sdk.WidgetQuery{Entity: c.entity}); !errors.Is(run.Err, c.want) {
				t.Errorf("%s, %s: %v", widget, name, run.Err)
			}
		}
	}
}

func TestValues_AreWrittenForPeople(t *testing.T) {
	for _, c := range []struct {
		value text
		kind  string
		want  string
	}{
		{"1.0", "RATING", "A"}, {"5.0", "RATING", "E"}, {"0", "RATING", "0"}, {"6.0", "RATING", "6"}, {"2.5", "RATING", "2.5"}, {"80.0", "PERCENT", "80 %"},
		{"12.345", "FLOAT", "12.35"}, {"100", "INT", "100"}, {"OK", "LEVEL", "OK"}, {"NaN", "FLOAT", "NaN"}, {"1e999", "INT", "1e999"}, {"", "PERCENT", ""},
	} {
		if got := readable(c.value, c.kind); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.kind, c.value, got, c.want)
		}
	}
	for percent, want := range map[float64]string{0: "A", 2.9: "A", 3: "B", 5: "C", 10: "D", 19.99: "D", 20: "E", 100: "E"} {
		if got := duplicationLetter(percent); got != want {
			t.Errorf("%v %%: %s, want %s", percent, got, want)
		}
	}
}
