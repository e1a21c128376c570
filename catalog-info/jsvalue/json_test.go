package jsvalue_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

func TestJSON_LeavesMarkupAsItIs(t *testing.T) {
	got, err := jsvalue.JSON(map[string]any{"a": "<b> & ü"})
	if want := `{"a":"<b> & ü"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if _, err := jsvalue.JSON(math.NaN()); err == nil {
		t.Error("NaN has a text")
	}
}

func TestMembers_AreTakenApartAndPutTogetherInTheirOrder(t *testing.T) {
	for document, want := range map[string]string{
		`{"b":{"x":[1]}, "a" : "<>","b":2}`: `{"b":{"x":[1]},"a":"<>","b":2}`, ` [true, null ]`: `{"0":true,"1":null}`, `{}`: `{}`,
	} {
		all, err := jsvalue.Members(json.RawMessage(document), 3)
		if got := string(jsvalue.Object(all...)); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", document, got, err, want)
		}
	}
	for document, want := range map[string]string{`[1,2,3,4]`: "more than 3 items", `"text"`: "neither an object nor an array", `{"a":1`: "EOF", `{"a"}`: "expected colon", ``: "EOF"} {
		if _, err := jsvalue.Members(json.RawMessage(document), 3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", document, err, want)
		}
	}
}

func TestCompareKeys_NumbersOfItemsComeFirst(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"9", "10", -1}, {"0", "a", -1}, {"01", "1", 1}, {"a", "b", 0}, {"-1", "1.5", 0}, {"4294967294", "4294967295", -1}, {"4294967295", "x", 0}} {
		if got := jsvalue.CompareKeys(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestDecodeBase64_TakesWhatNodeTakes(t *testing.T) {
	for text, want := range map[string]string{"aGk=": "hi", "aGk": "hi", "a G\nk": "hi", "_-8": "\xff\xef", "/+8=": "\xff\xef", "aGk=aGk=": "hi", "aGkaa": "hi\x1a", "!": "", "": ""} {
		if got := string(jsvalue.DecodeBase64(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
