package draw_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/text/language"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// costs are a month of three services, with a credit and a day without data.
func costs() *frame.Frame {
	f := frame.New("cost", frame.Times("day"), frame.Numbers[float64]("compute").In("USD").Round(2),
		frame.Numbers[float64]("storage").In("USD").Round(2), frame.Numbers[float64]("support & tax").In("USD").Round(2))
	random := rand.New(rand.NewPCG(1, 2))
	for d := range 30 {
		var storage any = 20 + float64(d)/3
		if d == 11 {
			storage = nil
		}
		credit := 4.5
		if d%10 == 9 {
			credit = -12.25
		}
		f.Append(start.AddDate(0, 0, d), 80+30*random.Float64(), storage, credit)
	}
	return f
}

func regions() *frame.Frame {
	f := frame.New("regions", frame.Strings("region"), frame.Numbers[float64]("requests").Labeled("Requests"))
	for i, n := range []float64{12000, 8300, 410, 90, 55, 20, 9, 7, 3, 1, 0} {
		f.Append(fmt.Sprintf("region-%d", i), n)
	}
	return f
}

func links() *frame.Frame {
	return frame.New("issues", frame.Strings("title", "Login <fails>", "Cart & till", "Search").Link("https://sentry.example.com/1?a=1&b=2", "", "https://sentry.example.com/3"),
		frame.Numbers("events", 120, 7.5, 0), frame.Times("last seen").Add(start, nil, start.Add(90*time.Minute)),
		frame.Durations("mean").Add(1500*time.Millisecond, nil, 2*time.Hour), frame.EntityRefs("component").Add("component:default/shop", nil, "component:default/till"),
		frame.Bools("open", true, false, true), frame.Enums("level", []string{"error", "fatal"}, "error", "fatal", "error"))
}

var charts = map[string]func() (string, error){
	"line": func() (string, error) { return draw.Line(costs(), draw.Options{Title: "Cost"}) },
	"line-dark": func() (string, error) {
		return draw.Line(costs(), draw.Options{Title: "Cost", Theme: draw.Dark, Standalone: true})
	},
	"line-rtl": func() (string, error) {
		return draw.Line(costs(), draw.Options{Title: "التكلفة", Language: language.Arabic})
	},
	"area": func() (string, error) {
		return draw.Area(costs(), draw.Options{Title: "Cost", Width: 360, Language: language.French})
	},
	"stacked": func() (string, error) { return draw.Stacked(costs(), draw.Options{Title: "Cost", Width: 480}) },
	"stacked-rtl": func() (string, error) {
		return draw.Stacked(costs(), draw.Options{Title: "עלות", Width: 480, Language: language.Hebrew})
	},
	"bar":       func() (string, error) { return draw.Bar(regions(), draw.Options{Language: language.German}) },
	"bar-links": func() (string, error) { return draw.Bar(linked(), draw.Options{Width: 360}) },
	"donut":     func() (string, error) { return draw.Donut(regions(), draw.Options{Standalone: true}) },
	"donut-rtl": func() (string, error) {
		return draw.Donut(regions(), draw.Options{Width: 360, Language: language.Arabic})
	},
	"sparkline":     func() (string, error) { return draw.Sparkline(costs(), draw.Options{Width: 160}) },
	"heat-calendar": func() (string, error) { return draw.Heat(days(), draw.Options{Title: "Deployments"}) },
	"heat-matrix": func() (string, error) {
		return draw.Heat(hours(), draw.Options{Title: "Load", Language: language.Japanese})
	},
	"heat-long": func() (string, error) { return draw.Heat(long(), draw.Options{Title: "Load", Width: 360}) },
	"gauge":     func() (string, error) { return draw.Gauge(disk(83.4), draw.Options{Width: 240}) },
	"gauge-rtl": func() (string, error) {
		return draw.Gauge(disk(30), draw.Options{Width: 240, Language: language.Hebrew})
	},
	"gauge-over":  func() (string, error) { return draw.Gauge(disk(130), draw.Options{Height: 240}) },
	"stat":        func() (string, error) { return draw.Stat(stat(40, 32), draw.Options{Height: 110, Width: 240}) },
	"stat-status": func() (string, error) { return draw.Stat(disk(97), draw.Options{Width: 240}) },
	"stat-long": func() (string, error) {
		return draw.Stat(frame.New("v", frame.Strings("version", "registry.example.com/shop/checkout:2026.11.20-rc.3")), draw.Options{Width: 240})
	},
	"nothing": func() (string, error) {
		return draw.Line(frame.New("n", frame.Times("t"), frame.Numbers[float64]("v")), draw.Options{})
	},
	"stat-of-nothing":  func() (string, error) { return draw.Stat(frame.New("n", frame.Numbers[float64]("v")), draw.Options{}) },
	"gauge-of-nothing": func() (string, error) { return draw.Gauge(frame.New("n", frame.Numbers[float64]("v")), draw.Options{}) },
	"donut-of-nothing": func() (string, error) {
		return draw.Donut(frame.New("n", frame.Strings("a", "x"), frame.Numbers("v", -1)), draw.Options{})
	},
	"one-point": func() (string, error) {
		return draw.Line(frame.New("n", frame.Times("t", start), frame.Numbers("v", 5)), draw.Options{})
	},
	"badge":        func() (string, error) { return draw.Badge("coverage", "87.5 %", frame.OK, draw.Options{}), nil },
	"badge-danger": func() (string, error) { return draw.Badge("quality gate", "failed", frame.Danger, draw.Options{}), nil },
}

// days are a year of counts, some of them unknown.
func days() *frame.Frame {
	f := frame.New("days", frame.Times("day"), frame.Numbers[float64]("deployments"))
	random := rand.New(rand.NewPCG(3, 4))
	for d := range 330 {
		var n any = float64(random.IntN(9))
		if d%40 == 7 {
			n = nil
		}
		f.Append(start.AddDate(0, 0, d-330), n)
	}
	return f
}

// hours are the load of some machines over a day.
func hours() *frame.Frame {
	f := frame.New("hours", frame.Times("hour"), frame.Numbers[float64]("web-1").In("%"), frame.Numbers[float64]("web-2").In("%"), frame.Numbers[float64]("database").In("%"))
	for h := range 24 {
		f.Append(start.Add(time.Duration(h)*time.Hour), float64(h*4), float64((h*7)%100), float64(100-h*3))
	}
	return f
}

func long() *frame.Frame {
	f := frame.New("long", frame.Strings("build"), frame.Numbers[float64]("seconds"))
	for i := range 400 {
		f.Append(fmt.Sprintf("#%d", i), float64(i%37))
	}
	return f
}

func disk(used float64) *frame.Frame {
	return frame.New("disk", frame.Numbers("used", used).Labeled("Disk used").In("%").From(0, frame.OK).From(80, frame.Warn).From(95, frame.Danger))
}

func linked() *frame.Frame {
	return frame.New("teams", frame.Strings("team", "payments", "search & find", "till").Link("https://example.com/a?x=1&y=2", "", "https://example.com/c"),
		frame.Numbers("open", 4, 0, -2), frame.Numbers("closed", 12, 3, 5))
}

func stat(now, before float64) *frame.Frame {
	return frame.New("hotspots", frame.Numbers("hotspots", now).Labeled("To review").Link("https://sonar.example.com/x"), frame.Numbers("before", before).Labeled("30 days ago"))
}
