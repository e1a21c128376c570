package jsvalue_test

import (
	"math"
	"testing"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

func TestPlain_ReadsScalarsByTheCoreSchemaOfYAML12(t *testing.T) {
	for text, want := range map[string]any{
		"": nil, "~": nil, "null": nil, "NULL": nil, "nUll": "nUll",
		"true": true, "FALSE": false, "yes": "yes", "on": "on", "2024-01-01": "2024-01-01",
		"0777": 777.0, "0o17": 15.0, "0x1F": 31.0, "-0x1F": "-0x1F", "0b11": "0b11", "1_000": "1_000", "0x": "0x", "0o8": "0o8",
		"1.": 1.0, ".5": 0.5, "-1e3": -1000.0, "1e": "1e", "+": "+", ".": ".", "1.2.3": "1.2.3",
		"9007199254740993": 9007199254740992.0, ".inf": math.Inf(1), "-.INF": math.Inf(-1), "1e999": math.Inf(1), "inf": "inf",
	} {
		if got := jsvalue.Plain(text); got != want {
			t.Errorf("%q: %#v, want %#v", text, got, want)
		}
	}
	if f, ok := jsvalue.Plain(".NaN").(float64); !ok || !math.IsNaN(f) {
		t.Error(".NaN is not NaN")
	}
}

func TestParseNumber_IsTheUnaryPlus(t *testing.T) {
	for text, want := range map[string]float64{"": 0, " 12 ": 12, "0x1F": 31, "0b11": 3, "0O17": 15, "0777": 777, "1e3": 1000, ".5": 0.5, "-1.": -1} {
		if got, ok := jsvalue.ParseNumber(text); !ok || got != want {
			t.Errorf("%q: %v %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"a", "1_000", "0x1_0", "-0x1", "0x1p-2", "Infinity", "NaN", "1e999", "0x", "1 2", "0b2"} {
		if got, ok := jsvalue.ParseNumber(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestNumber_PrintsAsJavaScriptDoes(t *testing.T) {
	for want, f := range map[string]float64{
		"0": math.Copysign(0, -1), "1": 1, "0.00001": 0.00001, "1e-7": 1e-7, "100000000000000000": 1e17, "1e+21": 1e21, "-1.5": -1.5,
		"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1),
	} {
		if got := jsvalue.Number(f); got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
}
