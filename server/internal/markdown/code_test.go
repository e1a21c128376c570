package markdown

import (
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/xsstest"
)

var span = regexp.MustCompile(`</?span[^>]*>`)

// marked is code with its parts in brackets: [k if].
func marked(text, language string) string {
	out := new(Budget).Code(text, language)
	out = regexp.MustCompile(`<span class="cb-md-([a-z])">`).ReplaceAllString(out, "[$1 ")
	return html.UnescapeString(strings.ReplaceAll(out, "</span>", "]"))
}

func TestCode_IsToldApartByItsLanguage(t *testing.T) {
	for _, c := range []struct{ language, text, want string }{
		{"json", `{"a": [1, -2.5e3, "b\"", true, null]}`, `{[a "a"]: [[n 1], -[n 2.5e3], [s "b\""], [n true], [n null]]}`},
		{"Go", "if err != nil { // x\n\treturn `a\nb`, 'c' }", "[k if] err != [n nil] { [c // x]\n\t[k return] [s `a\nb`], [s 'c'] }"},
		{"JavaScript", "const a1 = await f(\"x\"); /* y\n*/ $if = 0x1f", `[k const] a1 = [k await] f([s "x"]); [c /* y` + "\n*/] $if = [n 0x1f]"},
		{"python", "def f(x):  # y\n  \"\"\"a\n\"\"\"\n  return None", "[k def] f(x):  [c # y]\n  [s \"\"\"a\n\"\"\"]\n  [k return] [n None]"},
		{"curl", `curl --url 'https://x/#a' \` + "\n" + `  --data-raw '{"a":'\''b'\''` + "\n}'", `[k curl] --url [s 'https://x/#a'] \` + "\n" + `  --data-raw [s '{"a":']\'[s 'b']\'[s '` + "\n}']"},
		{"bash", "echo $#  # n\necho \"a\\\"b\"", "[k echo] $#  [c # n]\n[k echo] [s \"a\\\"b\"]"},
		{"yaml", "a.b: 'c' # d\n- e-f: {g: 1}\nurl: http://x/#y\nz: yes", "[a a.b]: [s 'c'] [c # d]\n- [a e-f]: {g: [n 1]}\n[a url]: http://x/#y\n[a z]: [k yes]"},
		{"toml", "[a.b]\nc = 1", "[a [a.b]]\n[a c] = [n 1]"},
		{"sql", "select * from x where y = 'z' -- w\nLIMIT 1", "[k select] * [k from] x [k where] y = [s 'z'] [c -- w]\n[k LIMIT] [n 1]"},
		{"xml", `<?xml version="1"?><a:b c="d>" e>f<!-- g --></a:b> < 1`, `<?[k xml] [a version]=[s "1"]?><[k a:b] [a c]=[s "d>"] [a e]>f[c <!-- g -->]</[k a:b]> < 1`},
		{"diff", "@@ -1 +1 @@\n-a\n+b\n c", "[a @@ -1 +1 @@]\n[d -a]\n[i +b]\n c"},
		{"go", "it's \"open\nif", "it's \"open\n[k if]"},
		{"rust", "fn f<'a>(x: &'a str)", "[k fn] f<'a>(x: &'a str)"},
		{"js", "über if", "über [k if]"},
		{"none", "if x", "if x"},
		{"", "if x", "if x"},
	} {
		if got := marked(c.text, c.language); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.language, got, c.want)
		}
	}
}

func TestCode_BeyondABoundIsPlain(t *testing.T) {
	var b Budget
	block := strings.Repeat("if some_more_words ", mostCode/19)
	for i := range mostCoded/len(block) + 2 {
		got := b.Code(block, "go")
		if fits := i < mostCoded/len(block); strings.Contains(got, "<span") != fits {
			t.Errorf("block %d is told apart: %v", i, !fits)
		}
	}
	b = Budget{}
	for range 4 {
		b.Code(strings.Repeat("1 ", mostCode/2), "go")
	}
	if b.marked != mostMarked || b.coded > mostCoded {
		t.Errorf("%+v", b)
	}
	if got := new(Budget).Code(strings.Repeat("x", mostCode)+" if", "go"); strings.Contains(got, "<span") {
		t.Error("a block of any length is told apart")
	}
}

// costlyCode is made to be read again and again.
func costlyCode() []string {
	var out []string
	for _, part := range []string{`"`, "'", "`", `"""`, "/*", "<!--", "<a ", "<", "\\", "[", "#", "$((", "`${", `f"{`, `"\`, "'\"", "-", "\n- ", "\"x", "<a b='"} {
		out = append(out, strings.Repeat(part, mostCode/len(part)), strings.Repeat(part+" ", mostCode/(len(part)+1)))
	}
	return out
}

func holds(t *testing.T, language, text string) {
	t.Helper()
	var b Budget
	got := b.Code(text, language)
	if plain := span.ReplaceAllString(got, ""); plain != html.EscapeString(Printable(text, true)) {
		t.Fatalf("%s: %q became %q", language, text, plain)
	}
	if found := problems(got); found != nil {
		t.Fatalf("%s: %q: %q", language, text, found)
	}
	if len(got) > 8*len(text)+40*b.marked+100 {
		t.Fatalf("%s: %d bytes of %d", language, len(got), len(text))
	}
}

func TestCode_StaysTheTextThatItWas(t *testing.T) {
	texts := append(costlyCode(), xsstest.Payloads...)
	for _, language := range oneNameOfEach() {
		for _, text := range texts {
			holds(t, language, text[:min(len(text), 600)])
			_ = new(Budget).Code(text, language)
		}
	}
}

func oneNameOfEach() []string {
	names := map[*language]string{}
	for _, n := range slices.Sorted(maps.Keys(languages)) {
		names[languages[n]] = n
	}
	return slices.Sorted(maps.Values(names))
}

func FuzzCode(f *testing.F) {
	for _, text := range append(costlyCode(), xsstest.Payloads...) {
		f.Add(text[:min(len(text), 200)])
	}
	names := oneNameOfEach()
	f.Fuzz(func(t *testing.T, text string) {
		for _, language := range names {
			holds(t, language, text)
		}
	})
}

func BenchmarkCode(b *testing.B) {
	for language, text := range map[string]string{"json": `{"id": "o-1", "count": 12, "open": true},` + "\n", "go": "if err != nil {\n\treturn err // \"x\"\n}\n", "quotes": `"`} {
		text = strings.Repeat(text, mostCode/len(text))
		if language == "quotes" {
			language = "sh"
		}
		b.Run(language, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				new(Budget).Code(text, language)
			}
		})
	}
}
