package tree

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParse_KeepsTheOrderOfMembers(t *testing.T) {
	for text, want := range map[string]string{
		` {"z": 1, "a": {"y": [true, null, "x"], "b": -1.50e3}, "m": ""} `: `{"z":1,"a":{"y":[true,null,"x"],"b":-1.50e3},"m":""}`,
		"a:\n  y: [true, null, {q: 1, p: 2}]\n  b: -1500.5\nm: ''\n":       `{"a":{"y":[true,null,{"q":1,"p":2}],"b":-1500.5},"m":""}`,
	} {
		v, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := v.Compact(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestParse_NamesThePlaceOfAMistake(t *testing.T) {
	for text, want := range map[string]string{
		"{\n  \"a\": [1,\n 2}": "line 3, column 3",
		`{"a" 1}`:              `":" is expected`,
		`{"a":01]`:             "line 1",
		`{"a":"\x"}`:           "line 1",
		"a: [1":                "line 1",
		"":                     "empty",
		"- a":                  "must be an object",
		"a: 1\n---\nb: 1":      "documents",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestParse_StopsAtItsLimits(t *testing.T) {
	for name, text := range map[string]string{
		"bytes":            `{"a":"` + strings.Repeat("x", MostBytes) + `"}`,
		"depth of JSON":    `{"a":` + strings.Repeat("[", 1_000_000),
		"depth of objects": strings.Repeat(`{"a":`, 1_000_000),
		"depth of YAML":    "a: " + strings.Repeat("[", 100_000),
		"aliases": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]",
	} {
		if _, err := Parse(text); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := &parser{in: `{"a":[0,0,0]}`, nodes: MostNodes - 4}
	if _, err := p.value(0); !errors.Is(err, ErrTooLarge) {
		t.Errorf("values: %v", err)
	}
}

func TestParse_TakesTheLastOfTwoMembersWithOneName(t *testing.T) {
	many := `"k0":0,"k1":0,"k2":0,"k3":0,"k4":0,"k5":0,"k6":0,"k7":0,"k8":0,"k9":0,"k10":0,"k11":0,"k12":0,"k13":0,`
	for text, want := range map[string]string{
		`{"a":1,"b":2,"a":3}`:               `{"a":3,"b":2}`,
		`{"a":1,` + many + `"a":3}`:         `{"a":3,` + strings.TrimSuffix(many, ",") + `}`,
		`{"a":"\ud83d\ude00\ud83dx\u00e9"}`: `{"a":"😀�xé"}`,
	} {
		v, err := Parse(text)
		if err != nil || v.Compact() != want {
			t.Errorf("%s: %s %v, want %s", text, v.Compact(), err, want)
		}
		if v.Get("a") == nil || v.Get("none") != nil {
			t.Errorf("%s: members are not found", text)
		}
	}
}

func TestValue_AnswersForEveryKind(t *testing.T) {
	v, err := Parse(`{"n":1,"s":"x","l":["a"],"o":{},"t":true,"f":false,"z":null}`)
	if err != nil {
		t.Fatal(err)
	}
	var missing *Value
	if missing.Get("x").At(0).Get("y").Text() != "" || missing.Len() != 0 || missing.Kind() != Missing {
		t.Error("a missing value has something")
	}
	if v.Get("l").At(0).Text() != "a" || v.Get("l").At(1) != nil || v.Get("s").At(0) != nil || v.At(0) != nil || v.Get("l").Get("0") != nil {
		t.Error("items are mixed up with members")
	}
	if v.Get("n").Text() != "" || v.Get("n").Scalar() != "1" || v.Get("z").Scalar() != "null" || v.Get("o").Scalar() != "" {
		t.Error("scalars are not told from others")
	}
	if !v.Get("t").True() || v.Get("s").True() || !v.Get("f").False() || missing.False() {
		t.Error("bools are not told from others")
	}
}

func TestPointer_LeadsBackToWhatItWasMadeFor(t *testing.T) {
	v, err := Parse(`{"a/b":{"~.":[{"":{"c\\d":"here"}}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	p := Pointer("").To("a/b", "~.").Item(0).To("", `c\d`)
	if got := v.Find(p).Text(); got != "here" {
		t.Errorf("%s leads to %q", p, got)
	}
	if strings.ContainsAny(string(p), `/\`) || strings.Contains(string(p), "..") {
		t.Errorf("%s is not one segment of a path", p)
	}
	if at, ok := Local("#/a~1b/~0./0//c%5Cd"); !ok || at != p {
		t.Errorf("the reference means %s, want %s", at, p)
	}
	for _, ref := range []string{"", "#", "other.yaml#/a", "https://a.test/x"} {
		if _, ok := Local(ref); ok {
			t.Errorf("%q leads into the document", ref)
		}
	}
	for _, p := range []Pointer{"x", "a~1b.x", "a~1b.~0~2.1", "a~1b.~0~2.-1", "a~1b.~0~2.0.~3.c~4d.x", Pointer(strings.Repeat("a.", 5000))} {
		if v.Find(p) != nil {
			t.Errorf("%s leads somewhere", cutTo(string(p), 40))
		}
	}
}

func cutTo(s string, n int) string { return s[:min(n, len(s))] }

func TestClosed_LeadsOutNowhere(t *testing.T) {
	v, err := Parse(`{"a":{"$ref":"http://127.0.0.1/x"},"b":{"$ref":"file.yaml#/b","description":"d"},"c":{"$ref":"#/a"},"d":{"$ref":{"type":"string"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"a":{"description":"Not part of this document: http://127.0.0.1/x"},` +
		`"b":{"x-not-part-of-this-document":"Not part of this document: file.yaml#/b","description":"d"},"c":{"$ref":"#/a"},"d":{"$ref":{"type":"string"}}}`
	if got := v.Closed(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestIndented_IsCutAtABound(t *testing.T) {
	v, err := Parse(`{"a":["é","` + strings.Repeat("é", 1000) + `"],"b":1}`)
	if err != nil {
		t.Fatal(err)
	}
	if text, whole := v.Indented(41); whole || len(text) > 41 || !strings.HasPrefix(text, "{\n  \"a\": [\n    \"é\",\n") {
		t.Errorf("%q, whole: %v", text, whole)
	}
	if text, whole := v.Indented(1 << 20); !whole || !json.Valid([]byte(text)) {
		t.Errorf("%q, whole: %v", text, whole)
	}
}

// FuzzParseJSON holds the parser to encoding/json: both take and refuse the same, and read the same.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":[1,-0.5e+7,true,false,null,"\u00e9\ud83d\ude00\n"]}`, `{"a":1,"a":2}`, `{"a":[`, `{"a":01}`, `{"a":"` + "\xff" + `"}`, `{"":""} x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parseJSON(strings.ToValidUTF8(text, "�"))
		if errors.Is(err, ErrTooLarge) {
			return
		}
		valid := json.Valid([]byte(text))
		if (err == nil) != valid {
			t.Fatalf("%q: %v, encoding/json takes it: %v", text, err, valid)
		}
		if !valid {
			return
		}
		for _, again := range []string{v.Compact(), first(v.Indented(1 << 30))} {
			if !reflect.DeepEqual(decoded(t, text), decoded(t, again)) {
				t.Fatalf("%q became %q", text, again)
			}
		}
	})
}

func first(s string, _ bool) string { return s }

func decoded(t *testing.T, text string) any {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}
