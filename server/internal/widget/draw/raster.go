package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strconv"
	"strings"

	"golang.org/x/image/vector"
)

// Bounds of a PNG, and so of the memory that one takes: four bytes a pixel, 32 MiB at most, for as many at a time as atOnce
// has room for. The others wait; a large one takes about a second.
const (
	maxPixelSide = 4096
	maxPixels    = maxPixelSide * maxPixelSide / 2
)

var atOnce = make(chan struct{}, 2)

// ErrTooLarge is that of a PNG beyond the bounds.
var ErrTooLarge = fmt.Errorf("a PNG has at most %d pixels a side and %d in all", maxPixelSide, maxPixels)

// PNG rasterises a picture of this package, which is its own list of what to draw: rectangles, circles, lines, texts, and
// paths of straight lines and arcs. Text is set in a font that has the letters of Latin, Greek and Cyrillic; others are
// drawn as boxes. Auto and no theme are the light one.
func PNG(svg string, o Options) ([]byte, error) {
	atOnce <- struct{}{}
	defer func() { <-atOnce }()
	r := &raster{scale: float64(min(max(o.Scale, 1), 3)), colours: paletteOf(o.Theme)}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("rasterise: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			err = r.start(token)
		case xml.CharData:
			r.text = append(r.text, token...)
		case xml.EndElement:
			r.end()
		}
		if err != nil {
			return nil, fmt.Errorf("rasterise: %w", err)
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if r.to == nil {
		return nil, errors.New("rasterise: there is no svg element")
	}
	if err := encoder.Encode(&b, r.to); err != nil {
		return nil, fmt.Errorf("rasterise: %w", err)
	}
	return b.Bytes(), nil
}

// raster walks a picture.
type raster struct {
	to      *image.RGBA
	scale   float64
	colours map[string]color.RGBA
	open    []element
	text    []byte
	filler  vector.Rasterizer
}

// element is one that is open, with what it has of its own and from those around it.
type element struct {
	name       string
	attributes map[string]string
	look
}

// look is what children inherit.
type look struct {
	fill, stroke  color.RGBA
	series        color.RGBA // that of the classes cb-c1 and so on
	opacity, size float64
	bold          bool
}

func (r *raster) start(token xml.StartElement) error {
	e := element{name: token.Name.Local, attributes: map[string]string{}, look: look{fill: r.colours["text"], series: r.colours["text"], opacity: 1, size: 11}}
	if n := len(r.open); n > 0 {
		e.look = r.open[n-1].look
	}
	for _, a := range token.Attr {
		e.attributes[a.Name.Local] = a.Value
	}
	r.dress(&e)
	r.text = r.text[:0]
	if e.name == "svg" && r.to == nil {
		width, height := int(e.number("width")*r.scale), int(e.number("height")*r.scale)
		if width < 1 || height < 1 || width > maxPixelSide || height > maxPixelSide || width*height > maxPixels {
			return fmt.Errorf("%d by %d pixels: %w", width, height, ErrTooLarge)
		}
		r.to = image.NewRGBA(image.Rect(0, 0, width, height))
	}
	r.open = append(r.open, e)
	if r.to != nil {
		r.shape(e)
	}
	return nil
}

func (r *raster) end() {
	e := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	if e.name == "text" && r.to != nil {
		r.write(e, string(r.text))
	}
	r.text = r.text[:0]
}

func (r *raster) shape(e element) {
	var p path
	switch e.name {
	case "rect":
		p.rect(e.number("x"), e.number("y"), e.number("width"), e.number("height"), e.number("rx"))
	case "circle":
		p.circle(e.number("cx"), e.number("cy"), e.number("r"))
	case "line":
		p = path{{point{e.number("x1"), e.number("y1")}, point{e.number("x2"), e.number("y2")}}}
	case "path":
		p = parsePath(e.attributes["d"])
	default:
		return
	}
	if e.name != "line" && e.attributes["fill"] != "none" {
		r.paint(p, faded(e.fill, e.opacity*e.numberOr("fill-opacity", 1)))
	}
	if e.stroke.A > 0 {
		r.paint(p.stroked(e.numberOr("stroke-width", 1), dashesOf(e.attributes["stroke-dasharray"])), faded(e.stroke, e.opacity))
	}
}

// paint fills a path.
func (r *raster) paint(p path, c color.RGBA) {
	bounds := p.bounds(r.scale).Intersect(r.to.Bounds())
	if bounds.Empty() || c.A == 0 {
		return
	}
	v := &r.filler
	v.Reset(bounds.Dx(), bounds.Dy())
	dx, dy := float64(bounds.Min.X), float64(bounds.Min.Y)
	for _, run := range p {
		for i, at := range run {
			x, y := float32(at.x*r.scale-dx), float32(at.y*r.scale-dy)
			if i == 0 {
				v.MoveTo(x, y)
			} else {
				v.LineTo(x, y)
			}
		}
		v.ClosePath()
	}
	v.Draw(r.to, bounds, image.NewUniform(c), image.Point{})
}

func (e element) number(name string) float64 { return e.numberOr(name, 0) }

func (e element) numberOr(name string, usual float64) float64 {
	v, err := strconv.ParseFloat(e.attributes[name], 64)
	if err != nil {
		return usual
	}
	return v
}

func dashesOf(text string) []float64 {
	var out []float64
	for part := range strings.FieldsSeq(text) {
		if v, err := strconv.ParseFloat(part, 64); err == nil && v > 0 {
			out = append(out, v)
		}
	}
	return out
}
