package config

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var anyKey = rapid.SampledFrom([]string{"a", "b", "c"})

// anyNode draws small trees over few keys, so that they meet when merged.
func anyNode(depth int) *rapid.Generator[any] {
	scalar := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.IntRange(0, 3), func(i int) any { return i }),
		rapid.Map(rapid.SampledFrom([]string{"x", "y"}), func(s string) any { return s }))
	if depth == 0 {
		return scalar
	}
	return rapid.OneOf(scalar,
		rapid.Map(rapid.SliceOfN(anyNode(depth-1), 0, 2), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(anyKey, anyNode(depth-1), 0, 3), func(m map[string]any) any { return m }))
}

func anyFile(t *rapid.T, label string) *node {
	return nodeOf(rapid.MapOfN(anyKey, anyNode(3), 0, 3).Draw(t, label), Position{})
}

func TestMerge_IsAssociativeAndIdempotentAndHasAnIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyFile(t, "a"), anyFile(t, "b"), anyFile(t, "c")
		left, right := merge(merge(a, b), c), merge(a, merge(b, c))
		if !prune(left).equal(prune(right)) {
			t.Fatalf("(a·b)·c = %v\na·(b·c) = %v", prune(left).value(), prune(right).value())
		}
		if !merge(a, a).equal(a) || !merge(nil, a).equal(a) || !merge(a, nil).equal(a) {
			t.Fatalf("merging %v with itself or nothing changes it", a.value())
		}
		if got := merge(a, newObject(Position{})); !got.equal(a) {
			t.Fatalf("an empty file changes %v to %v", a.value(), got.value())
		}
	})
}

func TestMerge_LaterScalarsAndListsWin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low, high := anyFile(t, "low"), anyFile(t, "high")
		merged := prune(merge(low, high))
		for _, key := range high.keys {
			switch v := high.fields[key]; v.kind {
			case objectKind:
			case nullKind:
				if merged.fields[key] != nil {
					t.Fatalf("%s is not hidden", key)
				}
			default:
				if !merged.fields[key].equal(v) {
					t.Fatalf("%s is not replaced", key)
				}
			}
		}
	})
}

func TestSubstitute_LeavesEscapedAndPlainTextAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z$ ]{0,8}(\$\{[A-Z]{1,3}\}[a-z ]{0,4}){0,3}`).Draw(t, "text")
		escaped := strings.ReplaceAll(strings.ReplaceAll(text, "$$", "$"), "${", "$${")
		want := strings.ReplaceAll(escaped, "$${", "${")
		if got := (environment{}).substitute(escaped); got.text != want || len(got.missing) > 0 {
			t.Fatalf("%q became %q, missing %v", escaped, got.text, got.missing)
		}
	})
}

func FuzzSubstitute(f *testing.F) {
	for _, seed := range []string{"", "${A}", "$${A}", "$$${A}", "${A:-x}", "${NOPE}", "${", "${A", "${${A}}", "${ A }", "a${A}b${B}c"} {
		f.Add(seed)
	}
	env := newEnvironment([]string{"A=1", "B=two", "EMPTY="})
	f.Fuzz(func(t *testing.T, text string) {
		s := env.substitute(text)
		if !s.used && len(s.missing) > 0 {
			t.Fatal("a variable is missing but none was used")
		}
		if !strings.Contains(text, "${") && s.text != text {
			t.Fatalf("%q has no variable but became %q", text, s.text)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: 1", "a: &x [*x]", "{a: {b: [1, 2]}}", "a: !!binary x", "? [a]\n: b", "a: 0x" + strings.Repeat("f", 40),
		"- -", "\"", "%YAML 1.1\n---\na: 1", "a: .inf", "<<: *x", "a: b\na: c", "\ufeffa: 1", "{\"a\":[1,{\"b\":null}]}", "[" + strings.Repeat("[", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func([]byte, string) (*node, error){parseYAML, parseJSON} {
			n, err := parse([]byte(text), "fuzz")
			if err != nil {
				if !strings.HasPrefix(err.Error(), "fuzz") {
					t.Fatalf("the error does not name the file: %v", err)
				}
				continue
			}
			if n == nil || n.kind != objectKind {
				continue
			}
			c := newConfig(n)
			var b strings.Builder
			if err := c.Print(&b, YAML, false); err != nil {
				t.Fatal(err)
			}
			if again, err := parseYAML([]byte(b.String()), "again"); err == nil && again != nil && !newConfig(again).Equal(c) {
				t.Fatalf("%q printed as %q reads differently", text, b.String())
			}
			c.Check()
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"1h", "PT1H", "P1Y2M3W4DT5H6M7.5S", "2 days", "", "P", "1.5.5h", "-1h", "PT-1S", "9999999999999999999999y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := ParseDuration(text); err == nil && d < 0 {
			t.Fatalf("%q is %v", text, d)
		}
	})
}

func TestLoad_StopsBombsAndCyclesWithAClearError(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", "))
	}
	fan := ""
	for i := range 40 {
		fan += fmt.Sprintf("k%d: {$include: %%s}\n", i)
	}
	next := func(name string) string { return strings.ReplaceAll(fan, "%s", name) }
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"alias bomb":        {map[string]string{"app-config.yaml": bomb}, "app-config.yaml:"},
		"alias of itself":   {map[string]string{"app-config.yaml": "a: &a {b: *a}"}, "app-config.yaml:1"},
		"include of itself": {map[string]string{"app-config.yaml": "a:\n  b: {$include: app-config.yaml}"}, "app-config.yaml:2: a.b: $include \"app-config.yaml\": includes itself"},
		"include in a ring": {map[string]string{"app-config.yaml": "a: {$include: sub/b.yaml}", "sub/b.yaml": "c: {$include: '../c.json#x'}", "c.json": `{"x": {"$include": "sub/b.yaml"}}`},
			"includes itself (app-config.yaml → sub/b.yaml → c.json#x → sub/b.yaml)"},
		"include fan": {map[string]string{"app-config.yaml": next("1.yaml"), "1.yaml": next("2.yaml"), "2.yaml": next("3.yaml"), "3.yaml": "x: 1"}, "more than"},
		"depth":       {map[string]string{"app-config.yaml": "a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100)}, "deeper"},
		"size":        {map[string]string{"app-config.yaml": "a: " + strings.Repeat("x", maxFileSize)}, "larger than 5 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range tc.files {
				write(t, dir, file, text)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if _, err := Load(ctx, Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("want an error with %q, got %v", tc.want, err)
			}
		})
	}
}

func TestLoad_RefusesRemoteConfiguration(t *testing.T) {
	_, err := Load(context.Background(), Options{Dir: t.TempDir(), Files: []string{"https://user:hunter2@config.example.com/app.yaml"}})
	if err == nil || !strings.Contains(err.Error(), "files only") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestLoad_NamesEveryBadFileAtOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yaml", "x: [1")
	write(t, dir, "b.yaml", "y: {$file: nope}")
	_, err := Load(context.Background(), Options{Dir: dir, Files: []string{"a.yaml", "b.yaml", "c.yaml"}, Env: []string{"APP_CONFIG_a__b=1"}})
	for _, want := range []string{"a.yaml:1", "b.yaml:1: y", "c.yaml", "APP_CONFIG_a__b"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s in %v", want, err)
		}
	}
}
