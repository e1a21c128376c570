package cataloginfo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// read returns the documents and the errors of a text under limits.
func read(text string, limits Limits) (docs []*Document, failures []*ReadError) {
	for d, err := range ReadValues([]byte(text), "url:https://src.test/c.yaml", limits) {
		if read, ok := errors.AsType[*ReadError](err); ok {
			failures = append(failures, read)
		} else {
			docs = append(docs, d)
		}
	}
	return docs, failures
}

func TestRead_EachLimitIsNamedWithItsLine(t *testing.T) {
	small := Limits{FileBytes: 4000, Documents: 3, Depth: 6, Nodes: 60, Aliases: 5, EntityBytes: 1000, ValueBytes: 200}
	deep := strings.Repeat("[", 7) + strings.Repeat("]", 7)
	for rule, c := range map[string]struct {
		text string
		line int
	}{
		"filebytes":   {"a: " + strings.Repeat("x", 4000), 0},
		"documents":   {"a: 1\n---\na: 1\n---\na: 1\n---\na: 1\n", 0},
		"depth":       {"ok: 1\na: " + deep, 2},
		"nodes":       {"ok: 1\na: [" + strings.Repeat("1,", 80) + "]", 2},
		"aliases":     {"a: &x 1\nb: [*x, *x, *x, *x, *x, *x]", 2},
		"entitybytes": {"ok: 1\n" + strings.Repeat("a"+strings.Repeat("k", 90)+": "+strings.Repeat("v", 150)+"\n", 1) + manyKeys(8, 150), 1},
		"valuebytes":  {"ok: 1\nspec:\n  text: " + strings.Repeat("x", 201), 3},
	} {
		t.Run(rule, func(t *testing.T) {
			docs, failures := read(c.text, small)
			if len(docs) != 0 || len(failures) != 1 {
				t.Fatalf("docs %v, failures %v", docs, failures)
			}
			got := failures[0]
			if got.Rule != rule || got.Line != c.line || !strings.Contains(got.Error(), "url:https://src.test/c.yaml") {
				t.Errorf("got %s at line %d: %v", got.Rule, got.Line, got)
			}
		})
	}
}

func manyKeys(n, size int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%d: %s\n", i, strings.Repeat("v", size))
	}
	return b.String()
}

func TestRead_ADefinitionMayBeAsLongAsTheEntity(t *testing.T) {
	limits := DefaultLimits()
	text := "spec:\n  definition: " + strings.Repeat("x", limits.ValueBytes+1) + "\n"
	if _, failures := read(text, limits); len(failures) > 0 {
		t.Errorf("got %v", failures)
	}
	if _, failures := read(strings.Replace(text, "definition", "description", 1), limits); len(failures) != 1 {
		t.Errorf("another field of that length was accepted")
	}
}

func TestRead_AliasesThatStandForTooMuchAreRefusedBeforeTheyAreFollowed(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 8), i-1)
	}
	for name, limits := range map[string]Limits{"by aliases": DefaultLimits(), "by values": {Nodes: 100_000}} {
		docs, failures := read(bomb.String(), limits)
		if len(docs) != 0 || len(failures) != 1 {
			t.Errorf("%s: docs %v, failures %v", name, docs, failures)
		}
	}
}

func TestRead_OneBrokenDocumentDoesNotHideTheOthers(t *testing.T) {
	docs, failures := read("a: 1\n---\nb: [\n---\nc: 3\n---\nd: 1\nd: 2\n---\ne: 5\n", DefaultLimits())
	var kept []string
	for _, d := range docs {
		text, _ := json.Marshal(d.Value)
		kept = append(kept, fmt.Sprintf("%d:%d:%s", d.Index, d.Line, text))
	}
	if got := strings.Join(kept, " "); got != `0:1:{"a":1} 2:4:{"c":3} 4:9:{"e":5}` {
		t.Errorf("kept %s", got)
	}
	if len(failures) != 2 || failures[0].Line != 3 || failures[1].Line != 8 {
		t.Errorf("failures %v", failures)
	}
}

func TestRead_ErrorsReadAsTheReferenceWritesThem(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: 2\na: 3\n": "YAML error at url:https://src.test/c.yaml, YAMLParseError: Map keys must be unique at line 3, column 1:\n\nb: 2\na: 3\n^\n",
		"a: b: c\n":          "YAML error at url:https://src.test/c.yaml, YAMLParseError: Nested mappings are not allowed in compact mappings at line 1, column 5:\n\na: b: c\n    ^\n",
	} {
		_, failures := read(text, DefaultLimits())
		if len(failures) != 1 || failures[0].Error() != want {
			t.Errorf("of %q:\n got %q\nwant %q", text, failures, want)
		}
	}
	var got error
	for _, err := range Read([]byte("- a\n"), "file:/x.yaml", DefaultLimits()) {
		got = err
	}
	if read, ok := errors.AsType[*ReadError](got); !ok || read.Error() != "Expected object at root, got object" || read.Place() != "/x.yaml:1:1" {
		t.Errorf("got %v", got)
	}
}

func TestRead_UTF16IsRefusedWithAdvice(t *testing.T) {
	_, failures := read("\xff\xfea\x00:\x00 \x001\x00", DefaultLimits())
	if len(failures) != 1 || failures[0].Rule != "encoding" || !strings.Contains(failures[0].Error(), "save it as UTF-8") {
		t.Errorf("got %v", failures)
	}
}

func TestPosition_FindsValuesAndTheParentsOfMissingOnes(t *testing.T) {
	docs, _ := read("# head\n---\nmetadata:\n  name: é\n  tags: [a, bé, c]\n  annotations: {x.io/n: &v 1, y: *v}\n", DefaultLimits())
	for pointer, want := range map[string]string{
		"/metadata/name":                  "4:9 true",
		"/metadata/tags/2":                "5:17 true",
		"/metadata/annotations/x.io~1n":   "6:28 true",
		"/metadata/annotations/y":         "6:34 true",
		"/metadata/annotations/y/z":       "6:34 false",
		"/metadata/title":                 "4:3 false",
		"/spec":                           "3:1 false",
		"":                                "3:1 true",
		"/metadata/tags/9":                "5:9 false",
		"/metadata/annotations/not~1here": "6:16 false",
	} {
		line, column, ok := docs[0].Position(pointer)
		if got := fmt.Sprintf("%d:%d %v", line, column, ok); got != want {
			t.Errorf("%q: got %s, want %s", pointer, got, want)
		}
	}
}

// Texts that make careless parsers take quadratic or exponential time. The deadline of the test binary is the judge for
// what hangs; what is asserted is that each is answered at all.
func TestRead_HostileTextsAreAnswered(t *testing.T) {
	const n = 200_000
	for name, text := range map[string]string{
		"open brackets":    strings.Repeat("[", n),
		"open braces":      strings.Repeat("{a: ", n/4),
		"dashes":           strings.Repeat("- ", n),
		"questions":        strings.Repeat("? ", n),
		"colons":           strings.Repeat(": ", n),
		"anchors":          strings.Repeat("&a ", n),
		"anchored lines":   strings.Repeat("&a\n", n),
		"tags":             strings.Repeat("!a\n", n),
		"quotes":           strings.Repeat(`"`, n),
		"unclosed quotes":  strings.Repeat("\"a\n ", n),
		"comments":         strings.Repeat("#\n", n),
		"blank lines":      strings.Repeat(" \n", n) + "a: 1",
		"literal blanks":   "a: |\n" + strings.Repeat("\n", n),
		"spaces":           strings.Repeat(" ", n) + "a: 1",
		"wide map":         strings.Repeat("a: 1\n", n),
		"anchored keys":    strings.Repeat("&a\n&b a: 1\n", n/8),
		"nested outer":     strings.Repeat("&a\n [", 60),
		"plain lines":      "a: " + strings.Repeat("x\n  ", n),
		"question columns": strings.Repeat("?\n", n),
		"long flow line":   "[" + strings.Repeat("a,", n),
		"errors far right": "[" + strings.Repeat("a,", 40_000) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			docs, failures := read(text, DefaultLimits())
			if len(docs)+len(failures) == 0 && !strings.HasPrefix(text, "#") {
				t.Error("no answer")
			}
			t.Log(time.Since(start), len(docs), failures)
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range readCorpus(f) {
		f.Add(c.data())
	}
	limits := Limits{FileBytes: 8 << 10, Documents: 20, Depth: 20, Nodes: 500, Aliases: 50, EntityBytes: 4 << 10, ValueBytes: 2 << 10}
	registry := DefaultRegistry()
	f.Fuzz(func(t *testing.T, data []byte) {
		for d, err := range ReadValues(data, "file:/x.yaml", limits) {
			if err != nil {
				if read, ok := errors.AsType[*ReadError](err); !ok || read.Rule == "internal" {
					t.Fatalf("of %q: %v", data, err)
				}
				continue
			}
			if _, err := json.Marshal(d.Value); err != nil {
				t.Fatalf("%v is not JSON: %v", d.Value, err)
			}
			if n := size(d.Value); n > limits.Nodes {
				t.Fatalf("%d values pass a limit of %d", n, limits.Nodes)
			}
			if d.Entity != nil {
				_, _ = registry.Check(d.Entity)
			}
		}
		Lint(registry, limits, File{"x.yaml", data})
	})
}

func size(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			n += 1 + size(x)
		}
	case []any:
		for _, x := range v {
			n += size(x)
		}
	}
	return n
}

// entities is a file of n components, as a generator writes them.
func entities(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: service-%d
  title: "Service %d"
  description: A service that does one thing, and another when nobody looks
  annotations:
    backstage.io/techdocs-ref: dir:.
    github.com/project-slug: company/service-%d
  tags: [go, grpc, payments]
  links:
    - url: https://runbooks.example.com/service-%d
      title: Runbook
spec:
  type: service
  lifecycle: production
  owner: group:default/team-%d
  system: system-%d
  providesApis:
    - api-%d
  dependsOn:
    - resource:default/db-%d
`, i, i, i, i, i%50, i%20, i, i%100)
	}
	return []byte(b.String())
}

func BenchmarkRead10kEntities(b *testing.B) {
	data := entities(10_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range Read(data, "file:/x.yaml", OperatorLimits()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatal(n)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	registry := DefaultRegistry()
	var docs []*Document
	for d, err := range Read(entities(100), "file:/x.yaml", OperatorLimits()) {
		if err != nil {
			b.Fatal(err)
		}
		docs = append(docs, d)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := registry.Check(docs[i%len(docs)].Entity); err != nil {
			b.Fatal(err)
		}
	}
}
