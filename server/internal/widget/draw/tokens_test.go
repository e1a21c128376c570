package draw

import (
	"image/color"
	"math"
	"regexp"
	"strings"
	"testing"
)

// luminance is that of WCAG 2.2.
func luminance(c color.RGBA) float64 {
	channel := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(c.R) + 0.7152*channel(c.G) + 0.0722*channel(c.B)
}

func contrast(a, b color.RGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func TestContrast_IsThatOfTheScale(t *testing.T) {
	black, white := parseColour("#000000"), parseColour("#ffffff")
	if got := contrast(black, white); math.Abs(got-21) > 0.01 {
		t.Errorf("black on white is %.2f", got)
	}
	if got := contrast(parseColour("#777777"), white); math.Abs(got-4.48) > 0.01 {
		t.Errorf("#777777 on white is %.2f", got)
	}
}

func TestTokens_HaveContrastInBothPalettes(t *testing.T) {
	texts := []string{"text", "text-muted", "accent", "ok", "warn", "danger", "info"}
	graphics := []string{"focus", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"}
	for _, theme := range []Theme{Light, Dark} {
		palette := paletteOf(theme)
		for _, back := range []string{"bg", "surface"} {
			for _, name := range texts {
				if got := contrast(palette[name], palette[back]); got < 4.5 {
					t.Errorf("%s: %s on %s is %.2f, text needs 4.5", theme, name, back, got)
				}
			}
			for _, name := range graphics {
				if got := contrast(palette[name], palette[back]); got < 3 {
					t.Errorf("%s: %s on %s is %.2f, what is drawn needs 3", theme, name, back, got)
				}
			}
		}
	}
	white := parseColour("#ffffff")
	for status, c := range badgeColours {
		if got := contrast(parseColour(c), white); got < 4.5 {
			t.Errorf("a badge of status %q has %.2f", status, got)
		}
	}
	if got := contrast(parseColour(badgeLabel), white); got < 4.5 {
		t.Errorf("the label of a badge has %.2f", got)
	}
}

// TestStylesheet_UsesTokensThatAre: a name that nobody defines is a colour that nobody sees.
func TestStylesheet_UsesTokensThatAre(t *testing.T) {
	defined := map[string]bool{"--cb-c": true}
	for _, list := range [][]token{colours, measures} {
		for _, tk := range list {
			defined["--cb-"+tk.name] = true
			if !strings.Contains(Stylesheet, "var(--callboard-"+tk.name+",") {
				t.Errorf("pages cannot set %s", tk.name)
			}
		}
	}
	for _, use := range regexp.MustCompile(`var\((--[a-z0-9-]+)`).FindAllStringSubmatch(chartCSS+pageCSS, -1) {
		if !defined[use[1]] {
			t.Errorf("%s is used and not defined", use[1])
		}
	}
	for _, need := range []string{"(forced-colors:active)", "(prefers-reduced-motion:no-preference)", "@media print", "details-content", "light-dark("} {
		if !strings.Contains(Stylesheet, need) {
			t.Errorf("there is nothing about %s", need)
		}
	}
	if open, closed := strings.Count(Stylesheet, "{"), strings.Count(Stylesheet, "}"); open != closed {
		t.Errorf("%d braces open and %d close", open, closed)
	}
}

// TestStylesheet_HasNoClassThatPicturesWithoutABrowserMiss: what chart.css paints, PNG paints.
func TestStylesheet_HasNoClassThatPicturesWithoutABrowserMiss(t *testing.T) {
	elsewhere := []string{"cb-widget", "cb-chart", "cb-light", "cb-dark", "cb-auto"}
	for _, use := range regexp.MustCompile(`\.(cb-[a-z0-9]+)[^{}]*\{[^}]*(fill|stroke|opacity):`).FindAllStringSubmatch(chartCSS, -1) {
		name := use[1]
		_, colour := paletteOf(Light)[strings.TrimPrefix(name, "cb-")]
		if classes[name] == nil && !colour && !strings.Contains(strings.Join(elsewhere, " "), name) {
			t.Errorf("PNG knows nothing of %s", name)
		}
	}
}
