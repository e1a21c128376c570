package portal

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestFragment_ChangesAddressesAndNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		`<svg viewBox="0 0 1 1"><a href="/catalog/default/api/shop"><rect/></a></svg>`: `<svg viewBox="0 0 1 1"><a href="/console/catalog/default/api/shop"><rect/></a></svg>`,
		`<a href="/docs/default/component/pay/guide/#top">x</a>`:                       `<a href="/console/catalog/default/component/pay/docs/guide#top">x</a>`,
		`<a href='/docs/default'>x</a>`:                                                `<a href='/docs/default'>x</a>`,
		`<a href="https://x.test/catalog/a">x</a>`:                                     `<a href="https://x.test/catalog/a">x</a>`,
		`<form method="post" action="/api/widgets/v1/forms/a/b">`:                      `<form method="post" action="/console/forms/a/b">`,
		`<p data-x="/catalog/a">&lt;a href="/catalog/a"&gt;</p><!-- c -->`:             `<p data-x="/catalog/a">&lt;a href="/catalog/a"&gt;</p><!-- c -->`,
		`<a title="&quot;&gt;&lt;script&gt;" href="/catalog/a/b/c">x</a>`:              `<a title="&#34;&gt;&lt;script&gt;" href="/console/catalog/a/b/c">x</a>`,
		`<textarea name="x"><a href="/catalog/a"></textarea>`:                          `<textarea name="x"><a href="/catalog/a"></textarea>`,
	} {
		if got := string(fragment([]byte(in), consoleLinks)); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// What is rewritten has the elements and attributes that it had, whatever a text of it holds.
func FuzzFragment(f *testing.F) {
	for _, seed := range []string{`<a href="/catalog/a/b/c" title='"><script>'>x</a>`, `<a href=/catalog/a>`, `<svg><a href="/catalog/x"/><title></a>`, `<a href="/catalog/\">`, "<a\x00 href=/catalog/a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before, after := shape(text), shape(string(fragment([]byte(text), consoleLinks)))
		if before != after {
			t.Errorf("%q\n had %s\n has %s", text, before, after)
		}
	})
}

func shape(text string) string {
	var b strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(text))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return b.String()
		}
		token := tokens.Token()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		b.WriteString("<" + token.Data)
		for _, a := range token.Attr {
			b.WriteString(" " + a.Key)
			if !addresses[a.Key] {
				b.WriteString("=" + a.Val)
			}
		}
	}
}

func TestMarked_EscapesEverythingButItsMarks(t *testing.T) {
	for in, want := range map[string]string{
		"a [b] c": "a <mark>b</mark> c", "[<script>] </mark>": "<mark>&lt;script&gt;</mark> &lt;/mark&gt;", "a [b": "a <mark>b</mark>", "]a[": "]a<mark></mark>",
	} {
		if got := string(marked("plain", in, "[", "]")); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := marked("<b>", "", "[", "]"); got != "&lt;b&gt;" {
		t.Error(got)
	}
}

func TestWeb_LeadsToTheWebOrIntoThisHost(t *testing.T) {
	for address, followed := range map[string]bool{
		"https://x.test/": true, "http://x.test": true, "/console/": true, "//x.test": false, "/\\x.test": false, "javascript:alert(1)": false, " javascript:alert(1)": false,
		"data:text/html,x": false, "x/y": false, "": false, "https:": false, "mailto:a@x.test": false,
	} {
		if l := web(address, "text"); (l.Address != "") != followed || l.Text != "text" {
			t.Errorf("%q: %+v", address, l)
		}
	}
}

func TestWords_AndTimesReadAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]string{"apiConsumedBy": "Api consumed by", "in-progress": "In progress", "": "", "été": "Été"} {
		if got := words(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	for kind, want := range map[string]string{"ownedBy": "Owner", "runsOn": "Runs on"} {
		if got := groupRelations([]relation{{kind, "component:default/a"}}); got[0].Title != want {
			t.Errorf("%+v", got)
		}
	}
}

func TestJSX_QuotesWhatTheLanguageQuotes(t *testing.T) {
	for in, want := range map[string]string{"cost/total": `"cost/total"`, `a"b`: `{"a\"b"}`, "a{b}": `{"a{b}"}`, "</script>": `{"\u003c/script\u003e"}`} {
		if got := jsx(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
