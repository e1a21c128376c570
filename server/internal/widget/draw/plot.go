package draw

import (
	"fmt"
	"math"
	"time"

	"github.com/callboard/callboard/sdk/frame"
)

// plot is a frame as a chart with two axes sees it: the first column is the axis, each number column a series.
type plot struct {
	axis   *frame.Column
	times  []time.Time // of a time axis, in order; nil for one of texts
	labels []string    // of the other kind
	series []series
	links  []string // of the axis, one for each point; nil = none
	rows   []int    // of the frame, one for each point
}

// series holds NaN where there is no value.
type series struct {
	column *frame.Column
	values []float64
}

// maxSeries is how many can be told apart; frames with more are for a table.
const maxSeries = 24

func newPlot(f *frame.Frame) (*plot, error) {
	if len(f.Columns) < 2 {
		return nil, fmt.Errorf("frame %q: a chart needs an axis and a number beside it", f.Name)
	}
	p := &plot{axis: f.Columns[0]}
	for _, c := range f.Columns[1:] {
		if c.Type == frame.Number || c.Type == frame.Duration {
			p.series = append(p.series, series{c, numbers(c)})
		}
	}
	if len(p.series) == 0 {
		return nil, fmt.Errorf("frame %q: none of its columns but the first holds numbers", f.Name)
	}
	if len(p.series) > maxSeries {
		return nil, fmt.Errorf("frame %q: %d series are more than can be told apart", f.Name, len(p.series))
	}
	p.readAxis()
	return p, nil
}

// readAxis leaves out rows whose axis has no value: there is no place for them.
func (p *plot) readAxis() {
	keep := make([]int, 0, len(p.axis.Values))
	for i, v := range p.axis.Values {
		switch v := v.(type) {
		case time.Time:
			p.times = append(p.times, v)
			keep = append(keep, i)
		case string:
			p.labels = append(p.labels, v)
			keep = append(keep, i)
		case float64, bool:
			p.labels = append(p.labels, fmt.Sprint(v))
			keep = append(keep, i)
		}
	}
	p.rows = keep
	if p.axis.Links != nil {
		p.links = picked(p.axis.Links, keep)
	}
	for i := range p.series {
		p.series[i].values = picked(p.series[i].values, keep)
	}
}

func picked[T any](all []T, keep []int) []T {
	if len(all) == len(keep) {
		return all
	}
	out := make([]T, len(keep))
	for i, k := range keep {
		out[i] = all[k]
	}
	return out
}

func (p *plot) points() int { return max(len(p.times), len(p.labels)) }

// numbers are the values of a column; durations count in seconds.
func numbers(c *frame.Column) []float64 {
	out := make([]float64, len(c.Values))
	for i, v := range c.Values {
		switch v := v.(type) {
		case float64:
			out[i] = drawable(v)
		case time.Duration:
			out[i] = v.Seconds()
		default:
			out[i] = math.NaN()
		}
	}
	return out
}

// drawable brings numbers into the range in which differences and quotients of two of them are numbers as well.
func drawable(v float64) float64 {
	if math.Abs(v) < 1e-100 {
		return 0
	}
	return math.Min(math.Max(v, -1e100), 1e100)
}

// unit of the values: that of the first series, since they share an axis.
func (p *plot) unit() string {
	if c := p.series[0].column; c.Type == frame.Duration {
		return "s"
	} else if c.Unit != "" {
		return c.Unit
	}
	return ""
}

// bounds are the least and the greatest of what is drawn; false when nothing is.
func (p *plot) bounds(stacked bool) (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	take := func(v float64) { low, high = math.Min(low, v), math.Max(high, v) }
	for i := range p.points() {
		up, down := 0.0, 0.0
		for _, s := range p.series {
			switch v := s.values[i]; {
			case math.IsNaN(v):
			case !stacked:
				take(v)
			case v < 0:
				down += v
				take(down)
			default:
				up += v
				take(up)
			}
		}
	}
	return low, high, low <= high
}

// name is what people call a column.
func name(c *frame.Column) string {
	if c.Label != "" {
		return c.Label
	}
	return c.Name
}
