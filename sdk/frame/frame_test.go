package frame_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/sdk/frame"
)

func example() *frame.Frame {
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return frame.New("issues",
		frame.Strings("title", "Login <b>fails</b>", "Cart is slow").Link("https://sentry.example/1", "").Labeled("Issue"),
		frame.Numbers("events", 120, 7).In("1").Round(0),
		frame.Times("last seen", day, day.Add(time.Hour)),
		frame.Durations("age", 90*time.Second, time.Hour),
		frame.Bools("handled", true, false),
		frame.Enums("level", []string{"error", "warning"}, "error").Add(nil),
		frame.EntityRefs("component", "component:default/shop", "component:default/cart"),
		frame.URLs("source", "https://git.example/shop").Add(nil),
	)
}

func TestFrame_HasAStableJSONForm(t *testing.T) {
	got, err := json.Marshal(example())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"issues","columns":[` +
		`{"name":"title","label":"Issue","type":"string","values":["Login \u003cb\u003efails\u003c/b\u003e","Cart is slow"],"links":["https://sentry.example/1",""]},` +
		`{"name":"events","type":"number","unit":"1","decimals":0,"values":[120,7]},` +
		`{"name":"last seen","type":"time","values":[1772366400000,1772370000000]},` +
		`{"name":"age","type":"duration","values":[90000,3600000]},` +
		`{"name":"handled","type":"bool","values":[true,false]},` +
		`{"name":"level","type":"enum","options":["error","warning"],"values":["error",null]},` +
		`{"name":"component","type":"entityRef","values":["component:default/shop","component:default/cart"]},` +
		`{"name":"source","type":"url","values":["https://git.example/shop",null]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	back, err := frame.Decode(got)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != want {
		t.Errorf("decoded and encoded again: %s %v", again, err)
	}
}

func TestThresholds_GiveNumbersAStatus(t *testing.T) {
	c := frame.Numbers("used", 10, 80, 95).In("%").From(0, frame.OK).From(80, frame.Warn).From(90, frame.Danger)
	text, err := json.Marshal(frame.New("disk", c))
	if err != nil || !strings.Contains(string(text), `"thresholds":[{"from":0,"status":"ok"},{"from":80,"status":"warn"},{"from":90,"status":"danger"}]`) {
		t.Errorf("%s %v", text, err)
	}
	back, err := frame.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[float64]frame.Status{-1: "", 0: frame.OK, 79.9: frame.OK, 80: frame.Warn, 1e9: frame.Danger} {
		if got := back.Columns[0].StatusOf(value); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
}

func TestFrame_AppendsRowsOfGoValues(t *testing.T) {
	f := frame.New("", frame.Numbers[int]("n"), frame.Strings("s")).Append(1, "one").Append(int64(2), nil).Append(2.5)
	if err := f.Validate(); err != nil || f.Rows() != 3 || f.Column("n").Values[1] != 2.0 || f.Column("s").Values[2] != nil {
		t.Errorf("%v %+v", err, f.Column("n"))
	}
}

func TestFrame_IsRefusedWithTheReason(t *testing.T) {
	long := strings.Repeat("x", frame.MaxText+1)
	for want, f := range map[string]*frame.Frame{
		"NaN and infinity":     frame.New("f", frame.Numbers("n", 1, math.NaN())),
		"row 1":                frame.New("f", frame.Numbers("n", math.Inf(-1))),
		"not valid UTF-8":      frame.New("f", frame.Strings("s", "\xff")),
		"has 1 rows":           frame.New("f", frame.Numbers("a", 1, 2), frame.Numbers("b", 1)),
		"two columns":          frame.New("f", frame.Numbers("a", 1), frame.Numbers("a", 1)),
		"begins with a letter": frame.New("f", frame.Numbers("__proto__", 1)),
		"at most 16384":        frame.New("f", frame.Strings("s", long)),
		"absolute http":        frame.New("f", frame.URLs("u", "javascript:alert(1)")),
		"link of row 1":        frame.New("f", frame.Strings("s", "a").Link("data:text/html,x")),
		`"https://a@b/"`:       frame.New("f", frame.URLs("u", "https://a@b/")),
		"1 links for 2 rows":   frame.New("f", frame.Strings("s", "a", "b").Link("https://x")),
		"no entity ref":        frame.New("f", frame.EntityRefs("e", "shop")),
		"none of the options":  frame.New("f", frame.Enums("e", []string{"a"}, "b")),
		"needs options":        frame.New("f", frame.Enums("e", nil, "b")),
		"not be negative":      frame.New("f", frame.Durations("d", -1)),
		"years 1 to 9999":      frame.New("f", frame.Times("t", time.Date(292277026, 1, 1, 0, 0, 0, 0, time.UTC))),
		"string is no number":  frame.New("f", frame.Numbers[int]("n").Add("1")),
		"unknown type":         frame.New("f", &frame.Column{Name: "c", Type: "html", Values: []any{"x"}}),
		"column 2 is nil":      frame.New("f", frame.Numbers("a", 1), nil),
		"for numbers":          frame.New("f", frame.Strings("a").From(1, frame.OK)),
		"threshold 1 is no":    frame.New("f", frame.Numbers[int]("a").From(math.NaN(), frame.OK)),
		"none of ok, warn":     frame.New("f", frame.Numbers[int]("a").From(1, "red")),
		"greater than the one": frame.New("f", frame.Numbers[int]("a").From(1, frame.OK).From(1, frame.Warn)),
		"11 thresholds":        frame.New("f", &frame.Column{Name: "a", Type: frame.Number, Thresholds: make([]frame.Threshold, 11)}),
		"30 decimals":          frame.New("f", frame.Numbers("a", 1).Round(30)),
		"100001 rows":          frame.New("f", frame.Numbers("a", make([]int, frame.MaxRows+1)...)),
	} {
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if _, err := json.Marshal(f); err == nil {
			t.Errorf("%s: marshalled", want)
		}
	}
}

func TestDecode_RefusesWhatCannotBeDrawn(t *testing.T) {
	for want, text := range map[string]string{
		"years 1 to 9999": `{"columns":[{"name":"t","type":"time","values":[9.3e18]}]}`,
		"292 years":       `{"columns":[{"name":"d","type":"duration","values":[1e300]}]}`,
		"cannot unmarsh":  `{"columns":[{"name":"n","type":"number","values":["1"]}]}`,
		"1e999":           `{"columns":[{"name":"n","type":"number","values":[1e999]}]}`,
		"UTF-8":           "{\"name\":\"\xff\"}",
		"unknown type":    `{"columns":[{"name":"n","type":"","values":[]}]}`,
		"absolute http":   `{"columns":[{"name":"n","type":"url","values":["JaVaScript:alert(1)"]}]}`,
		"65 columns":      `{"columns":[` + strings.Repeat(`{},`, 64) + `{}]}`,
		"at most 8388608": strings.Repeat(" ", frame.MaxEncoded+1),
	} {
		if _, err := frame.Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestDecode_IgnoresMembersOfLaterVersions(t *testing.T) {
	f, err := frame.Decode([]byte(`{"name":"f","later":{"a":1},"columns":[{"name":"n","type":"number","values":[1],"later":true}]}`))
	if err != nil || f.Rows() != 1 {
		t.Error(f, err)
	}
}

func TestParts_AreJoinedToTheSameFrame(t *testing.T) {
	f := frame.New("big", frame.Strings("s"), frame.Numbers[int]("n"))
	links := make([]string, 0, 5000)
	for i := range 5000 {
		f.Append(strings.Repeat("text ", i%40), i)
		links = append(links, "https://example.com/"+strings.Repeat("x", i%7))
	}
	f.Column("s").Link(links...)
	var joined *frame.Frame
	parts := 0
	for text, err := range f.Parts(64 << 10) {
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 64<<10 {
			t.Errorf("a part has %d bytes", len(text))
		}
		part, err := frame.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if parts++; joined == nil {
			joined = part
		} else if err := joined.Join(part); err != nil {
			t.Fatal(err)
		}
	}
	want, _ := json.Marshal(f)
	got, _ := json.Marshal(joined)
	if string(got) != string(want) || parts < 5 {
		t.Errorf("%d parts, %d bytes instead of %d", parts, len(got), len(want))
	}
}

func TestParts_OfARowThatIsTooLongFail(t *testing.T) {
	f := frame.New("big", frame.Strings("s", strings.Repeat("x", 5000)))
	for _, err := range f.Parts(1000) {
		if err == nil || !strings.Contains(err.Error(), "shorten its texts") {
			t.Error(err)
		}
	}
}

func TestParts_OfAFrameThatIsTooLongInAllFail(t *testing.T) {
	f := frame.New("huge", frame.Strings("s"))
	for range 1000 {
		f.Append(strings.Repeat("x", 10_000))
	}
	for _, err := range f.Parts(256 << 10) {
		if err == nil || !strings.Contains(err.Error(), "fewer points") {
			t.Error(err)
		}
	}
}

func TestJoin_RefusesAnotherFrame(t *testing.T) {
	f := frame.New("a", frame.Numbers("n", 1))
	for _, next := range []*frame.Frame{
		frame.New("b", frame.Numbers("n", 1)), frame.New("a"), frame.New("a", frame.Strings("n", "1")),
		frame.New("a", frame.Numbers("n", 1).Link("https://x")),
	} {
		if err := f.Join(next); err == nil {
			t.Errorf("joined %+v", next)
		}
	}
}

// FuzzFrameDecode: whatever is decoded can be encoded, and decoded to the same.
func FuzzFrameDecode(f *testing.F) {
	seed, err := json.Marshal(example())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"columns":[{"name":"t","type":"time","values":[-62135596800000,253402300799999,null]}]}`))
	f.Add([]byte(`{"columns":[{"name":"d","type":"duration","values":[0.000001,9223372036854]}]}`))
	f.Add([]byte(`{"name":null,"columns":[{"name":"n","type":"number","values":[9007199254740993,-0,1e308]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		decoded, err := frame.Decode(data)
		if err != nil {
			return
		}
		once, err := json.Marshal(decoded)
		if err != nil {
			t.Fatalf("decoded, but not encoded: %v", err)
		}
		again, err := frame.Decode(once)
		if err != nil {
			t.Fatalf("encoded, but not decoded: %v\n%s", err, once)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(once) {
			t.Fatalf("not stable: %v\n%s\n%s", err, once, twice)
		}
	})
}
