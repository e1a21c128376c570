package money

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestParse_ReadsDecimalsAsBillsWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "12.50": "12.5", "+3": "3", "007.10": "7.1", ".5": "0.5", "5.": "5",
		"1.5e-7": "0.00000015", "1E3": "1000", "-2.5E+2": "-250", "0e999": "0",
		"0.000000000000000001":                              "0.000000000000000001",
		"1.2345678901234567E-05":                            "0.000012345678901235", // the nineteenth place and on are rounded
		"0.0000000000000000005":                             "0",                    // a half goes to the even neighbour
		"0.0000000000000000015":                             "0.000000000000000002",
		"0.00000000000000000050000001":                      "0.000000000000000001",
		"1e-400":                                            "0",
		"170141183460469231731":                             "170141183460469231731",
		"-99999999999999999999.123":                         "-99999999999999999999.123",
		"18446744073709551616.5":                            "18446744073709551616.5",
		"3.00000000000000000000000000000000000000000000001": "3",
	} {
		got, err := Parse(text)
		if err != nil || got.String() != want {
			t.Errorf("Parse(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestParse_RefusesWhatIsNoNumber(t *testing.T) {
	for text, want := range map[string]error{
		"": ErrSyntax, "NaN": ErrSyntax, "Infinity": ErrSyntax, "-inf": ErrSyntax, "1,5": ErrSyntax, "1 000": ErrSyntax, "$3": ErrSyntax,
		"1.2.3": ErrSyntax, "--1": ErrSyntax, "-+1": ErrSyntax, ".": ErrSyntax, "e5": ErrSyntax, "1e": ErrSyntax, "1e5.5": ErrSyntax, "0x10": ErrSyntax, "1_000": ErrSyntax,
		" 1": ErrSyntax, "1e99999": ErrSyntax, "١": ErrSyntax,
		"170141183460469231732": ErrOverflow, "1e30": ErrOverflow, "-1e300": ErrOverflow,
	} {
		if got, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestAmount_SumsAsExactlyAsBigNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var sum Amount
	want := new(big.Rat)
	for range 2000 {
		a := FromBinary(random.Int64N(1<<40)-1<<39, random.Uint64(), Places)
		exact, ok := new(big.Rat).SetString(a.String())
		if !ok {
			t.Fatalf("%s is no number", a)
		}
		if random.IntN(3) == 0 {
			sum, want = sum.Sub(a), want.Sub(want, exact)
		} else {
			sum, want = sum.Add(a), want.Add(want, exact)
		}
		if got, _ := new(big.Rat).SetString(sum.String()); got.Cmp(want) != 0 {
			t.Fatalf("sum is %s, want %s", sum, want.FloatString(Places))
		}
	}
}

func TestAmount_BeyondTheRangeIsNeverAWrongNumber(t *testing.T) {
	most := FromBinary(math.MaxInt64, math.MaxUint64, Places)
	for name, got := range map[string]Amount{
		"add": most.Add(MustParse("0.000000000000000001")), "sub": most.Neg().Sub(FromUnits(1)), "sticky": Overflow.Add(FromUnits(-1)),
		"mul": most.Mul(FromUnits(2)), "quo": FromUnits(1).Quo(Amount{}), "scaled": FromScaled(1, 19), "binary": FromBinary(1<<62, 0, 0),
		"neg": Overflow.Neg(), "round": Overflow.Round(2),
	} {
		if got != Overflow || !errors.Is(got.Err(), ErrOverflow) {
			t.Errorf("%s = %s, want an overflow", name, got)
		}
	}
	if _, err := json.Marshal(Overflow); err == nil {
		t.Error("an overflow was written as JSON")
	}
	if !math.IsNaN(Overflow.Float64()) {
		t.Error("an overflow has a value")
	}
}

func TestAmount_CountsAndCompares(t *testing.T) {
	for name, check := range map[string]bool{
		"scaled":     FromScaled(-12345, 2) == MustParse("-123.45"),
		"binary":     FromBinary(-1, math.MaxUint64, 0) == FromUnits(-1),
		"round half": MustParse("2.5").Round(0) == FromUnits(2) && MustParse("-3.5").Round(0) == FromUnits(-4),
		"round":      MustParse("-1.005001").Round(2) == MustParse("-1.01") && MustParse("1449").Round(-2) == FromUnits(1400),
		"mul":        MustParse("1.5").Mul(MustParse("-0.1")) == MustParse("-0.15"),
		"quo":        FromUnits(-2).Quo(FromUnits(3)) == MustParse("-0.666666666666666667") && FromUnits(1).Quo(FromUnits(-8)) == MustParse("-0.125"),
		"order":      MustParse("-0.1").Cmp(Amount{}) < 0 && FromUnits(3).Cmp(MustParse("2.99")) > 0 && FromUnits(1).Cmp(FromUnits(1)) == 0,
		"sign":       FromUnits(-1).Sign() == -1 && Amount{}.Sign() == 0 && MustParse("1e-18").Sign() == 1 && FromUnits(-7).Abs() == FromUnits(7),
		"float":      MustParse("0.1").Float64() == 0.1 && FromUnits(-3).Float64() == -3,
		"zero":       Amount{}.IsZero() && FromUnits(1).Sub(FromUnits(1)).IsZero(),
	} {
		if !check {
			t.Error(name)
		}
	}
	for text, places := range map[string]int{"0": 0, "120": 0, "-0.5": 1, "12.345": 3, "-18446744073709551616.25": 2, "1e-18": 18, "36.000000001": 9, "1e19": 0} {
		a := MustParse(text)
		n, fits := a.Scaled(places)
		if a.Scale() != places || fits != (len(text) < 15 && text != "1e19") || fits && FromScaled(n, places) != a {
			t.Errorf("%s has %d places, scaled %d, %v", text, a.Scale(), n, fits)
		}
	}
	if _, fits := MustParse("0.05").Scaled(1); fits {
		t.Error("a digit was lost")
	}
	if a, err := FromFloat64(0.1); err != nil || a != MustParse("0.1") {
		t.Errorf("FromFloat64(0.1) = %s, %v", a, err)
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), 1e30} {
		if a, err := FromFloat64(f); err == nil {
			t.Errorf("FromFloat64(%v) = %s", f, a)
		}
	}
}

func TestAmount_IsAStringInJSON(t *testing.T) {
	var got struct{ A, B, C Amount }
	if err := json.Unmarshal([]byte(`{"A":"1.10","B":-2.5e1,"C":null}`), &got); err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(got); err != nil || string(b) != `{"A":"1.1","B":"-25","C":"0"}` {
		t.Errorf("got %s, %v", b, err)
	}
	for _, bad := range []string{`"NaN"`, `""`, `true`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &got.A); err == nil {
			t.Errorf("%s became %s", bad, got.A)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "-12.5", "1.5e-7", "NaN", "170141183460469231731.999999999999999999", "0.0000000000000000005", "1e19", "9e20"} {
		f.Add(s)
	}
	limit := new(big.Rat).SetFrac(new(big.Int).Lsh(big.NewInt(1), 127), big.NewInt(unit))
	limit.Sub(limit, big.NewRat(1, unit))
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if errors.Is(err, ErrOverflow) {
			if exact, ok := new(big.Rat).SetString(s); !ok || exact.Abs(exact).Cmp(limit) < 0 {
				t.Fatalf("%q: %v", s, err)
			}
		}
		if err != nil {
			return
		}
		if again, err := Parse(a.String()); err != nil || again != a {
			t.Fatalf("%q is %s, which is %s, %v", s, a, again, err)
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is no number, but %s", s, a)
		}
		kept, _ := new(big.Rat).SetString(a.String())
		if off := exact.Sub(exact, kept); off.Abs(off).Cmp(big.NewRat(1, 2*unit)) > 0 {
			t.Fatalf("%q became %s", s, a)
		}
	})
}
