package draw

import (
	"fmt"
	"math"
	"strings"

	"github.com/callboard/callboard/sdk/frame"
)

// Stat draws the last value of the first column large. A number in a second column is what it is compared with; thresholds
// of the first give it a status.
func Stat(f *frame.Frame, o Options) (string, error) {
	if len(f.Columns) == 0 {
		return "", fmt.Errorf("frame %q: a stat needs a column", f.Name)
	}
	o = o.withView("stat").withDefaults()
	w, c := o.formatter(), f.Columns[0]
	value, change, status, address := none, "", frame.Status(""), ""
	if n := len(c.Values); n > 0 {
		value, change, status = w.value(c, c.Values[n-1]), w.change(f, n-1), statusOf(c, n-1)
		if len(c.Links) == n {
			address = c.Links[n-1]
		}
	}
	said := joined(name(c)+": "+value, w.statusWord(status), change)
	var m markup
	m.begin(titleOf(f, o), ended(said), o, roleOf(address)...)
	s := statDrawing{&m, o, w}
	middle := float64(o.Height)/2 + 8
	s.text("cb-label", name(c), middle-36, 12)
	m.link(address, said, func() { s.text("cb-big", value, middle, 34, "font-weight", "600") })
	s.status(status, change, middle+22)
	m.close("svg")
	return m.String(), nil
}

// joined are the parts that say something.
func joined(first string, parts ...string) string {
	for _, p := range parts {
		if p != "" {
			first += ", " + p
		}
	}
	return first
}

// ended is a text with the stop of a sentence, unless it has one.
func ended(s string) string {
	if strings.ContainsAny(s[max(0, len(s)-1):], ".!?") {
		return s
	}
	return s + "."
}

func roleOf(address string) []string {
	if followable(address) {
		return []string{"role", "group"}
	}
	return nil
}

// statDrawing writes lines from the side where reading begins.
type statDrawing struct {
	*markup

	o Options
	formatter
}

func (s statDrawing) side(x float64) (float64, string) {
	if s.rightToLeft() {
		return float64(s.o.Width) - x, "end"
	}
	return x, "start"
}

// text is as large as the size, or smaller, so that it has room; what is small already is cut.
func (s statDrawing) text(class, text string, y, size float64, attributes ...string) {
	room := float64(s.o.Width) - 16
	if wide := textWidth(text) * size / 11; wide > room {
		size = math.Max(12, size*room/wide)
	}
	x, anchor := s.side(8)
	s.label(class, fitted(text, room*11/size), x, y, anchor, append(attributes, "font-size", px(size))...)
}

// status is a dot with its word, and the change behind it.
func (s statDrawing) status(status frame.Status, change string, y float64) {
	if status == "" {
		if change != "" {
			s.text("cb-change", change, y, 12)
		}
		return
	}
	x, _ := s.side(13)
	s.circle("cb-mark cb-"+string(status), x, y-4, 5)
	word := s.statusWord(status)
	x, anchor := s.side(23)
	s.label("cb-word cb-"+string(status), word, x, y, anchor, "font-size", "12", "font-weight", "600")
	if change != "" {
		used := 23 + textWidth(word)*13/11 + 10
		x, anchor = s.side(used)
		s.label("cb-change", fitted(change, (float64(s.o.Width)-used-8)*11/12), x, y, anchor, "font-size", "12")
	}
}

// change words the difference to the second column, without judging it: whether more is better, nobody has said.
func (w formatter) change(f *frame.Frame, row int) string {
	if len(f.Columns) < 2 || f.Columns[0].Type != frame.Number || f.Columns[1].Type != frame.Number {
		return ""
	}
	now, ok := f.Columns[0].Values[row].(float64)
	before, known := f.Columns[1].Values[row].(float64)
	if !ok || !known {
		return ""
	}
	now, before = drawable(now), drawable(before)
	told := name(f.Columns[1]) + ": " + w.number(before, f.Columns[1])
	switch {
	case now == before:
		return w.say(wordSame) + ", " + told
	case before == 0:
		return told
	}
	sign := "▲ +"
	if now < before {
		sign = "▼ −"
	}
	return sign + w.quantity(math.Abs(now-before)/math.Abs(before)*100, "%", 1) + ", " + told
}

// Sparkline draws one series without axes.
func Sparkline(f *frame.Frame, o Options) (string, error) {
	p, err := newPlot(f)
	if err != nil {
		return "", err
	}
	o = o.withView("sparkline").withDefaults()
	c := &chart{plot: p, o: o, f: o.formatter(), style: lines}
	c.left, c.right, c.top, c.bottom = 4, float64(o.Width)-4, 6, float64(o.Height)-6
	low, high, ok := p.bounds(false)
	if ok {
		c.y = scale{low, high, c.bottom, c.top}
		c.x = scale{0, float64(p.points()), c.left, c.right}
		if c.times != nil {
			c.x.low, c.x.high = seconds(c.times[0]), seconds(c.times[len(c.times)-1])
		}
		if c.f.rightToLeft() {
			c.x.from, c.x.to = c.right, c.left
		}
	}
	c.begin(titleOf(f, o), c.sentence(), o, c.places(ok)...)
	if ok {
		c.drawLine(0, p.series[0])
	} else {
		c.none(o, c.f)
	}
	c.close("svg")
	return c.String(), nil
}
