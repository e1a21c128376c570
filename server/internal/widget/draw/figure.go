package draw

import (
	"fmt"
	"math"
	"strings"

	"github.com/callboard/callboard/sdk/frame"
)

const statHeight = 120 // three lines of text

// Stat draws the last value of the first column large. A number in a second column is what it is compared with.
func Stat(f *frame.Frame, o Options) (string, error) {
	if len(f.Columns) == 0 {
		return "", fmt.Errorf("frame %q: a stat needs a column", f.Name)
	}
	o.Height = bounded(o.Height, minHeight, statHeight)
	o = o.withDefaults()
	w, c := o.formatter(), f.Columns[0]
	value, change := none, ""
	if n := len(c.Values); n > 0 {
		value = w.value(c, c.Values[n-1])
		change = w.change(f, n-1)
	}
	var m markup
	said := name(c) + ": " + value
	if change != "" {
		said += ", " + change
	}
	m.begin(titleOf(f, o), said+".", o)
	middle := float64(o.Height)/2 + 8
	m.element("text", cut(name(c), int(float64(o.Width-16)/charWidth)), "class", "cb-label", "x", "8", "y", px(middle-36))
	address := ""
	if n := len(c.Links); n > 0 {
		address = c.Links[n-1]
	}
	m.link(address, func() { m.element("text", value, "class", "cb-big", "x", "8", "y", px(middle)) })
	if change != "" {
		m.element("text", change, "class", "cb-change", "x", "8", "y", px(middle+22))
	}
	m.close("svg")
	return m.String(), nil
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
	told := name(f.Columns[1]) + ": " + w.number(before, f.Columns[1])
	switch {
	case now == before:
		return "unchanged, " + told
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
	o.Height = bounded(o.Height, minHeight, minHeight)
	o = o.withDefaults()
	c := &chart{plot: p, o: o, f: o.formatter(), style: lines}
	c.begin(titleOf(f, o), c.sentence(), o)
	if low, high, ok := p.bounds(false); ok {
		c.y = scale{low, high, float64(o.Height) - 6, 6}
		c.x = scale{0, float64(p.points()), 4, float64(o.Width) - 4}
		if c.times != nil {
			c.x.low, c.x.high = seconds(c.times[0]), seconds(c.times[len(c.times)-1])
		}
		c.drawLine(0, p.series[0])
	} else {
		c.empty(o)
	}
	c.close("svg")
	return c.String(), nil
}

// maxSlices is how many parts of a whole can be told apart; the others are drawn as one.
const maxSlices = 8

// Donut draws the parts of a whole: a text and a number. Values of zero and less have no place in it.
func Donut(f *frame.Frame, o Options) (string, error) {
	p, err := newPlot(f)
	if err != nil {
		return "", err
	}
	if p.labels == nil && p.points() > 0 {
		return "", fmt.Errorf("frame %q: a donut needs texts in its first column", f.Name)
	}
	o = o.withDefaults()
	w := o.formatter()
	parts, total := slices(p)
	var m markup
	m.begin(titleOf(f, o), donutSentence(parts, total, p, w), o)
	if total <= 0 {
		m.empty(o)
	} else {
		m.donut(parts, total, p.series[0].column, o, w)
	}
	m.close("svg")
	return m.String(), nil
}

// slice is one part of a donut.
type slice struct {
	label string
	value float64
}

func slices(p *plot) (parts []slice, total float64) {
	for i, v := range p.series[0].values {
		if math.IsNaN(v) || v <= 0 {
			continue
		}
		total += v
		if len(parts) < maxSlices {
			parts = append(parts, slice{p.labels[i], v})
			continue
		}
		parts[maxSlices-1] = slice{"others", parts[maxSlices-1].value + v}
	}
	return parts, total
}

func donutSentence(parts []slice, total float64, p *plot, w formatter) string {
	if total <= 0 {
		return "No data."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s in all. ", w.number(total, p.series[0].column))
	for _, s := range parts {
		fmt.Fprintf(&b, "%s: %s. ", s.label, w.quantity(s.value/total*100, "%", 1))
	}
	return strings.TrimSpace(b.String())
}

func (m *markup) donut(parts []slice, total float64, of *frame.Column, o Options, w formatter) {
	radius := math.Min(float64(o.Height)/2-8, float64(o.Width)/4)
	cx, cy := radius+8, float64(o.Height)/2
	angle := -math.Pi / 2
	for i, s := range parts {
		next := angle + s.value/total*2*math.Pi
		m.open("path", "class", "cb-slice "+color(i), "d", ring(cx, cy, radius, radius*0.62, angle, next))
		m.close("path")
		angle = next
	}
	m.element("text", w.number(total, of), "x", px(cx), "y", px(cy), "dy", "0.35em", "text-anchor", "middle")
	room := int((float64(o.Width) - 2*cx - 40) / charWidth)
	m.open("g", "class", "cb-legend")
	for i, s := range parts {
		y := cy + (float64(i)-float64(len(parts)-1)/2)*18
		m.open("rect", "class", color(i), "x", px(2*cx+4), "y", px(y-5), "width", "10", "height", "10", "rx", "2")
		m.close("rect")
		share := w.quantity(s.value/total*100, "%", 1)
		m.element("text", cut(s.label, max(6, room-len(share)-2))+"  "+share, "x", px(2*cx+20), "y", px(y), "dy", "0.35em")
	}
	m.close("g")
}

// ring is a part of a ring between two angles. A whole ring is drawn as two halves, since an arc to where it began is none.
func ring(cx, cy, outer, inner, from, to float64) string {
	if to-from >= 2*math.Pi-1e-9 {
		return ring(cx, cy, outer, inner, from, from+math.Pi) + ring(cx, cy, outer, inner, from+math.Pi, from+2*math.Pi-1e-6)
	}
	large := "0"
	if to-from > math.Pi {
		large = "1"
	}
	at := func(r, a float64) string { return px(cx+r*math.Cos(a)) + " " + px(cy+r*math.Sin(a)) }
	return "M" + at(outer, from) + "A" + px(outer) + " " + px(outer) + " 0 " + large + " 1 " + at(outer, to) +
		"L" + at(inner, to) + "A" + px(inner) + " " + px(inner) + " 0 " + large + " 0 " + at(inner, from) + "Z"
}
