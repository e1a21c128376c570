package draw

import "math"

// dashes tell lines apart without their colour.
var dashes = [8]string{"", "6 3", "2 3", "8 3 2 3", "", "10 4", "", "1 4"}

// stroke draws a path as a line of the n-th series.
func (c *chart) stroke(i int, d []byte) {
	c.begun("path", []string{"class", "cb-line " + hue(i), "fill", "none", "stroke-width", "1.8", "stroke-linejoin", "round", "stroke-linecap", "round",
		"stroke-dasharray", dashes[i%len(dashes)]})
	c.data(d)
}

// data ends an element with the data of a path, which are numbers and letters alone.
func (m *markup) data(d []byte) {
	m.raw(` d="`)
	m.b = append(m.b, d...)
	m.raw(`"/>`)
}

// drawLine draws a path that breaks where there is no value. A point between two gaps is a dot.
func (c *chart) drawLine(i int, s series) {
	c.open("g", "data-series", name(s.column))
	defer c.close("g")
	xs, ys := c.reduced(s)
	d := make([]byte, 0, 12*len(xs))
	var dots [][2]float64
	eachRun(ys, func(from, to int) {
		if to-from == 1 {
			dots = append(dots, [2]float64{xs[from], ys[from]})
			return
		}
		command := byte('M')
		for k := from; k < to; k++ {
			d = appendPoint(d, command, xs[k], ys[k])
			command = 'L'
		}
	})
	if c.style == areas {
		c.fill(i, xs, ys)
	}
	if len(d) > 0 {
		c.stroke(i, d)
	}
	for _, at := range dots {
		c.circle(markClass(i), at[0], at[1], 2.5)
	}
}

// eachRun finds the parts of values without a gap.
func eachRun(ys []float64, run func(from, to int)) {
	from := 0
	for k := 0; k <= len(ys); k++ {
		if k < len(ys) && !math.IsNaN(ys[k]) {
			continue
		}
		if k > from {
			run(from, k)
		}
		from = k + 1
	}
}

// fill draws the space between a line and zero.
func (c *chart) fill(i int, xs, ys []float64) {
	zero := c.y.at(0)
	d := make([]byte, 0, 12*len(xs)+32)
	eachRun(ys, func(from, to int) {
		d = appendPoint(d, 'M', xs[from], zero)
		for k := from; k < to; k++ {
			d = appendPoint(d, 'L', xs[k], ys[k])
		}
		d = append(appendPoint(d, 'L', xs[to-1], zero), 'Z')
	})
	c.begun("path", []string{"class", "cb-area " + hue(i), "fill-opacity", ".18"})
	c.data(d)
}

// reduced are the points of a series in pixels. Where several fall on one pixel the first, least, greatest and last stay,
// so that no spike is lost and a path has at most four points for each pixel of its width.
func (c *chart) reduced(s series) (xs, ys []float64) {
	xs, ys = make([]float64, 0, len(s.values)), make([]float64, 0, len(s.values))
	keep := func(k int) { xs, ys = append(xs, c.position(k)), append(ys, c.y.at(s.values[k])) }
	if len(s.values) <= int(c.right-c.left) {
		for k := range s.values {
			keep(k)
		}
		return xs, ys
	}
	bucket, from := math.Floor(c.position(0)), 0
	for k := range s.values {
		if at := math.Floor(c.position(k)); at != bucket {
			extremes(s.values, from, k, keep)
			bucket, from = at, k
		}
	}
	extremes(s.values, from, len(s.values), keep)
	return xs, ys
}

// extremes are the members of a group that a line through all of them shows; a gap stays one.
func extremes(values []float64, from, to int, keep func(k int)) {
	low, high, gap := -1, -1, -1
	for k := from; k < to; k++ {
		v := values[k]
		switch {
		case math.IsNaN(v):
			gap = k
			continue
		case low < 0 || v < values[low]:
			low = k
		}
		if high < 0 || v > values[high] {
			high = k
		}
	}
	for k := from; k < to; k++ {
		if k == from || k == to-1 || k == low || k == high || k == gap {
			keep(k)
		}
	}
}

// gap is the space beside a bar of that width.
func gap(width float64) float64 {
	if width < 4 {
		return 0
	}
	return math.Min(width*0.15, 12)
}

func (c *chart) drawBars() {
	for i, s := range c.series {
		c.drawColumns(i, s, func(k int, from, width float64) (x, wide, low, high float64) {
			each := width / float64(len(c.series))
			place := i
			if c.f.rightToLeft() {
				place = len(c.series) - 1 - i
			}
			return from + float64(place)*each, each, 0, s.values[k]
		})
	}
}

func (c *chart) drawStacks() {
	up, down := make([]float64, c.points()), make([]float64, c.points())
	for i, s := range c.series {
		c.drawColumns(i, s, func(k int, from, width float64) (x, wide, low, high float64) {
			sum := &up[k]
			if s.values[k] < 0 {
				sum = &down[k]
			}
			low = *sum
			*sum += s.values[k]
			return from, width, low, *sum
		})
	}
}

// columnsShown are the points that have a bar: all, or where several fall on one pixel the one that is furthest from zero.
func (c *chart) columnsShown() []int {
	if c.kept != nil || c.points() == 0 {
		return c.kept
	}
	whole := c.points() <= int(c.right-c.left)
	bucket, furthest := math.Inf(-1), 0.0
	for k := range c.points() {
		at, far := math.Floor(c.position(k)), c.reach(k)
		switch {
		case whole || at != bucket:
			c.kept = append(c.kept, k)
			bucket, furthest = at, far
		case far > furthest:
			c.kept[len(c.kept)-1], furthest = k, far
		}
	}
	return c.kept
}

// reach is how far the bars of a point go.
func (c *chart) reach(k int) float64 {
	far := 0.0
	for _, s := range c.series {
		switch v := math.Abs(s.values[k]); {
		case math.IsNaN(v):
		case c.style == stacks:
			far += v
		default:
			far = math.Max(far, v)
		}
	}
	return far
}

// drawColumns draws a bar for each value of a series: one path, or one each where they lead somewhere.
func (c *chart) drawColumns(i int, s series, place func(k int, from, width float64) (x, wide, low, high float64)) {
	c.open("g", "data-series", name(s.column))
	d := make([]byte, 0, 24*len(c.columnsShown()))
	for _, k := range c.columnsShown() {
		if math.IsNaN(s.values[k]) || c.style == stacks && s.values[k] == 0 {
			continue
		}
		from, to := c.column(k)
		space := gap(to - from)
		x, width, low, high := place(k, from+space, to-from-2*space)
		d = c.bar(d, x, width, low, high)
		if c.linked() {
			c.link(c.links[k], c.pointName(k)+", "+name(s.column)+": "+c.f.number(s.values[k], s.column), func() { c.bars(i, d) })
			d = d[:0]
		}
	}
	c.bars(i, d)
	c.close("g")
}

func (c *chart) bars(i int, d []byte) {
	if len(d) > 0 {
		c.begun("path", []string{"class", markClass(i)})
		c.data(d)
	}
}

// bar is a rectangle from one value to another. One that is too low to be seen is a hair.
func (c *chart) bar(d []byte, x, width, from, to float64) []byte {
	y1, y2 := c.y.at(from), c.y.at(to)
	return rectangle(d, x, math.Min(y1, y2), math.Max(width, 0.5), math.Max(math.Abs(y2-y1), 0.1))
}

func rectangle(d []byte, x, y, width, height float64) []byte {
	d = appendPoint(d, 'M', x, y)
	d = appendPx(append(d, 'h'), width)
	d = appendPx(append(d, 'v'), height)
	d = appendPx(append(d, 'h'), -width)
	return append(d, 'z')
}

// pointName is what the axis calls a point.
func (c *chart) pointName(k int) string {
	if c.times != nil {
		return c.f.moment(c.times[k])
	}
	return c.labels[k]
}
