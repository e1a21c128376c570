package draw

import (
	"math"
	"strconv"
	"time"

	"github.com/callboard/callboard/sdk/frame"
)

// Line draws each series as a line.
func Line(f *frame.Frame, o Options) (string, error) { return cartesian(f, o, lines) }

// Area draws each series as a line with the space down to zero filled.
func Area(f *frame.Frame, o Options) (string, error) { return cartesian(f, o, areas) }

// Bar draws the series of each point beside each other.
func Bar(f *frame.Frame, o Options) (string, error) { return cartesian(f, o, bars) }

// Stacked draws the series of each point on top of each other; negative values hang below the zero line.
func Stacked(f *frame.Frame, o Options) (string, error) { return cartesian(f, o, stacks) }

type style int

const (
	lines style = iota
	areas
	bars
	stacks
)

// continuous: points lie on the axis rather than in columns.
func (s style) continuous() bool { return s == lines || s == areas }

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
	yLabels                  []string
	kept                     []int // see columnsShown
}

// cartesian draws what has two axes. A frame without values is a chart that says so.
func cartesian(f *frame.Frame, o Options, s style) (string, error) {
	p, err := newPlot(f)
	if err != nil {
		return "", err
	}
	o = o.withDefaults()
	c := &chart{plot: p, o: o, f: o.formatter(), style: s}
	c.b = make([]byte, 0, 8<<10)
	low, high, ok := p.bounds(s == stacks)
	if ok {
		c.layOut(low, high)
	}
	c.begin(titleOf(f, o), c.sentence(), o, c.places(ok)...)
	if ok {
		c.drawLegend()
		c.drawAxes()
		c.drawData()
	} else {
		c.none(o, c.f)
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

// begin opens the drawing with its name and its sentence. One that holds links is no image to assistive software, which
// would not let anybody reach them.
func (m *markup) begin(title, sentence string, o Options, attributes ...string) {
	role := "img"
	if len(attributes) > 1 && attributes[0] == "role" {
		role, attributes = attributes[1], attributes[2:]
	}
	l := lexiconOf(o.Language)
	m.isolated = l.rightToLeft()
	theme := o.Theme
	if o.Standalone && theme == Inherit {
		theme = Auto
	}
	width, height := strconv.Itoa(o.Width), strconv.Itoa(o.Height)
	m.begun("svg", []string{"xmlns", "http://www.w3.org/2000/svg", "class", "cb-widget cb-chart" + theme.class(), "viewBox", "0 0 " + width + " " + height,
		"width", width, "height", height, "role", role, "lang", l.tag().String(), "direction", "ltr", "font-size", "11"})
	for i := 0; i+1 < len(attributes); i += 2 {
		m.attribute(attributes[i], attributes[i+1])
	}
	m.raw(">")
	m.element("title", title)
	m.element("desc", sentence)
	if o.Standalone {
		m.open("style")
		m.raw(pictureStyle) // our own: it has no characters to escape, and CSS in SVG is not unescaped everywhere
		m.close("style")
		m.rect("cb-back", 0, 0, float64(o.Width), float64(o.Height), 0)
	}
}

// places are the attributes that tell a cursor where the data is.
func (c *chart) places(drawn bool) []string {
	var out []string
	if c.linked() {
		out = append(out, "role", "group")
	}
	if !drawn {
		return out
	}
	area := appendPx(nil, c.left)
	for _, v := range []float64{c.top, c.right, c.bottom} {
		area = appendPx(append(area, ' '), v)
	}
	return append(out, "data-plot", string(area), "data-xs", string(c.xs()))
}

// xs are the places of the rows of the table.
func (c *chart) xs() []byte {
	out := make([]byte, 0, 6*len(c.rows))
	next := 0
	for k, row := range c.rows {
		for ; next < row && next < maxShown; next++ {
			out = append(out, "NaN "...)
		}
		if row >= maxShown {
			break
		}
		out = append(appendPx(out, c.position(k)), ' ')
		next = row + 1
	}
	return out[:max(0, len(out)-1)]
}

// linked reports whether marks lead somewhere: bars do, points of a line are too small to be met.
func (c *chart) linked() bool { return c.links != nil && !c.style.continuous() }

func (m *markup) none(o Options, f formatter) {
	m.label("cb-none", f.say(wordNoData), float64(o.Width)/2, float64(o.Height)/2, "middle", "font-size", "13")
}

func (c *chart) layOut(low, high float64) {
	if c.style != lines || low > 0 && low < high/2 {
		low, high = math.Min(low, 0), math.Max(high, 0)
	}
	c.top = c.legendHeight() + 8
	c.bottom = float64(c.o.Height) - 22
	from, to, step := rounded(low, high, max(2, int((c.bottom-c.top)/42)))
	c.yTicks, c.yStep = ticks(from, to, step), step
	widest := 0.0
	for i := range c.yTicks {
		c.yLabels = append(c.yLabels, c.yLabel(i))
		widest = math.Max(widest, textWidth(c.yLabels[i]))
	}
	c.left, c.right = widest+10, float64(c.o.Width)-12
	c.y = scale{from, to, c.bottom, c.top}
	c.x = scale{0, float64(max(c.points(), 1)), c.left, c.right}
	if c.times != nil && c.style.continuous() {
		c.x.low, c.x.high = seconds(c.times[0]), seconds(c.times[len(c.times)-1])
	}
	if c.f.rightToLeft() {
		c.left, c.right = float64(c.o.Width)-c.right, float64(c.o.Width)-c.left
		c.x.from, c.x.to = c.right, c.left
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

// column is the place of a point with bars, from the left.
func (c *chart) column(i int) (from, to float64) {
	from, to = c.x.at(float64(i)), c.x.at(float64(i+1))
	return math.Min(from, to), math.Max(from, to)
}

func (c *chart) position(k int) float64 {
	if c.times != nil && c.style.continuous() {
		return c.x.at(seconds(c.times[k]))
	}
	from, to := c.column(k)
	return (from + to) / 2
}

func (c *chart) drawData() {
	switch c.style {
	case lines, areas:
		for i, s := range c.series {
			c.drawLine(i, s)
		}
	case bars:
		c.drawBars()
	case stacks:
		c.drawStacks()
	}
}
