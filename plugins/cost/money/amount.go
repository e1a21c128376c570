package money

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
)

// Places is how many digits after the point an amount has.
const Places = 18

// unit is one in an amount's smallest step.
const unit = 1_000_000_000_000_000_000

// Amount is an exact decimal number; the zero value is zero. Amounts are compared with == or [Amount.Cmp].
type Amount struct {
	hi int64 // the upper half of a number of 10⁻¹⁸ in two's complement
	lo uint64
}

// Overflow is what a sum becomes that leaves the range.
var Overflow = Amount{hi: math.MinInt64}

// ErrOverflow says that an amount is out of range.
var ErrOverflow = errors.New("amount is out of range")

// FromUnits is an amount of whole units.
func FromUnits(n int64) Amount { return FromScaled(n, 0) }

// FromScaled is n × 10⁻ᵖˡᵃᶜᵉˢ: 12345 with two places is 123.45. It is Overflow for places beyond 18 or below 0.
func FromScaled(n int64, places int) Amount {
	if places < 0 || places > Places {
		return Overflow
	}
	negative := n < 0
	magnitude := uint64(n)
	if negative {
		magnitude = -magnitude
	}
	hi, lo := bits.Mul64(magnitude, powers[Places-places])
	if hi > math.MaxInt64 {
		return Overflow
	}
	a := Amount{int64(hi), lo}
	if negative {
		return a.Neg()
	}
	return a
}

// FromBinary is the amount of a number in two's complement of 128 bits that counts steps of 10⁻ᵖˡᵃᶜᵉˢ.
func FromBinary(hi int64, lo uint64, places int) Amount {
	a := Amount{hi, lo}
	if places < 0 || places > Places || a == Overflow {
		return Overflow
	}
	negative := hi < 0
	if negative {
		a = a.Neg()
	}
	upper, high := bits.Mul64(uint64(a.hi), powers[Places-places])
	carry, low := bits.Mul64(a.lo, powers[Places-places])
	high, over := bits.Add64(high, carry, 0)
	if upper != 0 || over != 0 || high > math.MaxInt64 {
		return Overflow
	}
	a = Amount{int64(high), low}
	if negative {
		return a.Neg()
	}
	return a
}

// Binary is the number of 10⁻¹⁸ in two's complement of 128 bits.
func (a Amount) Binary() (hi int64, lo uint64) { return a.hi, a.lo }

// Err is ErrOverflow for Overflow and nil for every other amount.
func (a Amount) Err() error {
	if a == Overflow {
		return ErrOverflow
	}
	return nil
}

// Add is a + b.
func (a Amount) Add(b Amount) Amount {
	if a == Overflow || b == Overflow {
		return Overflow
	}
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi := a.hi + b.hi + int64(carry)
	if (a.hi < 0) == (b.hi < 0) && (hi < 0) != (a.hi < 0) {
		return Overflow
	}
	return Amount{hi, lo}
}

// Sub is a − b.
func (a Amount) Sub(b Amount) Amount { return a.Add(b.Neg()) }

// Neg is −a.
func (a Amount) Neg() Amount {
	if a == Overflow {
		return a
	}
	lo, borrow := bits.Sub64(0, a.lo, 0)
	return Amount{-a.hi - int64(borrow), lo}
}

// Abs is a without its sign.
func (a Amount) Abs() Amount {
	if a.hi < 0 {
		return a.Neg()
	}
	return a
}

// Sign is -1, 0 or 1.
func (a Amount) Sign() int {
	switch {
	case a.hi < 0:
		return -1
	case a.hi == 0 && a.lo == 0:
		return 0
	}
	return 1
}

// IsZero reports whether a is zero.
func (a Amount) IsZero() bool { return a == Amount{} }

// Cmp is -1, 0 or 1 as a is less than, equal to or greater than b.
func (a Amount) Cmp(b Amount) int {
	switch {
	case a == b:
		return 0
	case a.hi < b.hi, a.hi == b.hi && a.lo < b.lo:
		return -1
	}
	return 1
}

// Round is a with so many places, a half to the even neighbour.
func (a Amount) Round(places int) Amount {
	if places >= Places || a == Overflow {
		return a
	}
	step := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(Places-max(places, -Places))), nil)
	return fromBig(roundTo(a.big(), step))
}

// Mul is a × b, rounded to 18 places.
func (a Amount) Mul(b Amount) Amount {
	if a == Overflow || b == Overflow {
		return Overflow
	}
	product := new(big.Int).Mul(a.big(), b.big())
	return fromBig(product.Div(roundTo(product, bigUnit), bigUnit))
}

// Quo is a ÷ b, rounded to 18 places; Overflow when b is zero.
func (a Amount) Quo(b Amount) Amount {
	if a == Overflow || b == Overflow || b.IsZero() {
		return Overflow
	}
	dividend, divisor := new(big.Int).Mul(a.big(), bigUnit), b.big()
	rounded := roundTo(dividend, new(big.Int).Abs(divisor))
	return fromBig(rounded.Quo(rounded, divisor))
}

// Float64 is the nearest floating-point number, for ratios and charts; NaN for Overflow.
func (a Amount) Float64() float64 {
	if a == Overflow {
		return math.NaN()
	}
	f, _ := new(big.Rat).SetFrac(a.big(), bigUnit).Float64()
	return f
}

// FromFloat64 is the amount of a floating-point number as it is written with the fewest digits: 0.1 is a tenth.
func FromFloat64(f float64) (Amount, error) {
	return Parse(formatFloat(f))
}

var bigUnit = big.NewInt(unit)

func (a Amount) big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.lo))
}

func fromBig(n *big.Int) Amount {
	if n.BitLen() > 127 {
		return Overflow
	}
	low := new(big.Int).And(n, maxUint64)
	return Amount{new(big.Int).Rsh(n, 64).Int64(), low.Uint64()}
}

var maxUint64 = new(big.Int).SetUint64(math.MaxUint64)

// roundTo is n as the nearest multiple of step, a half to the even one.
func roundTo(n, step *big.Int) *big.Int {
	quotient, rest := new(big.Int).QuoRem(n, step, new(big.Int))
	twice := new(big.Int).Abs(rest)
	switch c := twice.Lsh(twice, 1).Cmp(step); {
	case c > 0, c == 0 && quotient.Bit(0) == 1:
		quotient.Add(quotient, big.NewInt(int64(n.Sign())))
	}
	return quotient.Mul(quotient, step)
}

// powers are those of ten that fit.
var powers = func() (p [Places + 1]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// Scale is how many digits after the point are needed to write a.
func (a Amount) Scale() int {
	if a.hi == 0 && a.lo%powers[Places/2] == 0 { // the common case, by small divisions
		places, rest := 9, a.lo/powers[9]
		for places > 0 && rest%10 == 0 {
			places, rest = places-1, rest/10
		}
		return places
	}
	abs := a.Abs()
	_, fraction := bits.Div64(uint64(abs.hi)%unit, abs.lo, unit)
	places := Places
	for places > 0 && fraction%10 == 0 {
		places, fraction = places-1, fraction/10
	}
	return places
}

// Scaled is a × 10ᵖˡᵃᶜᵉˢ, and whether that is a whole number of 64 bits. It is the opposite of FromScaled.
func (a Amount) Scaled(places int) (int64, bool) {
	if places < 0 || places > Places || a == Overflow {
		return 0, false
	}
	abs, divisor := a.Abs(), powers[Places-places]
	if uint64(abs.hi) >= divisor {
		return 0, false
	}
	n, rest := bits.Div64(uint64(abs.hi), abs.lo, divisor)
	if rest != 0 || n > math.MaxInt64 {
		return 0, false
	}
	if a.hi < 0 {
		return -int64(n), true
	}
	return int64(n), true
}
