// Package draw turns frames into what people see: SVG charts, HTML tables and lists, plain text, CSV. It knows frames,
// languages and nothing of where they come from.
//
// Laws: the same frame and options always give the same bytes. No script, no style attribute and no address but http and
// https stands in what it writes; every text of a frame is escaped, so that the output may be put into a page whose content
// security policy allows its own style sheet alone. Colours are the classes of [Stylesheet], which follow the page's theme.
// What a chart says it says in words as well, for who does not see it: a sentence in the SVG, and [Table] beside it.
package draw

import (
	_ "embed"
	"time"

	"golang.org/x/text/language"
)

// Options say for whom it is drawn. The zero value is an English chart of 640 by 240 in UTC.
type Options struct {
	// Title is the accessible name of a chart; "" = the name of the frame.
	Title string
	// Width and Height are in CSS pixels. A chart is drawn for that size and scales with its place on the page.
	Width, Height int
	Language      language.Tag
	Zone          *time.Location
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

// Stylesheet is the CSS that charts and tables need in a page. All of it is below the class cb-widget.
//
//go:embed draw.css
var Stylesheet string
