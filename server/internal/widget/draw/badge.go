package draw

import (
	"math"
	"strconv"

	"github.com/callboard/callboard/sdk/frame"
)

// Shield is a badge as the endpoint form of shields.io has it.
type Shield struct {
	SchemaVersion int    `json:"schemaVersion"`
	Label         string `json:"label"`
	Message       string `json:"message"`
	Color         string `json:"color"`
	IsError       bool   `json:"isError,omitempty"`
}

// badgeColours are behind white text; they are the same in every theme, since a badge stands on pages that have none.
var badgeColours = map[frame.Status]string{frame.OK: "#1a7f37", frame.Warn: "#8a5a00", frame.Danger: "#c22b2b", frame.Info: "#0b62c4", "": "#2166ac"}

const badgeLabel = "#444c56" // behind the label

// ShieldOf is the JSON form of a badge.
func ShieldOf(label, value string, status frame.Status) Shield {
	return Shield{SchemaVersion: 1, Label: cut(printable(label)), Message: cut(printable(value)), Color: badgeColours[badged(status)],
		IsError: status == frame.Danger}
}

func badged(s frame.Status) frame.Status {
	if s.Known() {
		return s
	}
	return ""
}

// Badge is a picture of one value as READMEs have them. A status is a word beside the value, unless the value is one.
func Badge(label, value string, status frame.Status, o Options) string {
	o = o.withDefaults()
	label, value = cut(label), cut(value)
	said := joined(label+": "+value, lexiconOf(o.Language).statusWord(status))
	left, right := badgeHalf(label), badgeHalf(value)
	width := strconv.FormatFloat(left+right, 'f', -1, 64)
	var m markup
	m.open("svg", "xmlns", "http://www.w3.org/2000/svg", "width", width, "height", "20", "viewBox", "0 0 "+width+" 20", "role", "img",
		"direction", "ltr", "font-family", "Verdana,Geneva,DejaVu Sans,sans-serif", "font-size", "11")
	m.element("title", said)
	m.half(label, badgeLabel, 0, left, left+right, "")
	m.half(value, badgeColours[badged(status)], left, right, left+right, "600")
	m.close("svg")
	return m.String()
}

// badgeHalf is the width of a half, in whole pixels.
func badgeHalf(text string) float64 {
	if text == "" {
		return 0
	}
	return math.Ceil(measured(text, badgeSize)) + 12
}

const badgeSize = 12 // Verdana of 11 pixels is as wide as the measured font of 12

func (m *markup) half(text, fill string, x, width, whole float64, weight string) {
	if width == 0 {
		return
	}
	m.begun("path", []string{"fill", fill})
	m.data(roundedHalf(x, width, x == 0, x+width == whole))
	m.begun("text", []string{"fill", "#ffffff", "text-anchor", "middle", "font-weight", weight})
	m.number("x", x+width/2)
	m.number("y", 14)
	m.number("textLength", width-12)
	m.raw(">")
	m.text(text)
	m.close("text")
}

// roundedHalf is a rectangle whose outer corners are round.
func roundedHalf(x, width float64, left, right bool) []byte {
	const height, r = 20, 3
	var b []byte
	corner := func(on bool, x1, y1, x2, y2 float64) {
		if !on {
			b = appendPoint(b, 'L', x2, y2)
			return
		}
		b = appendPoint(arc(appendPoint(b, 'L', x1, y1), r, false, true), ' ', x2, y2)
	}
	lr, rr := 0.0, 0.0
	if left {
		lr = r
	}
	if right {
		rr = r
	}
	b = appendPoint(b, 'M', x+lr, 0)
	corner(right, x+width-rr, 0, x+width, rr)
	corner(right, x+width, height-rr, x+width-rr, height)
	corner(left, x+lr, height, x, height-lr)
	corner(left, x, lr, x+lr, 0)
	return append(b, 'Z')
}

// BadgeOf is what a badge says of a frame: the last value of its first column of numbers, or of its first column. False =
// there is no value.
func BadgeOf(f *frame.Frame, title string, o Options) (label, value string, status frame.Status, ok bool) {
	o = o.withDefaults()
	if len(f.Columns) == 0 || f.Rows() == 0 {
		return title, none, "", false
	}
	c := f.Columns[0]
	for _, other := range f.Columns {
		if other.Type == frame.Number {
			c = other
			break
		}
	}
	last := f.Rows() - 1
	return title, o.formatter().value(c, c.Values[last]), statusOf(c, last), c.Values[last] != nil
}
