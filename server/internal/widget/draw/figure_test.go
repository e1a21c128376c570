package draw_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/language"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

func figure(status string) draw.Figure {
	return draw.Figure{Widget: "cost/spend", View: "line", Title: "Spend <b>", Status: status}
}

func checks() *frame.Frame {
	return frame.New("checks", frame.Strings("check", "Backups", "Certificates", "Owner", "Licence", "Tests").Link("https://example.com/1", "", "", "", ""),
		frame.Enums("state", []string{"ok", "warn", "danger", "info", "skipped"}, "ok", "warn", "danger", "info", "skipped"),
		frame.Strings("why", "", "end in 6 days", "has left", "", "none"))
}

// states are the figures that show no data, and a figure that shows some.
var states = map[string]func() string{
	"ok": func() string {
		return figure("ok").HTML(draw.Details(draw.Table(links(), draw.Options{}, nil), draw.Options{}), draw.Options{Level: 3})
	},
	"empty":   func() string { return figure("empty").Message(draw.Message{}, draw.Options{}) },
	"loading": func() string { return figure("").Skeleton(draw.Options{Theme: draw.Auto}) },
	"loading-list": func() string {
		return draw.Figure{Widget: "a/b", View: "list", Title: "Issues"}.Skeleton(draw.Options{Width: 360, Height: 120})
	},
	"error": func() string {
		return figure("error").Message(draw.Message{Text: "the bill is being <i>printed</i>", Retry: true}, draw.Options{Language: language.German, Theme: draw.Dark})
	},
	"denied": func() string {
		return figure("denied").Message(draw.Message{Text: "needs cost.read", Request: "/access?widget=cost/spend"}, draw.Options{Language: language.Hebrew, Level: 2})
	},
	"partial": func() string {
		f := figure("partial")
		o := draw.Options{Language: language.Spanish}
		f.Lines = []string{o.Without([]string{"AWS", "<GCP>"})}
		return f.HTML(draw.Nothing(o), o)
	},
	"stale": func() string {
		f := figure("stale")
		o := draw.Options{Language: language.BrazilianPortuguese}
		f.Lines = []string{o.AsOf(start, "timeout")}
		return f.HTML(draw.Nothing(o), o)
	},
	"status-list": func() string { return draw.StatusList(checks(), draw.Options{}, nil) },
	"thresholds":  func() string { return draw.Table(disk(97), draw.Options{Title: "Disk", QuietTitle: true}, nil) },
}

func TestFigures_LookAsBefore(t *testing.T) {
	for name, made := range states {
		t.Run(name, func(t *testing.T) { goldentest.Compare(t, name+".html", made()) })
	}
}

func TestFigures_SayWhatIsTheMatterInWords(t *testing.T) {
	for name, parts := range map[string][]string{
		"error":   {`data-status="error"`, "<strong>Das kann gerade nicht angezeigt werden</strong>", `<button type="button" class="cb-button" data-cb-action="retry">Erneut versuchen</button>`, "&lt;i&gt;"},
		"denied":  {`data-status="denied"`, `dir="rtl"`, `lang="he"`, `href="/access?widget=cost/spend"`, "<h2>Spend &lt;b&gt;</h2>"},
		"loading": {`data-status="loading"`, `aria-busy="true"`, "Loading"},
		"partial": {"Sin los datos de AWS, &lt;GCP&gt;"},
		"stale":   {"Dados de 1 de nov. de 2026 00:00 UTC", ": timeout"},
		"ok":      {`data-widget="cost/spend"`, `data-view="line"`, "<h3>Spend &lt;b&gt;</h3>", "<summary>Table</summary>"},
	} {
		got := states[name]()
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("%s has no %s: %s", name, part, got)
			}
		}
	}
}

func TestMessage_LeadsOnlyToPagesAndTheWeb(t *testing.T) {
	for _, at := range []string{"javascript:alert(1)", "//evil.example.com", `/\evil.example.com`, "data:text/html,x", "relative", ""} {
		if got := figure("denied").Message(draw.Message{Request: at}, draw.Options{}); strings.Contains(got, "href") {
			t.Errorf("%q: %s", at, got)
		}
	}
}

// TestStates_TakeTheRoomOfTheView keeps a page from moving when the answer comes.
func TestStates_TakeTheRoomOfTheView(t *testing.T) {
	size := regexp.MustCompile(`<svg[^>]* width="(\d+)" height="(\d+)"`)
	drawn := map[string]func(*frame.Frame, draw.Options) (string, error){
		"stat": draw.Stat, "line": draw.Line, "area": draw.Area, "bar": draw.Bar, "stacked": draw.Stacked, "donut": draw.Donut,
		"sparkline": draw.Sparkline, "heat": draw.Heat, "gauge": draw.Gauge,
	}
	f := frame.New("f", frame.Numbers("a", 1), frame.Numbers("b", 2))
	for view, d := range drawn {
		for _, o := range []draw.Options{{}, {Width: 360}, {Height: 300}} {
			svg, err := d(f, o)
			if err != nil {
				t.Fatal(err)
			}
			want := size.FindStringSubmatch(svg)
			figure := draw.Figure{View: view}
			for name, got := range map[string]string{"skeleton": figure.Skeleton(o), "message": figure.Message(draw.Message{}, o)} {
				if has := size.FindStringSubmatch(got); fmt.Sprint(has[1:]) != fmt.Sprint(want[1:]) {
					t.Errorf("%s of %s is %v, the picture is %v", name, view, has[1:], want[1:])
				}
			}
		}
	}
}

func TestShield_IsWhatBadgeServicesRead(t *testing.T) {
	label, value, status, ok := draw.BadgeOf(disk(97), "Disk", draw.Options{})
	if !ok || label != "Disk" || value != "97\u202f%" || status != frame.Danger {
		t.Errorf("%q %q %q %v", label, value, status, ok)
	}
	if s := draw.ShieldOf(label, value, status); s.SchemaVersion != 1 || s.Message != value || !regexp.MustCompile(`^#[0-9a-f]{6}$`).MatchString(s.Color) || !s.IsError {
		t.Errorf("%+v", s)
	}
	if _, value, _, ok := draw.BadgeOf(frame.New("n", frame.Numbers[float64]("v")), "Nothing", draw.Options{}); ok || value != "–" {
		t.Errorf("a badge of nothing says %q", value)
	}
}
