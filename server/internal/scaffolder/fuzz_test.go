package scaffolder

import (
	"encoding/json"
	"testing"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/server/internal/permission"
)

// FuzzTemplate reads documents that the catalog, or a caller with a dry run, hands over.
func FuzzTemplate(f *testing.F) {
	for _, document := range []string{
		greeting, `{}`, `[]`, `null`, `{"apiVersion":"scaffolder.backstage.io/v1beta3"}`,
		`{"apiVersion":"scaffolder.backstage.io/v1beta3","metadata":[],"spec":{"parameters":"x","steps":[1,null,{}],"secrets":7}}`,
		`{"apiVersion":"scaffolder.backstage.io/v1beta3","metadata":{"name":1},"spec":{"parameters":[null,[],{"backstage:permissions":{"tags":[[]]}}],"secrets":{"schema":null}}}`,
	} {
		f.Add([]byte(document))
	}
	tag := permission.When(TemplateResource, ruleHasTag, map[string]any{"tag": "a"})
	j := judge{permission.Decision{Result: permission.Conditional, Conditions: &tag}, integrations(nil)[0]}
	f.Fuzz(func(t *testing.T, document []byte) {
		read, err := readTemplate(document)
		if err != nil {
			return
		}
		kept, err := j.withTags(append(read.pages, read.Spec.Steps...))
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range kept {
			if !readTags(item).has("a") {
				t.Errorf("%s was let through", item)
			}
		}
	})
}

// FuzzProperty reads paths of policies in inputs of steps. What is found stands in the input.
func FuzzProperty(f *testing.F) {
	for _, path := range []string{"a", "a.b[0].c", `a["b"]['c']`, "[", "a..b", "[]", `["\"]`, ".", "", "a[1e9]", "__proto__.x", "a.length"} {
		f.Add(`{"a":{"b":[{"c":"deep"}]},"":{"":1}}`, path)
	}
	f.Fuzz(func(t *testing.T, input, path string) {
		value, _, found := call{"x", json.RawMessage(input)}.property(path)
		if !found {
			return
		}
		if _, err := json.Marshal(value); err != nil || !json.Valid([]byte(input)) {
			t.Errorf("%q in %q: %v, %v", path, input, value, err)
		}
	})
}

func FuzzLenientBase64(f *testing.F) {
	for _, text := range []string{"", "Yg==", "_-8", "====", "a", "\x00\xff", "YWJj\nZGVm"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := jsvalue.DecodeBase64(text); len(got) > len(text) {
			t.Errorf("%q became %d bytes", text, len(got))
		}
	})
}
