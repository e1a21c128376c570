package draw

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// decimals writes numbers as CLDR has them for a language. A page has hundreds of numbers, so the signs of the language are
// learnt from the library once, and numbers are written with them; languages that group or count otherwise than by three
// Latin digits go through the library each time.
type decimals struct {
	printer               *message.Printer
	simple                bool
	minus, group, decimal string
	groupFrom             int // digits from which on there are groups
}

// learnt is a number that shows all signs.
const learnt = -1234567.5

func newDecimals(tag language.Tag) *decimals {
	n := &decimals{printer: message.NewPrinter(tag), groupFrom: 4}
	text := n.print(learnt, 1, 1)
	one, two, three := strings.Index(text, "1"), strings.Index(text, "234"), strings.Index(text, "567")
	if one < 0 || two <= one || three <= two || !strings.HasSuffix(text, "5") || len(text)-1 < three+3 {
		return n
	}
	n.minus, n.group, n.decimal = text[:one], text[one+1:two], text[three+3:len(text)-1]
	n.simple = n.minus+"1"+n.group+"234"+n.group+"567"+n.decimal+"5" == text
	if n.print(1234, 0, 0) == "1234" {
		n.groupFrom = 5
	}
	return n
}

func (n *decimals) print(v float64, least, most int) string {
	return n.printer.Sprint(number.Decimal(v, number.MaxFractionDigits(most), number.MinFractionDigits(least)))
}

// write rounds to at most so many decimals and shows at least so many.
func (n *decimals) write(v float64, least, most int) string {
	if !n.simple || most > 15 || math.Abs(v) >= 1e15 {
		return n.print(v, least, most)
	}
	var room [48]byte
	whole, fraction, _ := bytes.Cut(strconv.AppendFloat(room[:0], math.Abs(v), 'f', most, 64), []byte("."))
	for len(fraction) > least && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	out := make([]byte, 0, 40)
	if v < 0 && (len(whole) > 1 || whole[0] != '0' || len(bytes.Trim(fraction, "0")) > 0) { // zero has no sign
		out = append(out, n.minus...)
	}
	for i, digit := range whole {
		if left := len(whole) - i; i > 0 && left%3 == 0 && len(whole) >= n.groupFrom {
			out = append(out, n.group...)
		}
		out = append(out, digit)
	}
	if len(fraction) > 0 {
		out = append(append(out, n.decimal...), fraction...)
	}
	return string(out)
}
