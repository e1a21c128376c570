package draw_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/callboard/callboard/sdk/frame"
	"github.com/callboard/callboard/server/internal/widget/draw"
)

// extremes are columns of values that nobody expects, each with room for one that is missing.
func extremes() []*frame.Column {
	return []*frame.Column{
		frame.Times("at", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), start, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)),
		frame.Numbers("n", math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64).In("By").From(-math.MaxFloat64, frame.OK).From(math.MaxFloat64, frame.Danger),
		frame.Numbers("zero", math.Copysign(0, -1), 1e15, -1e300).In("EUR"),
		frame.Durations("took", math.MinInt64, math.MaxInt64, -1),
		frame.Strings("none").Add(nil).Add(nil).Add(nil),
	}
}

func TestValues_AtTheEdgesAreDrawnInEveryView(t *testing.T) {
	columns := extremes()
	for first := range columns {
		f := frame.New("edge", append(append([]*frame.Column{columns[first]}, columns[:first]...), columns[first+1:]...)...)
		for _, o := range []draw.Options{{}, {Width: 1, Height: 1}, {Width: math.MaxInt, Height: math.MinInt, Scale: 99}} {
			for view, d := range pictures {
				svg, err := d(f, o)
				if err != nil {
					continue // not of that shape
				}
				wellFormed(t, view, svg)
				if strings.Contains(strings.ReplaceAll(svg, "NaN ", ""), `="NaN`) || strings.Contains(svg, "Inf") {
					t.Errorf("%s of %q has no number: %.300s", view, columns[first].Name, svg)
				}
			}
			for name, page := range map[string]string{"table": draw.Table(f, o, nil), "list": draw.List(f, o, nil), "status": draw.StatusList(f, o, nil)} {
				if found := problems(page); found != nil {
					t.Errorf("%s of %q: %q", name, columns[first].Name, found)
				}
			}
			draw.Text(f, o)
			draw.CSV(f)
		}
	}
}

func TestDurations_BelowZeroAreWrittenAsThoseAbove(t *testing.T) {
	f := frame.New("d", frame.Durations("d", 2*time.Hour, -2*time.Hour, -1500*time.Millisecond, -90*time.Second))
	got := strings.Fields(draw.Text(f, draw.Options{}))
	if want := "d 2h −2h −1.5s −1m30s"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNumbers_TooLargeForDigitsKeepTheirUnit(t *testing.T) {
	for unit, want := range map[string]string{"": "1e+21", "1": "1e+21", "%": "1e+21\u202f%", "EUR": "EUR\u00a01e+21", "req": "1e+21\u202freq"} {
		f := frame.New("n", frame.Numbers("n", 1e21).In(unit))
		if _, got, _ := strings.Cut(strings.TrimSuffix(draw.Text(f, draw.Options{}), "\n"), "\n"); strings.TrimLeft(got, " ") != want {
			t.Errorf("%q: got %q, want %q", unit, got, want)
		}
	}
}

// TestText_TellsATerminalNothing: a name or a text must not move the cursor, or turn what is beside it around.
func TestText_TellsATerminalNothing(t *testing.T) {
	const turned = "\u202egnp.exe"
	f := frame.New("t", frame.Strings("x", "\x1b[2J\x1b]0;owned\a", turned, "a\rb\vc\u0085d").Labeled("\x1b[31mName\u2066"))
	for _, r := range draw.Text(f, draw.Options{}) {
		if r != '\n' && unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			t.Errorf("the text has %U", r)
		}
	}
}
