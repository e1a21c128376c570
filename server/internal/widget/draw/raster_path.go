package draw

import (
	"image"
	"math"
	"strconv"
)

type point struct{ x, y float64 }

// path is runs of points joined by straight lines.
type path [][]point

func (p path) bounds(scale float64) image.Rectangle {
	x1, y1, x2, y2 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, run := range p {
		for _, at := range run {
			x1, y1, x2, y2 = math.Min(x1, at.x), math.Min(y1, at.y), math.Max(x2, at.x), math.Max(y2, at.y)
		}
	}
	if x1 > x2 {
		return image.Rectangle{}
	}
	limit := func(v float64) int { return int(math.Min(math.Max(v, -1e6), 1e6)) }
	return image.Rect(limit(math.Floor(x1*scale)), limit(math.Floor(y1*scale)), limit(math.Ceil(x2*scale))+1, limit(math.Ceil(y2*scale))+1)
}

func (p *path) rect(x, y, width, height, radius float64) {
	radius = math.Min(radius, math.Min(width, height)/2)
	if radius <= 0 {
		*p = append(*p, []point{{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}, {x, y}})
		return
	}
	var run []point
	for i, c := range []point{{x + width - radius, y + radius}, {x + width - radius, y + height - radius}, {x + radius, y + height - radius}, {x + radius, y + radius}} {
		from := -math.Pi/2 + float64(i)*math.Pi/2
		run = append(run, turn(c, radius, from, from+math.Pi/2)...)
	}
	*p = append(*p, append(run, run[0]))
}

func (p *path) circle(x, y, radius float64) {
	*p = append(*p, turn(point{x, y}, radius, 0, 2*math.Pi))
}

// turn is points on a circle between two angles, dense enough to look round at three pixels for one.
func turn(c point, radius, from, to float64) []point {
	n := max(2, int(math.Ceil(math.Abs(to-from)*math.Sqrt(math.Max(radius, 1))*2.5)))
	out := make([]point, 0, n+1)
	for i := range n + 1 {
		a := from + (to-from)*float64(i)/float64(n)
		out = append(out, point{c.x + radius*math.Cos(a), c.y + radius*math.Sin(a)})
	}
	return out
}

// pathReader reads the data of paths as this package writes them: M, L, A, h, v, Z and z, each with its numbers.
type pathReader struct {
	d   string
	at  int
	out path
	now point
}

func parsePath(d string) path {
	r := &pathReader{d: d}
	for r.at < len(d) {
		command := d[r.at]
		r.at++
		switch command {
		case 'M':
			r.now = point{r.number(), r.number()}
			r.out = append(r.out, []point{r.now})
		case 'L':
			r.to(point{r.number(), r.number()})
		case 'h':
			r.to(point{r.now.x + r.number(), r.now.y})
		case 'v':
			r.to(point{r.now.x, r.now.y + r.number()})
		case 'A':
			r.arc()
		case 'Z', 'z':
			if n := len(r.out); n > 0 {
				r.to(r.out[n-1][0])
			}
		}
	}
	return r.out
}

func (r *pathReader) to(p point) {
	if n := len(r.out); n > 0 {
		r.out[n-1] = append(r.out[n-1], p)
	}
	r.now = p
}

func (r *pathReader) number() float64 {
	for r.at < len(r.d) && r.d[r.at] == ' ' {
		r.at++
	}
	from := r.at
	for r.at < len(r.d) && (r.d[r.at] == '-' && r.at == from || r.d[r.at] == '.' || r.d[r.at] >= '0' && r.d[r.at] <= '9') {
		r.at++
	}
	v, err := strconv.ParseFloat(r.d[from:r.at], 64)
	if err != nil {
		r.at = len(r.d) // not our own: what was read so far is drawn
		return 0
	}
	return v
}

// arc reads an arc of a circle.
func (r *pathReader) arc() {
	radius := r.number()
	r.number()
	r.number()
	large, clockwise := r.number() == 1, r.number() == 1
	from, to := r.now, point{r.number(), r.number()}
	dx, dy := to.x-from.x, to.y-from.y
	chord := math.Hypot(dx, dy)
	if chord == 0 || radius <= 0 {
		r.to(to)
		return
	}
	radius = math.Max(radius, chord/2)
	height := math.Sqrt(math.Max(0, radius*radius-chord*chord/4))
	if large == clockwise {
		height = -height
	}
	c := point{(from.x+to.x)/2 - dy/chord*height, (from.y+to.y)/2 + dx/chord*height}
	start, end := math.Atan2(from.y-c.y, from.x-c.x), math.Atan2(to.y-c.y, to.x-c.x)
	if clockwise && end < start {
		end += 2 * math.Pi
	} else if !clockwise && end > start {
		end -= 2 * math.Pi
	}
	for _, p := range turn(c, radius, start, end)[1:] {
		r.to(p)
	}
}

// stroked is the outline of a line along the path: a rectangle for each piece and a disc where two meet.
func (p path) stroked(width float64, dashes []float64) path {
	var out path
	for _, run := range p.dashed(dashes) {
		for i := 1; i < len(run); i++ {
			a, b := run[i-1], run[i]
			length := math.Hypot(b.x-a.x, b.y-a.y)
			if length == 0 {
				continue
			}
			nx, ny := -(b.y-a.y)/length*width/2, (b.x-a.x)/length*width/2
			out = append(out, []point{{a.x + nx, a.y + ny}, {a.x - nx, a.y - ny}, {b.x - nx, b.y - ny}, {b.x + nx, b.y + ny}})
			if width > 1 && i+1 < len(run) {
				disc := turn(b, width/2, 0, 2*math.Pi) // the way round of the rectangles: where two overlap stays full
				out = append(out, disc)
			}
		}
	}
	return out
}

// dashed cuts the path into pieces, of which every second is left out.
func (p path) dashed(dashes []float64) path {
	if len(dashes) == 0 {
		return p
	}
	var out path
	for _, run := range p {
		n, left, on := 0, dashes[0], true
		piece := []point{run[0]}
		for i := 1; i < len(run); i++ {
			a, b := run[i-1], run[i]
			for length := math.Hypot(b.x-a.x, b.y-a.y); length > left; length = math.Hypot(b.x-a.x, b.y-a.y) {
				a = point{a.x + (b.x-a.x)*left/length, a.y + (b.y-a.y)*left/length}
				if on {
					out = append(out, append(piece, a))
				}
				n, on = (n+1)%len(dashes), !on
				left, piece = dashes[n], []point{a}
			}
			left -= math.Hypot(b.x-a.x, b.y-a.y)
			piece = append(piece, b)
		}
		if on {
			out = append(out, piece)
		}
	}
	return out
}
