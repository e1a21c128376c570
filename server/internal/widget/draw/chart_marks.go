package draw

import (
	"math"
	"strings"
)

// drawLine draws a path that breaks where there is no value. A point between two gaps is a dot.
func (c *chart) drawLine(i int, s series) {
	var d strings.Builder
	var dots [][2]float64
	xs, ys := c.reduced(s)
	for k := range xs {
		if math.IsNaN(ys[k]) {
			continue
		}
		first := k == 0 || math.IsNaN(ys[k-1])
		if first && (k+1 == len(xs) || math.IsNaN(ys[k+1])) {
			dots = append(dots, [2]float64{xs[k], ys[k]})
			continue
		}
		command := "L"
		if first {
			command = "M"
		}
		d.WriteString(command + px(xs[k]) + " " + px(ys[k]))
	}
	if d.Len() > 0 {
		c.open("path", "class", "cb-line "+color(i), "d", d.String())
		c.close("path")
	}
	for _, at := range dots {
		c.open("circle", "class", "cb-dot "+color(i), "cx", px(at[0]), "cy", px(at[1]), "r", "2.5")
		c.close("circle")
	}
}

// reduced are the points of a series in pixels. Where several fall on one pixel the first, least, greatest and last stay,
// so that no spike is lost.
func (c *chart) reduced(s series) (xs, ys []float64) {
	bucket := math.Inf(-1)
	var group []int
	flush := func() {
		for _, k := range extremes(s.values, group) {
			xs, ys = append(xs, c.position(k)), append(ys, c.y.at(s.values[k]))
		}
		group = group[:0]
	}
	for k := range s.values {
		if at := math.Floor(c.position(k)); at != bucket {
			flush()
			bucket = at
		}
		group = append(group, k)
	}
	flush()
	return xs, ys
}

// extremes are the members of a group that a line through all of them shows; a gap stays one.
func extremes(values []float64, group []int) []int {
	if len(group) <= 4 {
		return append([]int(nil), group...)
	}
	low, high, gap := -1, -1, -1
	for _, k := range group {
		switch {
		case math.IsNaN(values[k]):
			gap = k
		case low < 0 || values[k] < values[low]:
			low = k
		}
		if !math.IsNaN(values[k]) && (high < 0 || values[k] > values[high]) {
			high = k
		}
	}
	keep := map[int]bool{group[0]: true, group[len(group)-1]: true, low: true, high: true, gap: true}
	var out []int
	for _, k := range group {
		if keep[k] {
			out = append(out, k)
		}
	}
	return out
}

func (c *chart) position(k int) float64 {
	if c.times != nil {
		return c.x.at(seconds(c.times[k]))
	}
	from, to := c.column(k)
	return (from + to) / 2
}

// gap is the space beside a bar of that width.
func gap(width float64) float64 {
	if width < 4 {
		return 0
	}
	return math.Min(width*0.15, 12)
}

func (c *chart) drawBars() {
	for k := range c.points() {
		from, to := c.column(k)
		space := gap(to - from)
		each := (to - from - 2*space) / float64(len(c.series))
		for i, s := range c.series {
			if v := s.values[k]; !math.IsNaN(v) {
				c.drawBar(k, i, from+space+float64(i)*each, each, 0, v)
			}
		}
	}
}

func (c *chart) drawStacks() {
	for k := range c.points() {
		from, to := c.column(k)
		space := gap(to - from)
		up, down := 0.0, 0.0
		for i, s := range c.series {
			v := s.values[k]
			switch {
			case math.IsNaN(v) || v == 0:
			case v < 0:
				c.drawBar(k, i, from+space, to-from-2*space, down, down+v)
				down += v
			default:
				c.drawBar(k, i, from+space, to-from-2*space, up, up+v)
				up += v
			}
		}
	}
}

// drawBar draws from one value to another.
func (c *chart) drawBar(point, i int, x, width, from, to float64) {
	y1, y2 := c.y.at(from), c.y.at(to)
	address := ""
	if c.links != nil {
		address = c.links[point]
	}
	c.link(address, func() {
		c.open("rect", "class", color(i), "x", px(x), "y", px(math.Min(y1, y2)), "width", px(math.Max(width, 0.5)), "height", px(math.Max(math.Abs(y2-y1), 0.1)))
		c.close("rect")
	})
}
