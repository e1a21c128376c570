package draw_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

func TestCharts_LookAsBefore(t *testing.T) {
	for name, drawing := range charts {
		t.Run(name, func(t *testing.T) {
			got, err := drawing()
			if err != nil {
				t.Fatal(err)
			}
			goldentest.Compare(t, name+".svg", got)
		})
	}
}

func TestCharts_AreXMLWithANameAndASentence(t *testing.T) {
	for name, drawing := range charts {
		got, err := drawing()
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, name, got)
		parts := []string{"<title>", "<desc>"}
		if strings.HasPrefix(name, "badge") {
			parts = parts[:1]
		}
		if !strings.Contains(got, "<a ") { // links in a picture cannot be reached by who does not see it
			parts = append(parts, `role="img"`)
		} else if strings.Contains(got, `role="img"`) {
			t.Errorf("%s hides its links", name)
		}
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("%s has no %s", name, part)
			}
		}
	}
}

func wellFormed(t *testing.T, name, svg string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v\n%.2000s", name, err, svg)
		}
	}
}

func TestTables_LookAsBefore(t *testing.T) {
	page := func(ref string) string { return "/catalog/" + strings.ReplaceAll(ref, ":", "/") }
	o := draw.Options{Title: "Issues"}
	goldentest.Compare(t, "table.html", draw.Table(links(), o, page))
	goldentest.Compare(t, "list.html", draw.List(links(), o, page))
	goldentest.Compare(t, "table.txt", draw.Text(links(), o))
	goldentest.Compare(t, "table.csv", draw.CSV(links()))
}

func TestTable_OfEntitiesLeadsNowhereOutside(t *testing.T) {
	f := frame.New("e", frame.EntityRefs("who", "component:default/shop"))
	for _, at := range []string{"//evil.example.com", "https://evil.example.com", "javascript:alert(1)", ""} {
		if got := draw.Table(f, draw.Options{}, func(string) string { return at }); strings.Contains(got, "href") {
			t.Error(got)
		}
	}
}

// hostile are texts that want to be more than text.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onload='alert(1)`, `</title><script>alert(1)</script>`, `</desc></svg><script>alert(1)</script>`,
	`&lt;script&gt;`, "a\x00b\x08c", "\u202eevil\u2066", "]]><x>", `{{constructor.constructor('alert(1)')()}}`, `javascript:alert(1)`, "=HYPERLINK(1)", "\ufffe\uffff",
	`<svg/onload=alert(1)>`, `<a href="javascript:alert(1)">`, strings.Repeat("W", 5000), "🦺🦺🦺", "العربية", `<!--`, `<![CDATA[`, `--><script>`, "`${alert(1)}`",
}

func TestHostileTexts_StayText(t *testing.T) {
	for _, text := range hostile {
		cells := frame.New(text, frame.Strings(text, text, text).Labeled(text), frame.Numbers(text+"n", 3, 4).Labeled(text).In(text[:min(len(text), 20)]))
		for name, got := range drawn(t, cells, draw.Options{Title: text}) {
			if strings.HasPrefix(name, "chart") {
				wellFormed(t, name, got)
			}
			elements(t, name, got)
		}
	}
}

// drawn is a frame in every form that takes it.
func drawn(t *testing.T, f *frame.Frame, o draw.Options) map[string]string {
	t.Helper()
	out := map[string]string{"table": draw.Table(f, o, nil), "list": draw.List(f, o, nil)}
	for name, d := range map[string]func(*frame.Frame, draw.Options) (string, error){
		"line": draw.Line, "bar": draw.Bar, "stacked": draw.Stacked, "donut": draw.Donut, "sparkline": draw.Sparkline, "stat": draw.Stat,
	} {
		svg, err := d(f, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out["chart "+name] = svg
	}
	return out
}

// elements finds elements and attributes that no chart has.
func elements(t *testing.T, name, text string) {
	t.Helper()
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return
		}
		token := z.Token()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		switch token.Data {
		case "script", "img", "iframe", "object", "x", "style":
			t.Errorf("%s: there is an element %s: %.300s", name, token.Data, text)
		}
		for _, a := range token.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "href" && !strings.HasPrefix(a.Val, "https://") {
				t.Errorf("%s: there is an attribute %s=%q", name, a.Key, a.Val)
			}
		}
	}
}

func TestNumbers_OfEverySizeAreDrawn(t *testing.T) {
	for _, values := range [][]float64{
		{0}, {0, 0}, {1e-12, 2e-12}, {math.MaxFloat64, -math.MaxFloat64}, {math.SmallestNonzeroFloat64}, {-5, -1}, {1e15, 1e15 + 1}, {0.1, 0.2, 0.3}, {99.99, 100.01},
	} {
		f := frame.New("n", frame.Strings("x"), frame.Numbers[float64]("y"))
		for i, v := range values {
			f.Append(fmt.Sprint(i), v)
		}
		for name, got := range drawn(t, f, draw.Options{}) {
			if strings.HasPrefix(name, "chart") && (strings.Contains(got, "NaN") || strings.Contains(got, "Inf")) {
				t.Errorf("%s of %v: %s", name, values, got)
			}
		}
	}
}

func TestLine_KeepsSpikesOfLongSeries(t *testing.T) {
	f := frame.New("n", frame.Times("t"), frame.Numbers[float64]("v"))
	for i := range 50_000 {
		v := 1.0
		if i == 31_234 {
			v = 1000
		}
		f.Append(start.Add(time.Duration(i)*time.Minute), v)
	}
	svg, err := draw.Line(f, draw.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(svg) > 60_000 || !strings.Contains(svg, "greatest 1,000") {
		t.Errorf("%d bytes", len(svg))
	}
	top := false
	_, path, _ := strings.Cut(svg, ` d="`)
	for _, point := range strings.FieldsFunc(path, func(r rune) bool { return r == 'L' || r == 'M' }) {
		var x, y float64
		if n, _ := fmt.Sscanf(point, "%f %f", &x, &y); n == 2 && y < 15 {
			top = true
		}
	}
	if !top {
		t.Error("the spike is gone")
	}
}

// TestPictures_OfLongFramesAreSmall: a page must not get megabytes for what nobody can tell apart.
func TestPictures_OfLongFramesAreSmall(t *testing.T) {
	f := frame.New("n", frame.Times("t"), frame.Numbers[float64]("a"), frame.Numbers[float64]("b"))
	for i := range 30_000 {
		f.Append(start.Add(time.Duration(i)*time.Minute), float64(i%17), float64(i%5))
	}
	f.Columns[1].Values[12_345] = 900.0
	for view, d := range pictures {
		if view == "donut" { // is of texts
			continue
		}
		svg, err := d(f, draw.Options{})
		if view == "gauge" {
			svg, err = d(frame.New("g", f.Columns[1:]...), draw.Options{})
		}
		if err != nil || len(svg) > 130_000 {
			t.Errorf("%s: %d bytes, %v", view, len(svg), err)
		}
	}
	svg, err := draw.Bar(f, draw.Options{})
	if err != nil || strings.Count(svg, "h") < 500 || !strings.Contains(svg, "greatest 900") {
		t.Error(err)
	}
	_, bars, _ := strings.Cut(svg, `data-series="a"`)
	if !regexp.MustCompile(`M[\d.]+ \d\d(\.\d)?h`).MatchString(bars) {
		t.Error("the spike is gone")
	}
}

func TestTicks_OfTimeFollowTheCalendarAndTheZone(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip("there is no database of time zones")
	}
	for length, want := range map[time.Duration]string{
		time.Hour: "20:15", 3 * 24 * time.Hour: "2 Nov", 60 * 24 * time.Hour: "14 Nov", 4 * 365 * 24 * time.Hour: "2028", 30 * time.Second: "20:00:15",
	} {
		from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		f := frame.New("n", frame.Times("t", from, from.Add(length)), frame.Numbers("v", 1, 2))
		svg, err := draw.Line(f, draw.Options{Zone: zone})
		if err != nil || !strings.Contains(svg, ">"+want+"<") {
			t.Errorf("%s: no %s in %s (%v)", length, want, svg, err)
		}
	}
}

func TestFrames_ThatAreNoChartsAreRefused(t *testing.T) {
	for name, f := range map[string]*frame.Frame{
		"no number":     frame.New("n", frame.Strings("a", "x"), frame.Strings("b", "y")),
		"one column":    frame.New("n", frame.Numbers("a", 1)),
		"no column":     frame.New("n"),
		"donut of time": frame.New("n", frame.Times("a", start), frame.Numbers("v", 1)),
	} {
		if _, err := draw.Donut(f, draw.Options{}); err == nil {
			t.Errorf("%s is drawn", name)
		}
	}
	if _, err := draw.Stat(frame.New("n"), draw.Options{}); err == nil {
		t.Error("a stat of no column")
	}
}

func FuzzCharts_AreAlwaysWellFormed(f *testing.F) {
	f.Add("cost", "USD", 1.5, -2.0, int64(86400), 400, 100)
	f.Add("<a>", "By", math.MaxFloat64, math.SmallestNonzeroFloat64, int64(-1), 0, -5)
	f.Fuzz(func(t *testing.T, text, unit string, a, b float64, distance int64, width, height int) {
		times := frame.New("n", frame.Times("t"), frame.Numbers[float64]("v").Labeled(text).In(unit))
		times.Append(start, a).Append(start.Add(time.Duration(distance)*time.Second), b)
		if times.Validate() != nil {
			return
		}
		for _, d := range []func(*frame.Frame, draw.Options) (string, error){draw.Line, draw.Bar, draw.Stacked, draw.Sparkline} {
			svg, err := d(times, draw.Options{Title: text, Width: width, Height: height})
			if err != nil {
				t.Fatal(err)
			}
			wellFormed(t, "chart", svg)
		}
	})
}

func BenchmarkStacked_ThreeSeriesOfThirtyPoints(b *testing.B) {
	f := costs()
	for b.Loop() {
		if _, err := draw.Stacked(f, draw.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
