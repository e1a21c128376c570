package draw

import (
	"math"
	"strconv"
)

// Widths of a character of the axes' text, a little more than they are in common fonts.
const (
	charWidth = 6.4
	fullWidth = 11.5 // of East Asian scripts
)

// textWidth is about the width of a text.
func textWidth(s string) float64 {
	width := 0.0
	for _, r := range s {
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300) {
			width += fullWidth
		} else {
			width += charWidth
		}
	}
	return width
}

// fitted is the beginning of a text that is not wider.
func fitted(s string, width float64) string {
	if textWidth(s) <= width {
		return s
	}
	width -= charWidth
	for i, r := range s {
		if width -= textWidth(string(r)); width < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// maxWords is how many characters there are where a few words have room: in half a badge, in a column of text.
const maxWords = 60

func cut(s string) string {
	if len(s) <= maxWords {
		return s
	}
	if r := []rune(s); len(r) > maxWords {
		return string(r[:maxWords-1]) + "…"
	}
	return s
}

// mirrored is a place counted from the side where the language begins to read, and its anchor.
func (c *chart) mirrored(x float64, anchor string) (float64, string) {
	if !c.f.rightToLeft() {
		return x, anchor
	}
	switch anchor {
	case "start":
		anchor = "end"
	case "end":
		anchor = "start"
	}
	return float64(c.o.Width) - x, anchor
}

const legendLabel = 180 // the widest that a label of a legend may be

// legendHeight is that of the legend. One series needs none: the title names it.
func (c *chart) legendHeight() float64 {
	y := 0.0
	c.eachKey(func(_ int, _ string, _, at float64) { y = at + 4 })
	return y
}

// eachKey places the series in the legend, in rows from the side where reading begins.
func (c *chart) eachKey(place func(i int, label string, x, y float64)) {
	if len(c.series) < 2 {
		return
	}
	x, y := 8.0, 14.0
	for i, s := range c.series {
		label := fitted(name(s.column), legendLabel)
		width := textWidth(label) + 26
		if x+width > float64(c.o.Width) && x > 8 {
			x, y = 8, y+16
		}
		place(i, label, x, y)
		x += width
	}
}

func (c *chart) drawLegend() {
	if len(c.series) < 2 {
		return
	}
	c.open("g", "class", "cb-legend", "aria-hidden", "true") // the table says it
	c.eachKey(func(i int, label string, x, y float64) {
		at, anchor := c.mirrored(x+15, "start")
		left, _ := c.mirrored(x+5, "middle")
		if c.style.continuous() {
			c.stroke(i, appendPoint(appendPoint(nil, 'M', left-6, y-4), 'L', left+6, y-4))
		} else {
			c.rect(markClass(i), left-5, y-9, 10, 10, 2)
		}
		c.label("", label, at, y, anchor)
	})
	c.close("g")
}

// markClass is the class of the n-th series: eight colours, then the same with another strength.
func markClass(i int) string {
	if i < len(markClasses) {
		return markClasses[i]
	}
	return "cb-mark " + hue(i)
}

var markClasses = func() (classes [maxSeries]string) {
	for i := range classes {
		classes[i] = "cb-mark " + hue(i)
	}
	return classes
}()

func hue(i int) string {
	class := "cb-c" + strconv.Itoa(i%8+1)
	if i >= 8 {
		class += " cb-p" + strconv.Itoa(min(i/8, 2))
	}
	return class
}

func (c *chart) drawAxes() {
	c.open("g", "class", "cb-axis", "aria-hidden", "true")
	side, anchor := c.left-6, "end"
	if c.f.rightToLeft() {
		side, anchor = c.right+6, "start"
	}
	for i, v := range c.yTicks {
		class := "cb-grid"
		if v == 0 {
			class = "cb-zero"
		}
		y := c.y.at(v)
		c.line(class, c.left, y, c.right, y)
		c.label("", c.yLabels[i], side, y+3.5, anchor)
	}
	for _, t := range c.xTicks() {
		at, anchor := c.mirrored(t.at, t.anchor)
		c.label("", t.label, at, c.bottom+16, anchor)
	}
	c.close("g")
}

// xTick is a label of the horizontal axis, from the side where reading begins.
type xTick struct {
	at            float64
	label, anchor string
}

// xTicks are labels that do not touch each other.
func (c *chart) xTicks() []xTick {
	var out []xTick
	last := math.Inf(-1)
	add := func(place float64, label string) {
		at, _ := c.mirrored(place, "middle")
		half := textWidth(label) / 2
		t, start := xTick{at, label, "middle"}, at-half
		switch edge := float64(c.o.Width) - 2; {
		case at+half > edge:
			t.anchor, t.at, start = "end", edge, edge-2*half
		case start < 2:
			t.anchor, t.at, start = "start", 2, 2
		}
		if start >= last+8 {
			out = append(out, t)
			last = start + 2*half
		}
	}
	room := int((c.right - c.left) / 70)
	switch {
	case c.times != nil && c.points() == 1:
		add((c.left+c.right)/2, c.f.moment(c.times[0]))
	case c.times != nil && c.style.continuous():
		at, label := c.f.moments(c.times[0], c.times[len(c.times)-1], room, c.o.Zone)
		for _, t := range at {
			add(c.x.at(seconds(t)), label(t))
		}
	case c.times != nil:
		c.barTicks(room, add)
	default:
		c.textTicks(add)
	}
	return out
}

// textTicks name each column as far as there is room.
func (c *chart) textTicks(add func(float64, string)) {
	for i, label := range c.labels {
		from, to := c.column(i)
		add((from+to)/2, fitted(label, math.Max(4*charWidth, to-from)))
	}
}

// barTicks names the bars in which a tick lies.
func (c *chart) barTicks(room int, add func(float64, string)) {
	at, label := c.f.moments(c.times[0], c.times[len(c.times)-1], room, c.o.Zone)
	i := 0
	for _, t := range at {
		for i < len(c.times) && c.times[i].Before(t) {
			i++
		}
		if i < len(c.times) {
			from, to := c.column(i)
			add((from+to)/2, label(t))
		}
	}
}
