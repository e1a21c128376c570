package draw

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// fonts are read when the first picture or badge is made.
var fonts = sync.OnceValue(func() (f struct{ regular, bold *sfnt.Font }) {
	var err error
	if f.regular, err = sfnt.Parse(goregular.TTF); err == nil {
		f.bold, err = sfnt.Parse(gobold.TTF)
	}
	if err != nil {
		panic(fmt.Sprintf("draw: a font that is part of the program cannot be read: %v", err))
	}
	return f
})

func fontOf(bold bool) *sfnt.Font {
	if bold {
		return fonts().bold
	}
	return fonts().regular
}

// glyphs answers the outlines of a text one after the other, in units of a size of one pixel; the widths add up.
type glyphs struct {
	font   *sfnt.Font
	buffer sfnt.Buffer
	ppem   fixed.Int26_6
}

func glyphsOf(bold bool, size float64) *glyphs {
	return &glyphs{font: fontOf(bold), ppem: fixed.Int26_6(size * 64)}
}

func (g *glyphs) advance(r rune) (sfnt.GlyphIndex, float64) {
	index, err := g.font.GlyphIndex(&g.buffer, replaced(r))
	if err != nil {
		index = 0
	}
	advance, err := g.font.GlyphAdvance(&g.buffer, index, g.ppem, font.HintingNone)
	if err != nil {
		return index, 0
	}
	return index, float64(advance) / 64
}

// replaced is a character that the font has for one that looks the same.
func replaced(r rune) rune {
	switch r {
	case '\u00a0', '\u202f', '\u2002', '\u2009':
		return ' '
	case '\u2212':
		return '–'
	}
	return r
}

// visible drops what has no form of its own, such as the marks of direction: letters are set from the left to the right.
func visible(r rune) rune {
	if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) {
		return -1
	}
	return r
}

// measured is the width of a text in pixels.
func measured(text string, size float64) float64 {
	g := glyphsOf(false, size)
	width := 0.0
	for _, r := range text {
		_, advance := g.advance(r)
		width += advance
	}
	return width
}

// write draws the text of an element.
func (r *raster) write(e element, text string) {
	text = strings.Map(visible, text)
	size := e.size * r.scale
	g := glyphsOf(e.bold, size)
	width := 0.0
	for _, c := range text {
		_, advance := g.advance(c)
		width += advance
	}
	squeeze := 1.0
	if wanted := e.number("textLength") * r.scale; wanted > 0 && width > 0 {
		squeeze = wanted / width
	}
	x, y := e.number("x")*r.scale, e.number("y")*r.scale
	switch e.attributes["text-anchor"] {
	case "middle":
		x -= width * squeeze / 2
	case "end":
		x -= width * squeeze
	}
	var outline path
	for _, c := range text {
		index, advance := g.advance(c)
		outline = append(outline, g.outline(index, x, y)...)
		x += advance * squeeze
	}
	for _, run := range outline {
		for i := range run {
			run[i].x, run[i].y = run[i].x/r.scale, run[i].y/r.scale
		}
	}
	r.paint(outline, faded(e.fill, e.opacity))
}

// outline is a glyph with its origin at a place. Curves of the font are of second degree.
func (g *glyphs) outline(index sfnt.GlyphIndex, x, y float64) path {
	segments, err := g.font.LoadGlyph(&g.buffer, index, g.ppem, nil)
	if err != nil {
		return nil
	}
	var out path
	at := func(p fixed.Point26_6) point { return point{x + float64(p.X)/64, y + float64(p.Y)/64} }
	for _, s := range segments {
		n := len(out) - 1
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			out = append(out, []point{at(s.Args[0])})
		case sfnt.SegmentOpLineTo:
			out[n] = append(out[n], at(s.Args[0]))
		case sfnt.SegmentOpQuadTo:
			out[n] = append(out[n], curve(out[n][len(out[n])-1], at(s.Args[0]), at(s.Args[1]))...)
		case sfnt.SegmentOpCubeTo:
			out[n] = append(out[n], at(s.Args[2]))
		}
	}
	return out
}

func curve(a, b, c point) []point {
	const pieces = 5
	out := make([]point, 0, pieces)
	for i := 1; i <= pieces; i++ {
		t := float64(i) / pieces
		u := 1 - t
		out = append(out, point{u*u*a.x + 2*u*t*b.x + t*t*c.x, u*u*a.y + 2*u*t*b.y + t*t*c.y})
	}
	return out
}
