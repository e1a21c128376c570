package draw

import (
	"math"
	"strconv"
	"time"

	"github.com/callboard/callboard/sdk/frame"
)

// Line draws each series as a line.
func Line(f *frame.Frame, o Options) (string, error) { return cartesian(f, o, lines) }

// Bar draws the series of each point beside each other.
func Bar(f *frame.Frame, o Options) (string, error) { return cartesian(f, o, bars) }

// Stacked draws the series of each point on top of each other; negative values hang below the zero line.
func Stacked(f *frame.Frame, o Options) (string, error) { return cartesian(f, o, stacks) }

type style int

const (
	lines style = iota
	bars
	stacks
)

// chart is a drawing with two axes.
type chart struct {
	markup
	*plot

	o                        Options
	f                        formatter
	style                    style
	left, top, right, bottom float64 // of the area of the data
	x, y                     scale
	yTicks                   []float64
	yStep                    float64
}

// cartesian draws what has two axes. A frame without values is a chart that says so.
func cartesian(f *frame.Frame, o Options, s style) (string, error) {
	p, err := newPlot(f)
	if err != nil {
		return "", err
	}
	o = o.withDefaults()
	c := &chart{plot: p, o: o, f: o.formatter(), style: s}
	c.begin(titleOf(f, o), c.sentence(), o)
	low, high, ok := p.bounds(s == stacks)
	if !ok {
		c.empty(o)
	} else {
		c.layOut(low, high)
		c.drawAxes()
		c.drawData()
	}
	c.close("svg")
	return c.String(), nil
}

func titleOf(f *frame.Frame, o Options) string {
	if o.Title != "" {
		return o.Title
	}
	return f.Name
}

// begin opens the drawing with its name and its sentence.
func (m *markup) begin(title, sentence string, o Options) {
	m.open("svg", "xmlns", "http://www.w3.org/2000/svg", "class", "cb-widget cb-chart", "viewBox", "0 0 "+strconv.Itoa(o.Width)+" "+strconv.Itoa(o.Height),
		"width", strconv.Itoa(o.Width), "height", strconv.Itoa(o.Height), "role", "img", "preserveAspectRatio", "xMidYMid meet")
	m.element("title", title)
	m.element("desc", sentence)
	if o.Standalone {
		m.open("style")
		m.WriteString(Stylesheet) // our own: it has no characters to escape, and CSS in SVG is not unescaped everywhere
		m.close("style")
	}
}

func (m *markup) empty(o Options) {
	m.element("text", "No data in this range", "class", "cb-none", "x", px(float64(o.Width)/2), "y", px(float64(o.Height)/2), "text-anchor", "middle")
}

// charWidth is the width of a character of the axes' text, a little more than it is in common fonts.
const charWidth = 6.4

func (c *chart) layOut(low, high float64) {
	if c.style != lines || low > 0 && low < high/2 {
		low, high = math.Min(low, 0), math.Max(high, 0)
	}
	c.top = c.drawLegend() + 8
	c.bottom = float64(c.o.Height) - 22
	from, to, step := rounded(low, high, max(2, int((c.bottom-c.top)/42)))
	c.yTicks, c.yStep = ticks(from, to, step), step
	widest := 0
	for i := range c.yTicks {
		widest = max(widest, len([]rune(c.yLabel(i))))
	}
	c.left, c.right = float64(widest)*charWidth+10, float64(c.o.Width)-12
	c.y = scale{from, to, c.bottom, c.top}
	c.x = scale{0, float64(max(c.points(), 1)), c.left, c.right}
	if c.times != nil && c.style == lines {
		c.x.low, c.x.high = seconds(c.times[0]), seconds(c.times[len(c.times)-1])
	}
}

// yLabel names a tick; the uppermost says the currency for all of them.
func (c *chart) yLabel(i int) string {
	text := c.f.tick(c.yTicks[i], c.yStep, c.unit())
	if i == len(c.yTicks)-1 && isCurrency(c.unit()) {
		return c.unit() + "\u202f" + text
	}
	return text
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// column is the place of a point with bars.
func (c *chart) column(i int) (from, to float64) { return c.x.at(float64(i)), c.x.at(float64(i + 1)) }

// drawLegend answers the height that it takes. One series needs none: the title names it.
func (c *chart) drawLegend() float64 {
	if len(c.series) < 2 {
		return 0
	}
	x, y := 8.0, 14.0
	c.open("g", "class", "cb-legend", "aria-hidden", "true") // the table says it
	for i, s := range c.series {
		label := cut(name(s.column), 28)
		width := float64(len([]rune(label)))*charWidth + 26
		if x+width > float64(c.o.Width) && x > 8 {
			x, y = 8, y+16
		}
		c.open("rect", "class", color(i), "x", px(x), "y", px(y-9), "width", "10", "height", "10", "rx", "2")
		c.close("rect")
		c.element("text", label, "x", px(x+15), "y", px(y))
		x += width
	}
	c.close("g")
	return y + 4
}

// color is the class of the n-th series: eight colours, then the same with another pattern.
func color(i int) string {
	class := "cb-c" + strconv.Itoa(i%8+1)
	if i >= 8 {
		class += " cb-p" + strconv.Itoa(i/8)
	}
	return class
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func (c *chart) drawAxes() {
	c.open("g", "class", "cb-axis", "aria-hidden", "true")
	for i, v := range c.yTicks {
		y := px(c.y.at(v))
		class := "cb-grid"
		if v == 0 {
			class = "cb-zero"
		}
		c.open("line", "class", class, "x1", px(c.left), "x2", px(c.right), "y1", y, "y2", y)
		c.close("line")
		c.element("text", c.yLabel(i), "x", px(c.left-6), "y", y, "dy", "0.32em", "text-anchor", "end")
	}
	for _, t := range c.xTicks() {
		c.element("text", t.label, "x", px(t.at), "y", px(c.bottom+16), "text-anchor", t.anchor)
	}
	c.close("g")
}

type xTick struct {
	at            float64
	label, anchor string
}

// xTicks are labels that do not touch each other.
func (c *chart) xTicks() []xTick {
	var out []xTick
	last := math.Inf(-1)
	add := func(at float64, label string) {
		half := float64(len([]rune(label))) * charWidth / 2
		t := xTick{at, label, "middle"}
		switch {
		case at+half > float64(c.o.Width)-2:
			t.anchor, t.at = "end", float64(c.o.Width)-2
		case at-half < 2:
			t.anchor, t.at = "start", 2
		}
		start := map[string]float64{"middle": t.at - half, "end": t.at - 2*half, "start": t.at}[t.anchor]
		if start >= last+8 {
			out = append(out, t)
			last = start + 2*half
		}
	}
	room := int((c.right - c.left) / 70)
	switch {
	case c.times != nil && c.points() == 1:
		add((c.left+c.right)/2, c.f.moment(c.times[0]))
	case c.times != nil && c.style == lines:
		at, label := moments(c.times[0], c.times[len(c.times)-1], room, c.o.Zone)
		for _, t := range at {
			add(c.x.at(seconds(t)), label(t))
		}
	case c.times != nil:
		c.barTicks(room, add)
	default:
		for i, label := range c.labels {
			from, to := c.column(i)
			add((from+to)/2, cut(label, max(4, int((to-from)/charWidth))))
		}
	}
	return out
}

// barTicks names the bars in which a tick lies.
func (c *chart) barTicks(room int, add func(float64, string)) {
	at, label := moments(c.times[0], c.times[len(c.times)-1], room, c.o.Zone)
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

func (c *chart) drawData() {
	switch c.style {
	case lines:
		for i, s := range c.series {
			c.drawLine(i, s)
		}
	case bars:
		c.drawBars()
	case stacks:
		c.drawStacks()
	}
}
