package caps

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/entity"
)

func FuzzReadEntity(f *testing.F) {
	for _, s := range []string{
		`{"apiVersion":"a","kind":"B","metadata":{"name":"c"}}`, `{"kind":1}`, `[]`, `null`, `{`, `"`, `{"a":"\"}"}`, strings.Repeat("[", 100), "{}{}",
		`{"apiVersion":"a","kind":"B","metadata":{"name":"c","annotations":{"backstage.io/managed-by-location":"file:/x"}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := readEntity(data, Defaults())
		if err != nil {
			return
		}
		if e.Kind() == "" || e.Name() == "" {
			t.Fatalf("%q was taken as %v", data, e)
		}
		own := source("hello", "things")
		if err := place(e, own); err == nil {
			l, err := entity.ParseLocation(e.Annotation(entity.AnnotationLocation))
			if err != nil || l.Type != "url" && l.Type != "plugin" {
				t.Fatalf("%q is placed at %v, %v", data, l, err)
			}
		}
		written, err := writeEntity(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readEntity(written, Limits{EntityBytes: 1 << 30, EntityDepth: 1000})
		if err != nil {
			t.Fatalf("%s cannot be read again: %v", written, err)
		}
		if twice, _ := writeEntity(again); !bytes.Equal(written, twice) {
			t.Fatalf("%s became %s", written, twice)
		}
	})
}

// Law: depth is that of the decoded value, for every text that is JSON.
func FuzzDepth(f *testing.F) {
	for _, s := range []string{`{"a":[{}]}`, `"[[["`, `["\"[", "\\", {}]`, `1`, `[]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if json.Unmarshal(data, &v) != nil {
			depth(data)
			return
		}
		if got, want := depth(data), nesting(v); got < want {
			t.Fatalf("%s is nested %d deep, not %d", data, want, got)
		}
	})
}

func nesting(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			deepest = max(deepest, nesting(x))
		}
	case []any:
		for _, x := range v {
			deepest = max(deepest, nesting(x))
		}
	default:
		return 0
	}
	return deepest + 1
}
