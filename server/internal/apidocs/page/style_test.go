package page

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestStylesheet_ColoursOfCodeCanBeRead holds each colour of a part of code to the contrast of text, on the ground of code,
// in both schemes. Hosts' own colours are checked where they are set.
func TestStylesheet_ColoursOfCodeCanBeRead(t *testing.T) {
	colours := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--cb-([a-z]+):var\(--callboard-[a-z-]+,light-dark\((#[0-9a-f]{6}),(#[0-9a-f]{6})\)\)`).FindAllStringSubmatch(Stylesheet, -1) {
		colours[m[1]] = [2]string{m[2], m[3]}
	}
	used := map[string]string{}
	for _, m := range regexp.MustCompile(`\.cb-docs (:is\([^)]*\)|\.cb-md-[a-z])\{color:var\(--cb-([a-z]+)\)\}`).FindAllStringSubmatch(Stylesheet, -1) {
		for _, class := range regexp.MustCompile(`cb-md-[a-z]\b`).FindAllString(m[1], -1) {
			used[class] = m[2]
		}
	}
	for class := range strings.FieldsSeq("cb-md-k cb-md-n cb-md-s cb-md-c cb-md-a cb-md-i cb-md-d") {
		if colours[used[class]][0] == "" {
			t.Errorf("%s has no colour: %v of %v", class, used[class], colours)
			continue
		}
		for i, scheme := range []string{"light", "dark"} {
			if c := contrast(colours[used[class]][i], colours["surface"][i]); c < 4.5 {
				t.Errorf("%s, %s: %.2f", class, scheme, c)
			}
		}
	}
}

// contrast is WCAG's.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(colour string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
