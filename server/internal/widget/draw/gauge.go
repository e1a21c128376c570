package draw

import (
	"fmt"
	"math"

	"github.com/callboard/callboard/sdk/frame"
)

// Gauge draws the last value of the first column as a part of the greatest it can be: a number in a second column, or else
// 100 of a percentage, or else the last threshold. Thresholds give it a status.
func Gauge(f *frame.Frame, o Options) (string, error) {
	if len(f.Columns) == 0 || f.Columns[0].Type != frame.Number {
		return "", fmt.Errorf("frame %q: a gauge needs a number in its first column", f.Name)
	}
	o = o.withView("gauge").withDefaults()
	g := gauge{o: o, f: o.formatter(), of: f.Columns[0]}
	if !g.read(f) {
		g.begin(titleOf(f, o), g.f.say(wordNoData), o)
		g.none(o, g.f)
		g.close("svg")
		return g.String(), nil
	}
	said := name(g.of) + ": " + g.f.say(wordOf, g.f.number(g.value, g.of), g.f.number(g.most, g.of))
	said = joined(said, g.f.statusWord(g.status))
	g.begin(titleOf(f, o), ended(said), o, roleOf(g.address)...)
	g.draw(said)
	g.close("svg")
	return g.String(), nil
}

type gauge struct {
	markup

	o           Options
	f           formatter
	of          *frame.Column
	value, most float64
	status      frame.Status
	address     string
}

// read finds the value; false = there is none.
func (g *gauge) read(f *frame.Frame) bool {
	n := f.Rows() - 1
	if n < 0 {
		return false
	}
	value, ok := g.of.Values[n].(float64)
	if !ok {
		return false
	}
	g.value, g.status, g.most = drawable(value), g.of.StatusOf(value), 100
	if t := g.of.Thresholds; len(t) > 0 && g.of.Unit != "%" {
		g.most = drawable(t[len(t)-1].From)
	}
	if len(f.Columns) > 1 {
		if most, ok := f.Columns[1].Values[n].(float64); ok {
			g.most = drawable(most)
		}
	}
	if len(g.of.Links) > n {
		g.address = g.of.Links[n]
	}
	return true
}

// part is how far round the value is.
func (g *gauge) part() float64 {
	if g.most <= 0 {
		return 0
	}
	return math.Min(math.Max(g.value/g.most, 0), 1)
}

func (g *gauge) draw(said string) {
	width, height := float64(g.o.Width), float64(g.o.Height)
	foot := 18.0 // a line of text below
	radius := math.Min(height-foot-12, width/2-8)
	cx, cy := width/2, (height-foot+radius)/2
	g.begun("path", []string{"class", "cb-track"})
	g.data(ring(nil, cx, cy, radius, radius*0.74, -math.Pi, 0))
	class := "cb-mark cb-c1"
	if g.status != "" {
		class = "cb-mark cb-" + string(g.status)
	}
	if p := g.part(); p > 0 {
		from, to := -math.Pi, -math.Pi+p*math.Pi
		if g.f.rightToLeft() {
			from, to = -p*math.Pi, 0
		}
		g.begun("path", []string{"class", class})
		g.data(ring(nil, cx, cy, radius, radius*0.74, from, to))
	}
	text := g.f.number(g.value, g.of)
	size := math.Min(30, 11*radius*1.25/textWidth(text))
	g.link(g.address, said, func() { g.label("cb-big", text, cx, cy-4, "middle", "font-size", px(size), "font-weight", "600") })
	foottext := g.f.say(wordOf, text, g.f.number(g.most, g.of))
	g.label("cb-word cb-"+orUnknown(g.status), fitted(joined(foottext, g.f.statusWord(g.status)), width-16), cx, cy+foot, "middle", "font-size", "12")
}

func orUnknown(s frame.Status) string {
	if s == "" {
		return "unknown"
	}
	return string(s)
}
