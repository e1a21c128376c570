package app

import (
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/console/portal"
	"github.com/callboard/callboard/server/internal/widget"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// drawings are what the gallery shows of the drawing engine itself. They are made for each page: it is rarely looked at.
type drawings struct{}

// sampleDay is when samples end: they are the same on every page.
var sampleDay = time.Date(2026, time.January, 31, 0, 0, 0, 0, time.UTC)

var drawn = draw.Options{Width: 320, Height: 200}

// States implements [portal.Drawings].
func (drawings) States() []portal.Drawing {
	d := widget.Description{ID: "sample/state", Title: "Requests", View: widget.Line}
	late := apierror.Newf(apierror.ServiceUnavailable, "The source does not answer")
	state := func(name, title string, err error) portal.Drawing {
		return portal.Drawing{Name: name, Title: title, HTML: widget.RenderState(d, err, "/console/access", drawn)}
	}
	answered := func(name, title string, a *widget.Answer) portal.Drawing {
		return portal.Drawing{Name: name, Title: title, HTML: rendered(d, a)}
	}
	missing := frame.New(frame.Missing, frame.Strings("source", "west"))
	return []portal.Drawing{
		state("loading", "It is being asked for", nil),
		answered("empty", "There is nothing to show", &widget.Answer{At: sampleDay, Frames: []*frame.Frame{frame.New("requests", frame.Times("time"), frame.Numbers[int]("requests"))}}),
		answered("partial", "A source did not answer", &widget.Answer{At: sampleDay, Frames: []*frame.Frame{series(1), missing}}),
		answered("stale", "It is older than it should be", &widget.Answer{At: sampleDay, Stale: late, Frames: []*frame.Frame{series(1)}}),
		state("error", "It cannot be had", late),
		state("denied", "The viewer may not see it", apierror.Newf(apierror.NotAllowed, "Requests are shown to members of the team")),
	}
}

// Samples implements [portal.Drawings].
func (drawings) Samples() []portal.Drawing {
	var out []portal.Drawing
	for _, s := range []struct {
		view  widget.View
		title string
		frame *frame.Frame
	}{
		{widget.Stat, "A number, and what it was before", frame.New("stat", frame.Numbers("availability", 99.91, 99.95).Labeled("Availability").In("%").Round(2))},
		{widget.Sparkline, "A trend beside a number", series(1)},
		{widget.Gauge, "A part of what it can be", frame.New("gauge", frame.Numbers("budget", 78.0).Labeled("Error budget used").In("%"))},
		{widget.Line, "Values over time", series(3)},
		{widget.Area, "Values over time, as areas", series(2)},
		{widget.Bar, "Values side by side", categories()},
		{widget.Stacked, "Values that add up", series(3)},
		{widget.Donut, "Parts of a whole", frame.New("parts", frame.Strings("service", "Compute", "Storage", "Network", "Support"), frame.Numbers("cost", 6120.0, 2310, 940, 410).In("EUR"))},
		{widget.Heat, "Days of weeks", series(1)},
		{widget.Status, "What is well and what is not", statuses()},
		{widget.List, "Texts with remarks", frame.New("list", frame.Strings("title", "Login fails after a password change", "Cart is slow on Mondays"), frame.Numbers("events", 120, 7), frame.Times("last seen", sampleDay, sampleDay.Add(-26*time.Hour)))},
		{widget.Table, "Columns with types and units", table()},
		{widget.Docs, "Markdown", frame.New("docs", frame.Strings("text", "Call **pay** before `capture`. See the [handbook](https://handbook.example.com/).\n\n- one charge for each order\n- refunds within 30 days"))},
	} {
		d := widget.Description{ID: widget.ID("sample/" + string(s.view)), Title: "Sample", View: s.view}
		out = append(out, portal.Drawing{Name: string(s.view), Title: s.title, HTML: rendered(d, &widget.Answer{At: sampleDay, Frames: []*frame.Frame{s.frame}})})
	}
	return out
}

// rendered is a sample as it is drawn; a test holds that each can be.
func rendered(d widget.Description, a *widget.Answer) string {
	html, err := widget.Render(d, a, widget.HTML, drawn)
	if err != nil {
		return widget.RenderState(d, err, "", drawn)
	}
	return html
}

// series is a month of up to three numbers a day.
func series(n int) *frame.Frame {
	wave := []int{40, 42, 47, 55, 61, 24, 19}
	times := frame.Times("time")
	f := frame.New("series", times)
	for i := range n {
		f.Columns = append(f.Columns, frame.Numbers[int]([]string{"web", "mobile", "partners"}[i]).Labeled([]string{"Web", "Mobile", "Partners"}[i]))
	}
	for day := range 28 {
		times.Add(sampleDay.AddDate(0, 0, day-27))
		for i, c := range f.Columns[1:] {
			c.Add(wave[(day+2*i)%len(wave)]/(i+1) + day/2)
		}
	}
	return f
}

func categories() *frame.Frame {
	return frame.New("categories", frame.Strings("team", "Booking", "Payments", "Fleet", "Freight"), frame.Numbers("before", 12, 9, 4, 7).Labeled("Last month"), frame.Numbers("now", 15, 6, 5, 7).Labeled("This month"))
}

func statuses() *frame.Frame {
	return frame.New("status", frame.Strings("check", "Sign-in", "Search", "Exports"), frame.Enums("status", []string{"ok", "warn", "danger"}, "ok", "warn", "danger"),
		frame.Strings("remark", "", "slower than usual", "stopped since 14:02"))
}

func table() *frame.Frame {
	return frame.New("table", frame.Strings("operation", "GET /bookings", "POST /bookings", "DELETE /holds"), frame.Numbers("requests", 120441, 8123, 402), frame.Durations("p95", 84*time.Millisecond, 212*time.Millisecond, 61*time.Millisecond),
		frame.Numbers("errors", 0.02, 0.4, 0).In("%").Round(2))
}
