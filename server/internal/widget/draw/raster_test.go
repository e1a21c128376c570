package draw_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

func raster(t *testing.T, svg string, o draw.Options) image.Image {
	t.Helper()
	data, err := draw.PNG(svg, o)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func near(a color.Color, r, g, b uint8) bool {
	c := color.RGBAModel.Convert(a).(color.RGBA) // the model says so
	far := func(x, y uint8) bool { return max(x, y)-min(x, y) > 3 }
	return !far(c.R, r) && !far(c.G, g) && !far(c.B, b)
}

func TestPNG_IsThePictureInPixels(t *testing.T) {
	f := frame.New("f", frame.Strings("a", "x"), frame.Numbers("v", 10))
	svg, err := draw.Bar(f, draw.Options{Width: 200, Height: 100, Standalone: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		theme  draw.Theme
		scale  int
		bar    [3]uint8
		ground [3]uint8
	}{
		{draw.Light, 1, [3]uint8{0x21, 0x66, 0xac}, [3]uint8{255, 255, 255}}, {draw.Auto, 2, [3]uint8{0x21, 0x66, 0xac}, [3]uint8{255, 255, 255}},
		{draw.Dark, 3, [3]uint8{0x6a, 0xa9, 0xe0}, [3]uint8{0x16, 0x1b, 0x22}},
	} {
		picture := raster(t, svg, draw.Options{Theme: at.theme, Scale: at.scale})
		if picture.Bounds().Dx() != 200*at.scale || picture.Bounds().Dy() != 100*at.scale {
			t.Errorf("%d by %d at scale %d", picture.Bounds().Dx(), picture.Bounds().Dy(), at.scale)
		}
		if c := picture.At(110*at.scale, 50*at.scale); !near(c, at.bar[0], at.bar[1], at.bar[2]) {
			t.Errorf("%s: the bar is %v", at.theme, c)
		}
		if c := picture.At(2, 2); !near(c, at.ground[0], at.ground[1], at.ground[2]) {
			t.Errorf("%s: the ground is %v", at.theme, c)
		}
	}
}

func TestPNG_HasEveryPicture(t *testing.T) {
	for name, drawing := range charts {
		if every > 1 && strings.Contains(name, "-") { // a variant of another one
			continue
		}
		svg, err := drawing()
		if err != nil {
			t.Fatal(err)
		}
		picture := raster(t, svg, draw.Options{Theme: draw.Light})
		seen := map[color.Color]bool{}
		for y := 0; y < picture.Bounds().Dy(); y += 2 {
			for x := 0; x < picture.Bounds().Dx(); x += 2 {
				seen[picture.At(x, y)] = true
			}
		}
		if len(seen) < 3 {
			t.Errorf("%s has %d colours: nothing is drawn", name, len(seen))
		}
	}
}

// TestPNG_DrawsRoundThings: the middle of a donut is empty, its ring is not, and a thick line has no holes where it bends.
func TestPNG_DrawsRoundThings(t *testing.T) {
	svg, err := draw.Donut(frame.New("f", frame.Strings("a", "x"), frame.Numbers("v", 1)), draw.Options{Width: 400, Height: 200, Standalone: true})
	if err != nil {
		t.Fatal(err)
	}
	picture := raster(t, svg, draw.Options{})
	for _, at := range []image.Point{{100, 20}, {100, 180}, {20, 100}, {180, 100}} {
		if !near(picture.At(at.X, at.Y), 0x21, 0x66, 0xac) {
			t.Errorf("the ring is open at %v: %v", at, picture.At(at.X, at.Y))
		}
	}
	if !near(picture.At(100, 60), 255, 255, 255) {
		t.Errorf("the ring is filled: %v", picture.At(100, 60))
	}
	bend := `<svg width="100" height="100"><path class="cb-line cb-c1" fill="none" stroke-width="10" d="M10 90L50 20L90 90"/></svg>`
	if c := raster(t, bend, draw.Options{}).At(50, 24); !near(c, 0x21, 0x66, 0xac) {
		t.Errorf("the bend is %v", c)
	}
}

func TestPNG_IsBounded(t *testing.T) {
	svg, err := draw.Line(costs(), draw.Options{Width: 4096, Height: 4096})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := draw.PNG(svg, draw.Options{Scale: 3}); err == nil || !strings.Contains(err.Error(), "4096") {
		t.Errorf("12288 pixels are drawn: %v", err)
	}
	for _, broken := range []string{"", "<svg>", "<svg width='1' height='1'", "no svg", `<svg width="-5" height="5"/>`} {
		if _, err := draw.PNG(broken, draw.Options{}); err == nil {
			t.Errorf("%q is a picture", broken)
		}
	}
}

// TestPNG_OfLettersThatTheFontLacksIsAPicture: boxes stand for them.
func TestPNG_OfLettersThatTheFontLacksIsAPicture(t *testing.T) {
	svg, err := draw.Stat(frame.New("f", frame.Strings("город", "東京 العربية 🦺")), draw.Options{})
	if err != nil {
		t.Fatal(err)
	}
	raster(t, svg, draw.Options{})
}

func FuzzPNG_NeverFailsOnPathsOfOthers(f *testing.F) {
	f.Add("M0 0L10 10h5v5h-5z", "4 2")
	f.Add("M0 0A5 5 0 1 1 10 0 L", "0")
	f.Add("A1 1 0 0 0 1 1", "-1 x 1e9")
	f.Fuzz(func(_ *testing.T, d, dashes string) {
		if len(d) > 1000 || strings.ContainsAny(d+dashes, `<>&"`) {
			return
		}
		svg := `<svg width="50" height="50"><path class="cb-line cb-c1" stroke-dasharray="` + dashes + `" d="` + d + `"/></svg>`
		_, _ = draw.PNG(svg, draw.Options{}) // an error is an answer: it must only end
	})
}
