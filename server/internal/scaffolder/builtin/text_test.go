package builtin

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	cataloginfo "github.com/callboard/callboard/catalog-info"
)

func TestIsBinary_DecidesAsTheReference(t *testing.T) {
	data, err := os.ReadFile("testdata/isbinaryfile.jsonl") // recorded with isbinaryfile 5
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var c struct {
			Data   []byte
			Binary bool
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		if got := isBinary(c.Data); got != c.Binary {
			t.Errorf("%.60q: got %v", c.Data, got)
		}
	}
}

func TestWithValues_WritesWhatTheReferencesLoggerWrites(t *testing.T) {
	for values, want := range map[string]string{
		``: "m", `{}`: "m", `{"b":1,"a":{"d":[],"c":{}}}`: `m {"a":{"c":{},"d":[]},"b":1}`,
		`{"message":"more","level":"error","x":"<&>"}`: `m more {"x":"<&>"}`, `{"splat":1}`: "m", `{"n":1e21,"s":"ü"}`: `m {"n":1e21,"s":"ü"}`,
	} {
		if got := withValues("m", json.RawMessage(values)); got != want {
			t.Errorf("%s: got %s, want %s", values, got, want)
		}
	}
}

func TestDescriptor_IsReadableYAMLInTheOrderOfItsMembers(t *testing.T) {
	got, err := descriptor(json.RawMessage(`{"kind":"Component","metadata":{"name":"shop","annotations":{"z":"1","backstage.io/source-template":"old"},"description":"a: b\nc","tags":[],"labels":{},"title":"42"},
		"apiVersion":"backstage.io/v1alpha1","spec":{"n":5,"f":1.5,"yes":true,"nothing":null,"list":[{"a":1},["b"]],"text":"l1\nl2\n"}}`), "template:default/go")
	want := `kind: Component
metadata:
  name: shop
  annotations:
    z: "1"
    backstage.io/source-template: template:default/go
  description: |-
    a: b
    c
  tags: []
  labels: {}
  title: "42"
apiVersion: backstage.io/v1alpha1
spec:
  n: 5
  f: 1.5
  yes: true
  nothing: null
  list:
    - a: 1
    - - b
  text: |
    l1
    l2
`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, document := range []string{`[]`, `"x"`, `null`, ``, `{"a":`} {
		if _, err := descriptor(json.RawMessage(document), ""); err == nil {
			t.Errorf("%s is an entity", document)
		}
	}
}

// FuzzDescriptor looks whether the catalog reads an entity as it was given.
func FuzzDescriptor(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":"yes","b":"0o14","c":"1_000","d":"<<","e":"~","f":".inf","g":"2020-01-01","h":"=","i":"- x","j":"\u2028\u0085","k":" \n x","l":"#"}`,
		`{"<<":{"a":1}}`, `{"metadata":{"annotations":7}}`, `{"metadata":[1]}`, `{"":"\t","\n":{"x\ny":"\ttab\n"}}`, `{"a":"\n","b":"\n\n x","c":"x\n\n","d":"  x\ny","e":"a\u0000b","m":1e40}`, `{"a":"trailing \nspace ","b":"\r\n","c":"\ufeff","d":"\ud800"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		var want map[string]any
		if json.Unmarshal([]byte(document), &want) != nil || want == nil || len(document) > 500 {
			t.Skip()
		}
		got, err := descriptor(json.RawMessage(document), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, has := want["metadata"].(map[string]any); !has {
			want["metadata"] = map[string]any{}
		}
		for doc, err := range cataloginfo.ReadValues(got, "catalog-info.yaml", cataloginfo.OperatorLimits()) {
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			read, err := json.Marshal(doc.Value)
			if err != nil {
				t.Fatal(err)
			}
			written, _ := json.Marshal(withoutNegativeZero(want))
			if !bytes.Equal(read, written) {
				t.Fatalf("%s\nis read as\n%s\nfrom\n%s", written, read, got)
			}
		}
	})
}

// withoutNegativeZero is a value as JavaScript writes it.
func withoutNegativeZero(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = withoutNegativeZero(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withoutNegativeZero(v[i])
		}
	case float64:
		if v == 0 {
			return 0.0
		}
	}
	return value
}
