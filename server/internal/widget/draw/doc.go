// Package draw turns frames into what people see: SVG charts, PNG, HTML tables, lists and states, plain text, CSV, badges.
// It knows frames, languages and nothing of where they come from.
//
// Laws: the same frame and options always give the same bytes. No script, no style attribute and no address but http and
// https stands in what it writes, beside paths of the page's own origin for entities; every text of a frame is escaped, so
// that the output may be put into a page whose content security policy allows its own style sheet alone. Colours are the
// classes of [Stylesheet], which follow the page's theme. What a chart says it says in words as well, for who does not see
// it: a sentence in the SVG, and [Table] beside it. A status is a word, whatever its colour.
//
// A chart of a frame carries where its data is, for a cursor that reads the table: data-plot is the area of the data as "left
// top right bottom", data-xs the place of each row that [Table] shows ("NaN" = it has none), and a series is a group
// with data-series, its label.
package draw

import (
	"time"

	"golang.org/x/text/language"
)

// Options say for whom it is drawn. The zero value is an English chart of 640 by 240 in UTC, in the page's theme; a stat or
// gauge is smaller.
type Options struct {
	// Title is the accessible name of a chart; "" = the name of the frame.
	Title string
	// QuietTitle: the caption of a table is for who does not see it, since the title stands above already.
	QuietTitle bool
	// Width and Height are in CSS pixels. A chart is drawn for that size and scales with its place on the page.
	Width, Height int
	Language      language.Tag
	Zone          *time.Location
	Theme         Theme
	// Level is that of the heading of a figure, 2 to 6; 0 = its title is none.
	Level int
	// Scale is how many pixels of a PNG a CSS pixel has, 1 to 3; 0 = 1.
	Scale int
	// Standalone: an SVG that is a document of its own brings its style along, which a page would give it.
	Standalone bool
}

// Sizes that are drawn; others are brought into these bounds.
const (
	minWidth, minHeight         = 160, 60
	maxSide                     = 4096
	defaultWidth, defaultHeight = 640, 240
)

func (o Options) withDefaults() Options {
	o.Width = bounded(o.Width, minWidth, defaultWidth)
	o.Height = bounded(o.Height, minHeight, defaultHeight)
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Language == language.Und {
		o.Language = language.English
	}
	return o
}

func bounded(v, least, usual int) int {
	if v == 0 {
		return usual
	}
	return min(max(v, least), maxSide)
}
