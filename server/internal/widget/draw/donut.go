package draw

import (
	"fmt"
	"math"
	"strings"

	"github.com/callboard/callboard/sdk/frame"
)

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
	d := donut{o: o, f: o.formatter(), of: p.series[0].column}
	d.slice(p)
	d.begin(titleOf(f, o), d.sentence(), o)
	if d.total <= 0 {
		d.none(o, d.f)
	} else {
		d.draw()
	}
	d.close("svg")
	return d.String(), nil
}

type donut struct {
	markup

	o     Options
	f     formatter
	of    *frame.Column
	parts []slice
	total float64
}

// slice is one part.
type slice struct {
	label string
	value float64
}

func (d *donut) slice(p *plot) {
	for i, v := range p.series[0].values {
		if math.IsNaN(v) || v <= 0 {
			continue
		}
		d.total += v
		if len(d.parts) < maxSlices {
			d.parts = append(d.parts, slice{p.labels[i], v})
			continue
		}
		d.parts[maxSlices-1] = slice{d.f.say(wordOthers), d.parts[maxSlices-1].value + v}
	}
}

func (d *donut) share(s slice) string { return d.f.quantity(s.value/d.total*100, "%", 1) }

func (d *donut) sentence() string {
	if d.total <= 0 {
		return d.f.say(wordNoData)
	}
	var b strings.Builder
	b.WriteString(d.f.say(wordInAll, d.f.number(d.total, d.of)))
	for _, s := range d.parts {
		b.WriteString(" " + s.label + ": " + d.share(s) + ".")
	}
	return b.String()
}

func (d *donut) draw() {
	width, height := float64(d.o.Width), float64(d.o.Height)
	radius := math.Min(height/2-8, width/4)
	cx, cy := d.place(radius+8), height/2
	angle := -math.Pi / 2
	edge, edgeWidth := "cb-slice ", "1.5"
	if len(d.parts) == 1 {
		edge, edgeWidth = "", ""
	}
	for i, s := range d.parts {
		next := angle + s.value/d.total*2*math.Pi
		d.begun("path", []string{"class", edge + markClass(i), "stroke-width", edgeWidth})
		d.data(ring(nil, cx, cy, radius, radius*0.62, angle, next))
		angle = next
	}
	total := d.f.number(d.total, d.of)
	size := math.Min(16, 11*radius*1.1/textWidth(total))
	d.label("cb-total", total, cx, cy+size*0.35, "middle", "font-size", px(size))
	d.legend(2*radius+16, cy)
}

// place is x from the side where reading begins.
func (d *donut) place(x float64) float64 {
	if d.f.rightToLeft() {
		return float64(d.o.Width) - x
	}
	return x
}

func (d *donut) legend(from, middle float64) {
	anchor := "start"
	if d.f.rightToLeft() {
		anchor = "end"
	}
	room := float64(d.o.Width) - from - 32
	step := math.Min(18, float64(d.o.Height-8)/float64(len(d.parts)))
	d.open("g", "class", "cb-legend", "aria-hidden", "true")
	for i, s := range d.parts {
		y := middle + (float64(i)-float64(len(d.parts)-1)/2)*step
		d.rect(markClass(i), d.place(from+9)-5, y-5, 10, 10, 2)
		share := d.share(s)
		d.label("", fitted(s.label, math.Max(6*charWidth, room-textWidth(share)-2*charWidth))+"\u2002"+share, d.place(from+20), y+4, anchor)
	}
	d.close("g")
}

// ring is a part of a ring between two angles. A whole ring is drawn as two halves, since an arc to where it began is none.
func ring(b []byte, cx, cy, outer, inner, from, to float64) []byte {
	if to-from >= 2*math.Pi-1e-9 {
		return ring(ring(b, cx, cy, outer, inner, from, from+math.Pi), cx, cy, outer, inner, from+math.Pi, from+2*math.Pi-1e-6)
	}
	large := to-from > math.Pi
	at := func(command byte, r, a float64) { b = appendPoint(b, command, cx+r*math.Cos(a), cy+r*math.Sin(a)) }
	at('M', outer, from)
	b = arc(b, outer, large, true)
	at(' ', outer, to)
	at('L', inner, to)
	b = arc(b, inner, large, false)
	at(' ', inner, from)
	return append(b, 'Z')
}

// arc is the command of an arc, to which its end is to be added.
func arc(b []byte, radius float64, large, clockwise bool) []byte {
	b = appendPx(append(b, 'A'), radius)
	b = appendPx(append(b, ' '), radius)
	flags := " 0 0 0"
	switch {
	case large && clockwise:
		flags = " 0 1 1"
	case large:
		flags = " 0 1 0"
	case clockwise:
		flags = " 0 0 1"
	}
	return append(b, flags...)
}
