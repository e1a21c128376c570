package workflow

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/callboard/callboard/catalog-info/jsvalue"
)

func TestEntries_AreInTheOrderOfJavaScript(t *testing.T) {
	for document, want := range map[string]string{
		`["a","b"]`:     "0=\"a\" 1=\"b\"",
		`{"b":1,"a":2}`: "b=1 a=2",
		`{"b":1,"10":2,"9":3,"-1":4,"01":5,"1.5":6}`:  "9=3 10=2 b=1 -1=4 01=5 1.5=6",
		`{"4294967294":1,"x":2,"4294967295":3,"0":4}`: "0=4 4294967294=1 x=2 4294967295=3",
		`{"a":1,"b":2,"a":3}`:                         "a=3 b=2",
		` { } `:                                       "",
	} {
		all, err := entries(json.RawMessage(document), unlimited)
		var got []string
		for _, m := range all {
			got = append(got, m.Key+"="+string(m.Value))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, %v, want %q", document, got, err, want)
		}
	}
	if _, err := entries(json.RawMessage(`[1,2,3]`), 2); err == nil || err.Error() != "has more than 2 items" {
		t.Errorf("got %v", err)
	}
}

func TestShown_IsWhatJavaScriptMakesOfAValueInAText(t *testing.T) {
	for value, want := range map[string]string{
		`"a \"b\""`: `a "b"`, `1.50`: "1.50", `true`: "true", `null`: "null", `{"a":[1]}`: "[object Object]", `[]`: "",
		`[1,null,[2,[3,null]],{"a":[{}]},"x,y",false]`: "1,,2,3,,[object Object],x,y,false", `[[[]]]`: "", `[null]`: "", `[null,null]`: ",", ``: "", `[1`: "1",
	} {
		if got := shown(json.RawMessage(value)); got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}

func TestDifferent_AreTextsThatOweSomethingToSecrets(t *testing.T) {
	for _, c := range []struct{ value, plain, want string }{
		{`{"token":"s","title":"t"}`, `{"title":"t"}`, "s"},
		{`{"a":["x","y",{"b":"z"}]}`, `{"a":["x","w"]}`, "y z"},
		{`"same"`, `"same"`, ""},
		{`"s"`, ``, "s"},
		{`["a"]`, `{"0":"a"}`, "a"},
		{`{"n":1,"b":true}`, `{}`, ""},
	} {
		if got := strings.Join(different(json.RawMessage(c.value), json.RawMessage(c.plain)), " "); got != c.want {
			t.Errorf("%s and %s: got %q, want %q", c.value, c.plain, got, c.want)
		}
	}
}

// FuzzJSON: what is taken apart and put together again is the same value, and nothing that is looked at makes it panic.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"links":[{"if":false,"a":1},null,"x"],"text":{}}`, `[1,[2,{"a":null}],"\u2028\ud800"]`, `{"a":1,"a":2}`, `{"type":"array","items":[{"examples":[]}]}`, `"x"`, `[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		_, _ = shown(document), exampleOutput(document)
		if !json.Valid(document) {
			_, _ = jsvalue.Members(document, 10)
			return
		}
		if output, err := withoutHidden(document); err != nil || !json.Valid(output) {
			t.Fatalf("%s became %s, %v", document, output, err)
		}
		if example := exampleOutput(document); example != nil && !json.Valid(example) {
			t.Fatalf("%s has the example %s", document, example)
		}
		if !isComposite(document) {
			return
		}
		all, err := jsvalue.Members(document, unlimited)
		if err != nil {
			t.Fatal(err)
		}
		again := jsvalue.Object(all...)
		if jsvalue.First(document) == '[' {
			values := make([]json.RawMessage, len(all))
			for i, m := range all {
				values[i] = m.Value
			}
			again = array(values)
		}
		var x, y any
		if json.Unmarshal(document, &x) != nil || json.Unmarshal(again, &y) != nil || !reflect.DeepEqual(x, y) {
			t.Fatalf("%s became %s", document, again)
		}
	})
}
