package money

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/callboard/callboard/sdk/excerpt"
)

// ErrSyntax says that a text is no decimal number.
var ErrSyntax = errors.New("not a decimal number")

// longest bounds texts of numbers; the longest that means something has 21 digits, a point, 18 more and an exponent.
const longest = 80

// Parse reads a decimal number as FOCUS and JSON write it: "-12.5", "1.5e-7". Digits beyond the eighteenth place are rounded,
// a half to the even neighbour; they occur where exports were computed with floating-point numbers.
func Parse(s string) (Amount, error) {
	d, err := scan(s)
	if err != nil {
		return Amount{}, fmt.Errorf("%q: %w", excerpt.Short(s), err)
	}
	a, err := d.amount()
	if err != nil {
		return Amount{}, fmt.Errorf("%q: %w", excerpt.Short(s), err)
	}
	return a, nil
}

// MustParse is for constants of programs and tests.
func MustParse(s string) Amount {
	a, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// decimal is ±digits × 10^exponent.
type decimal struct {
	negative bool
	digits   Amount // as an integer: hi and lo
	exponent int
	half     int  // the first digit that did not fit
	more     bool // whether any after that is not zero
}

// scan takes text apart. Digits that an amount cannot hold move into exponent, half and more.
func scan(s string) (decimal, error) {
	var d decimal
	if len(s) > longest {
		return d, ErrSyntax
	}
	rest, signed := strings.CutPrefix(s, "-")
	d.negative = signed
	if !signed {
		rest = strings.TrimPrefix(s, "+")
	}
	mantissa, exponent, scientific := rest, "", false
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent, scientific = rest[:i], rest[i+1:], true
	}
	if scientific {
		n, err := strconv.ParseInt(exponent, 10, 16)
		if err != nil || exponent == "" {
			return d, ErrSyntax
		}
		d.exponent = int(n)
	}
	return d, d.mantissa(mantissa)
}

func (d *decimal) mantissa(s string) error {
	seen, point, full := 0, false, false
	for i := range len(s) {
		c := s[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			return ErrSyntax
		}
		seen++
		if point {
			d.exponent--
		}
		if !full && d.push(uint64(c-'0')) {
			continue
		}
		d.exponent++
		if !full {
			full, d.half = true, int(c-'0')
			continue
		}
		d.more = d.more || c != '0'
	}
	if seen == 0 {
		return ErrSyntax
	}
	return nil
}

// push appends a digit, and reports whether there was room for it.
func (d *decimal) push(digit uint64) bool {
	if d.digits.hi >= math.MaxInt64/10 {
		return false
	}
	carry, lo := bits.Mul64(d.digits.lo, 10)
	lo, over := bits.Add64(lo, digit, 0)
	d.digits = Amount{d.digits.hi*10 + int64(carry+over), lo}
	return true
}

// amount scales the digits to 18 places.
func (d *decimal) amount() (Amount, error) {
	if d.digits.IsZero() {
		return Amount{}, nil
	}
	shift := d.exponent + Places
	if shift > Places+21 { // even of a single digit
		return Amount{}, ErrOverflow
	}
	a := d.digits
	for ; shift > 0; shift -= min(shift, Places) {
		a = FromBinary(a.hi, a.lo, Places-min(shift, Places))
	}
	for ; shift < 0; shift++ {
		d.more = d.more || d.half != 0
		a, d.half = a.shrink()
	}
	if d.half > 5 || d.half == 5 && (d.more || a.lo&1 == 1) {
		a = a.Add(Amount{lo: 1})
	}
	if d.negative {
		a = a.Neg()
	}
	return a, a.Err()
}

// shrink divides a positive number by ten.
func (a Amount) shrink() (Amount, int) {
	hi, rest := bits.Div64(0, uint64(a.hi), 10)
	lo, rest := bits.Div64(rest, a.lo, 10)
	return Amount{int64(hi), lo}, int(rest)
}

// String is the shortest decimal: "12.5", "-0.000001", "overflow".
func (a Amount) String() string {
	if a == Overflow {
		return "overflow"
	}
	return string(a.append(make([]byte, 0, 24)))
}

func (a Amount) append(b []byte) []byte {
	if a.hi < 0 {
		b, a = append(b, '-'), a.Neg()
	}
	high, rest := bits.Div64(0, uint64(a.hi), unit)
	whole, fraction := bits.Div64(rest, a.lo, unit)
	if high > 0 { // 2⁶⁴ units and more
		return appendBig(b, a)
	}
	b = strconv.AppendUint(b, whole, 10)
	if fraction == 0 {
		return b
	}
	return appendFraction(b, fraction)
}

// appendBig is append for amounts whose whole units do not fit 64 bits.
func appendBig(b []byte, a Amount) []byte {
	whole, fraction := new(big.Int).QuoRem(a.big(), bigUnit, new(big.Int))
	b = whole.Append(b, 10)
	if fraction.Sign() == 0 {
		return b
	}
	return appendFraction(b, fraction.Uint64())
}

func appendFraction(b []byte, fraction uint64) []byte {
	b = append(b, '.')
	for p := Places - 1; p >= 0 && fraction > 0; p-- {
		b = append(b, byte('0'+fraction/powers[p]))
		fraction %= powers[p]
	}
	return b
}

// MarshalJSON writes a string of a decimal, which no reader rounds. Overflow is an error.
func (a Amount) MarshalJSON() ([]byte, error) {
	text, err := a.MarshalText()
	if err != nil {
		return nil, err
	}
	return append(append([]byte{'"'}, text...), '"'), nil
}

// UnmarshalJSON reads a decimal as a string or a number.
func (a *Amount) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	text := string(b)
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		text = text[1 : len(b)-1]
	}
	return a.UnmarshalText([]byte(text))
}

// MarshalText implements [encoding.TextMarshaler].
func (a Amount) MarshalText() ([]byte, error) {
	if err := a.Err(); err != nil {
		return nil, err
	}
	return a.append(nil), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Amount) UnmarshalText(b []byte) error {
	parsed, err := Parse(string(b))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
