package draw

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

// TestNumbers_AreWrittenAsTheLibraryDoes holds what is written by hand to what it stands for.
func TestNumbers_AreWrittenAsTheLibraryDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	values := []float64{0, 1, -1, 9.5, 99.95, 0.125, 0.375, 2.675, 1e3, 1234, 12345, 999999.9999, -0.004, 0.5, 1.5, 2.5, -2.5, 1e14, 123456789.987, 1e-9, 0.05}
	for range 100 {
		values = append(values, (random.Float64()-0.5)*math.Pow(10, float64(random.IntN(16))))
	}
	simple := 0
	for _, tag := range []string{"en", "de", "fr", "es", "pt", "pt-PT", "pl", "ja", "he", "it", "de-CH", "de-AT", "sv", "en-ZA", "hi", "fa", "ar", "bn", "en-IN"} {
		n := newDecimals(digits(language.Make(tag)))
		if n.simple {
			simple++
		}
		for _, v := range values {
			for _, d := range [][2]int{{0, 0}, {0, 1}, {0, 2}, {2, 2}, {0, 4}, {3, 9}} {
				if got, want := n.write(v, d[0], d[1]), n.print(v, d[0], d[1]); got != want && !nothing(got, v) {
					t.Errorf("%s: %v with %v decimals is %q, the library writes %q", tag, v, d, got, want)
				}
			}
		}
	}
	if simple < 12 {
		t.Errorf("only %d languages are written by hand", simple)
	}
}

// nothing tells of a negative number that is rounded to zero, which the library gives a sign.
func nothing(text string, v float64) bool {
	return v <= 0 && !strings.ContainsAny(text, "123456789-−")
}

func FuzzNumbers(f *testing.F) {
	f.Add(2.675, 2)
	f.Add(-999.9995, 3)
	n := newDecimals(language.German)
	f.Fuzz(func(t *testing.T, v float64, most int) {
		if math.IsNaN(v) || math.IsInf(v, 0) || most < 0 || most > 12 {
			return
		}
		if got, want := n.write(v, 0, most), n.print(v, 0, most); got != want && !nothing(got, v) {
			t.Errorf("%v with %d decimals is %q, the library writes %q", v, most, got, want)
		}
	})
}
