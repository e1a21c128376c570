package draw

import (
	"image/color"
	"strconv"
	"strings"
)

// paletteOf is the colours of a theme, by the names of their tokens.
func paletteOf(t Theme) map[string]color.RGBA {
	out := make(map[string]color.RGBA, len(colours))
	for _, c := range colours {
		text := c.light
		if t == Dark {
			text = c.dark
		}
		out[c.name] = parseColour(text)
	}
	return out
}

// parseColour reads #rrggbb; anything else is nothing to see.
func parseColour(text string) color.RGBA {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 16, 32)
	if err != nil || len(text) != 7 {
		return color.RGBA{}
	}
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}

// faded is a colour with less of it, premultiplied as image/color wants it.
func faded(c color.RGBA, opacity float64) color.RGBA {
	if opacity >= 1 {
		return c
	}
	by := func(v uint8) uint8 { return uint8(float64(v)*opacity + 0.5) }
	return color.RGBA{by(c.R), by(c.G), by(c.B), by(c.A)}
}

// classes are what the rules of chart.css say of a class, as far as a picture without a browser needs them.
var classes = map[string]func(*look, map[string]color.RGBA){
	"cb-back":   func(l *look, c map[string]color.RGBA) { l.fill = c["bg"] },
	"cb-mark":   func(l *look, _ map[string]color.RGBA) { l.fill = l.series },
	"cb-area":   func(l *look, _ map[string]color.RGBA) { l.fill = l.series },
	"cb-line":   func(l *look, _ map[string]color.RGBA) { l.stroke = l.series },
	"cb-grid":   func(l *look, c map[string]color.RGBA) { l.stroke = c["border"] },
	"cb-zero":   func(l *look, c map[string]color.RGBA) { l.stroke = c["text-muted"] },
	"cb-track":  func(l *look, c map[string]color.RGBA) { l.fill = c["border"] },
	"cb-slice":  func(l *look, c map[string]color.RGBA) { l.stroke = c["bg"] },
	"cb-cell":   func(l *look, c map[string]color.RGBA) { l.stroke = c["border"] },
	"cb-axis":   muted,
	"cb-none":   muted,
	"cb-label":  muted,
	"cb-change": muted,
	"cb-word":   func(l *look, _ map[string]color.RGBA) { l.fill = l.series },
	"cb-p1":     func(l *look, _ map[string]color.RGBA) { l.opacity *= 0.65 },
	"cb-p2":     func(l *look, _ map[string]color.RGBA) { l.opacity *= 0.4 },
}

func muted(l *look, c map[string]color.RGBA) { l.fill = c["text-muted"] }

// dress gives an element the look of its classes and attributes. The colour of a series is found before what is painted
// in it.
func (r *raster) dress(e *element) {
	list := strings.Fields(e.attributes["class"])
	for _, class := range list {
		name := strings.TrimPrefix(class, "cb-")
		if name == "unknown" {
			name = "text-muted"
		}
		if c, ok := r.colours[name]; ok && class != "cb-border" {
			e.series = c
		}
	}
	for _, class := range list {
		if rule := classes[class]; rule != nil {
			rule(&e.look, r.colours)
		}
	}
	if fill := e.attributes["fill"]; strings.HasPrefix(fill, "#") {
		e.fill = parseColour(fill)
	}
	e.size = e.numberOr("font-size", e.size)
	if weight := e.attributes["font-weight"]; weight != "" {
		e.bold = weight == "600"
	}
}
