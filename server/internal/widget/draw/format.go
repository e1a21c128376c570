package draw

import (
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"

	"github.com/callboard/callboard/sdk/frame"
)

// formatter writes values for people.
type formatter struct {
	lexicon

	numbers *decimals
	zone    *time.Location
}

func (o Options) formatter() formatter {
	l := lexiconOf(o.Language)
	return formatter{l, newDecimals(digits(o.Language)), o.Zone}
}

// digits keeps numbers in the digits that the dates beside them have.
func digits(tag language.Tag) language.Tag {
	if base, _ := tag.Base(); base.String() != "ar" {
		return tag
	}
	latin, err := tag.SetTypeForKey("nu", "latn")
	if err != nil {
		return tag
	}
	return latin
}

// none stands where there is no value.
const none = "–"

// value is a cell of a table.
func (f formatter) value(c *frame.Column, v any) string {
	switch v := v.(type) {
	case nil:
		return none
	case float64:
		return f.number(v, c)
	case time.Time:
		return f.moment(v)
	case time.Duration:
		return f.duration(v)
	case bool:
		if v {
			return f.say(wordYes)
		}
		return f.say(wordNo)
	case string:
		return v
	}
	return none
}

// moment is a point in time; midnight is a day.
func (f formatter) moment(t time.Time) string {
	t = t.In(f.zone)
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		return f.date(t)
	}
	return f.date(t) + " " + f.clock(t)
}

func (f formatter) duration(d time.Duration) string {
	if d < 0 {
		return "−" + f.duration(d.Abs())
	}
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// number writes a value with its unit and the column's decimals.
func (f formatter) number(v float64, c *frame.Column) string {
	decimals := -1
	if c.Decimals != nil {
		decimals = min(max(*c.Decimals, 0), 9)
	}
	return f.quantity(v, c.Unit, decimals)
}

// beyondWords is from where on digits say less than their number does.
const beyondWords = 1e15

// quantity writes a value; decimals < 0 leaves it to the size of the value.
func (f formatter) quantity(v float64, unit string, decimals int) string {
	if unit == "By" || unit == "bytes" {
		return f.bytes(v)
	}
	if decimals < 0 {
		decimals = enough(v)
	}
	if v == 0 {
		v = 0 // not -0
	}
	text := strconv.FormatFloat(v, 'g', 4, 64)
	if math.Abs(v) < beyondWords {
		text = f.numbers.write(v, least(unit, decimals), decimals)
	}
	switch {
	case unit == "" || unit == "1":
		return text
	case unit == "%":
		return text + "\u202f%"
	case isCurrency(unit):
		return unit + "\u00a0" + text
	}
	return text + "\u202f" + unit
}

// least keeps cents: an amount of money has both or none.
func least(unit string, decimals int) int {
	if isCurrency(unit) {
		return decimals
	}
	return 0
}

func isCurrency(unit string) bool {
	if len(unit) != 3 || strings.ToUpper(unit) != unit {
		return false
	}
	_, err := currency.ParseISO(unit)
	return err == nil
}

// enough decimals to tell values of that size apart.
func enough(v float64) int {
	switch v = math.Abs(v); {
	case v == 0 || v >= 100 || v == math.Trunc(v):
		return 0
	case v >= 10:
		return 1
	case v >= 0.1:
		return 2
	}
	return 4
}

var binary = []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}

func (f formatter) bytes(v float64) string {
	n := 0
	for math.Abs(v) >= 1024 && n < len(binary)-1 {
		v /= 1024
		n++
	}
	return f.numbers.write(v, 0, enough(v)) + "\u202f" + binary[n]
}

// tick is a short number for an axis: 1.2k, 3M.
func (f formatter) tick(v, step float64, unit string) string {
	if unit == "By" || unit == "bytes" {
		return f.bytes(v)
	}
	suffix, scale := "", 1.0
	for _, s := range []struct {
		suffix string
		size   float64
	}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if math.Abs(v) >= s.size && step >= s.size/10 {
			suffix, scale = s.suffix, s.size
			break
		}
	}
	if v == 0 {
		v = 0 // not -0
	}
	if math.Abs(v) >= beyondWords {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	text := f.numbers.write(v/scale, 0, places(step/scale)) + suffix
	if unit == "%" || unit == "s" || unit == "ms" {
		return text + "\u202f" + unit
	}
	return text
}

// places are the decimals that multiples of a step need.
func places(step float64) int {
	for n := range 9 {
		if scaled := step * math.Pow10(n); math.Abs(scaled-math.Round(scaled)) < 1e-6*scaled {
			return n
		}
	}
	return 9
}
