package draw

import (
	"math"
	"strconv"
	"time"

	"github.com/callboard/callboard/sdk/frame"
)

// Heat draws values as the strength of a colour: days of one series as a calendar of weeks, anything else as a matrix with
// a row for each series.
func Heat(f *frame.Frame, o Options) (string, error) {
	p, err := newPlot(f)
	if err != nil {
		return "", err
	}
	o = o.withDefaults()
	h := &heat{chart: chart{plot: p, o: o, f: o.formatter(), style: bars}}
	low, high, ok := p.bounds(false)
	h.low, h.high, h.links = low, high, nil // cells are too small to be met
	switch {
	case !ok:
		h.begin(titleOf(f, o), h.sentence(), o)
		h.none(o, h.f)
	case h.daily():
		h.calendar(titleOf(f, o))
	default:
		h.matrix(titleOf(f, o))
	}
	h.close("svg")
	return h.String(), nil
}

type heat struct {
	chart

	low, high float64
}

// levels are the strengths. More could not be told apart.
var levels = [5]string{".16", ".37", ".58", ".79", "1"}

// level is the strength of a value.
func (h *heat) level(v float64) int {
	if h.high <= h.low {
		return len(levels) - 1
	}
	return min(int((v-h.low)/(h.high-h.low)*float64(len(levels))), len(levels)-1)
}

// daily reports whether the points are days of one series, over more than two weeks: a calendar of fewer says nothing.
func (h *heat) daily() bool {
	if len(h.series) != 1 || len(h.times) < 15 {
		return false
	}
	for i := 1; i < len(h.times); i++ {
		if d := h.times[i].Sub(h.times[i-1]); d < 23*time.Hour {
			return false
		}
	}
	return h.times[len(h.times)-1].Sub(h.times[0]) < 3*366*24*time.Hour
}

// cells are gathered by their strength, so that each is written once; the last are those without a value.
type cells [len(levels) + 1][]byte

func (h *heat) add(to *cells, x, y, width, height, v float64) {
	at := len(levels)
	if !math.IsNaN(v) {
		at = h.level(v)
	}
	to[at] = rectangle(to[at], x+0.5, y+0.5, math.Max(width-1, 0.5), math.Max(height-1, 0.5))
}

func (h *heat) write(c *cells) {
	for i, d := range c {
		if len(d) == 0 {
			continue
		}
		if i == len(levels) {
			h.begun("path", []string{"class", "cb-cell", "fill", "none"})
		} else {
			h.begun("path", []string{"class", "cb-mark cb-cell cb-c1", "fill-opacity", levels[i]})
		}
		h.data(d)
	}
}

// key explains the colours below the cells.
func (h *heat) key(y float64) {
	x := 8.0
	h.open("g", "class", "cb-axis", "aria-hidden", "true")
	write := func(s string) {
		at, anchor := h.mirrored(x, "start")
		h.label("", s, at, y+9, anchor)
		x += textWidth(s) + 6
	}
	write(h.f.say(wordLess) + " " + h.f.number(h.low, h.series[0].column))
	for i := range levels {
		at, _ := h.mirrored(x+5, "middle")
		h.begun("path", []string{"class", "cb-mark cb-cell cb-c1", "fill-opacity", levels[i]})
		h.data(rectangle(nil, at-5, y, 10, 10))
		x += 13
	}
	x += 3
	write(h.f.number(h.high, h.series[0].column) + " " + h.f.say(wordMore))
	h.close("g")
}

// calendar has a column for each week, which begins on Monday.
func (h *heat) calendar(title string) {
	first := h.times[0].In(h.o.Zone)
	monday := dayNumber(first) - (int(first.Weekday())+6)%7
	weeks := (dayNumber(h.times[len(h.times)-1].In(h.o.Zone))-monday)/7 + 1
	h.left, h.right, h.top, h.bottom = 8, float64(h.o.Width)-8, 20, float64(h.o.Height)-22
	size := math.Min((h.right-h.left)/float64(weeks), (h.bottom-h.top)/7)
	size = math.Max(size, 2)
	place := func(t time.Time) (x, y float64) {
		day := dayNumber(t.In(h.o.Zone)) - monday
		x = h.left + float64(day/7)*size
		if h.f.rightToLeft() {
			x = float64(h.o.Width) - x - size
		}
		return x, h.top + float64(day%7)*size
	}
	h.begin(title, h.sentence(), h.o)
	h.months(place, size)
	h.open("g", "data-series", name(h.series[0].column))
	var all cells
	for i, t := range h.times {
		x, y := place(t)
		h.add(&all, x, y, size, size, h.series[0].values[i])
	}
	h.write(&all)
	h.close("g")
	h.key(h.top + 7*size + 8)
}

// dayNumber counts days, whatever clocks do.
func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// months are named over the week in which they begin.
func (h *heat) months(place func(time.Time) (x, y float64), size float64) {
	h.open("g", "class", "cb-axis", "aria-hidden", "true")
	last := math.Inf(-1)
	for i, t := range h.times {
		t = t.In(h.o.Zone)
		if i > 0 && t.Month() == h.times[i-1].In(h.o.Zone).Month() {
			continue
		}
		x, _ := place(t)
		label, anchor := h.f.month(t), "start"
		start := x
		if h.f.rightToLeft() {
			x, anchor, start = x+size, "end", float64(h.o.Width)-x-size
		}
		if start >= last && start+textWidth(label) <= float64(h.o.Width) {
			h.label("", label, x, h.top-6, anchor)
			last = start + textWidth(label) + 8
		}
	}
	h.close("g")
}

// matrix has a row for each series. Where points are narrower than can be seen, a cell is the greatest of several.
func (h *heat) matrix(title string) {
	widest := 0.0
	for _, s := range h.series {
		widest = math.Max(widest, textWidth(fitted(name(s.column), legendLabel)))
	}
	h.left, h.right, h.top, h.bottom = widest+14, float64(h.o.Width)-8, 8, float64(h.o.Height)-40
	said := h.sentence()
	each := h.grouped(max(1, int((h.right-h.left)/5)))
	h.x = scale{0, float64(h.points()), h.left, h.right}
	if h.f.rightToLeft() {
		h.left, h.right = float64(h.o.Width)-h.right, float64(h.o.Width)-h.left
		h.x.from, h.x.to = h.right, h.left
	}
	attributes := h.places(true)
	if each > 1 {
		said, attributes = said+" "+h.f.say(wordGreatest, strconv.Itoa(each)), nil
	}
	h.begin(title, said, h.o, attributes...)
	h.drawRows()
	h.open("g", "class", "cb-axis", "aria-hidden", "true")
	for _, t := range h.xTicks() {
		at, anchor := h.mirrored(t.at, t.anchor)
		h.label("", t.label, at, h.bottom+14, anchor)
	}
	h.close("g")
	h.key(h.bottom + 24)
}

func (h *heat) drawRows() {
	height := (h.bottom - h.top) / float64(len(h.series))
	side, anchor := h.left-6, "end"
	if h.f.rightToLeft() {
		side, anchor = h.right+6, "start"
	}
	for i, s := range h.series {
		y := h.top + float64(i)*height
		h.open("g", "data-series", name(s.column))
		h.label("", fitted(name(s.column), legendLabel), side, y+height/2+4, anchor, "aria-hidden", "true")
		var all cells
		for k, v := range s.values {
			from, to := h.column(k)
			h.add(&all, from, y, to-from, height, v)
		}
		h.write(&all)
		h.close("g")
	}
}

// grouped makes at most so many points of them, and answers of how many each is made.
func (h *heat) grouped(most int) int {
	n := h.points()
	each := (n + most - 1) / most
	if each <= 1 {
		return 1
	}
	for i, s := range h.series {
		h.series[i].values = greatest(s.values, each)
	}
	if h.times != nil {
		h.times = everyNth(h.times, each)
	} else {
		h.labels = everyNth(h.labels, each)
	}
	return each
}

func greatest(values []float64, each int) []float64 {
	out := make([]float64, 0, len(values)/each+1)
	for i, v := range values {
		if i%each == 0 {
			out = append(out, v)
		} else if at := &out[len(out)-1]; math.IsNaN(*at) || v > *at {
			*at = v
		}
	}
	return out
}

func everyNth[T any](all []T, n int) []T {
	out := make([]T, 0, len(all)/n+1)
	for i := 0; i < len(all); i += n {
		out = append(out, all[i])
	}
	return out
}
