package markdown

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/xsstest"
)

// written are the elements that this package makes, with their attributes.
var written = map[string][]string{
	"html": nil, "head": nil, "body": nil, "p": {"class"}, "br": nil, "em": nil, "strong": nil, "del": nil, "code": nil, "ul": nil, "ol": nil, "li": nil,
	"blockquote": nil, "hr": nil, "table": nil, "thead": nil, "tbody": nil, "tr": nil, "th": nil, "td": nil, "a": {"href", "rel"},
	"pre": {"tabindex", "role", "aria-label"}, "div": {"class", "tabindex", "role", "aria-label"},
	"h1": {"id"}, "h2": {"id"}, "h3": {"id"}, "h4": {"id"}, "h5": {"id"}, "h6": {"id"}, "img": {"src", "alt"}, "span": {"class"},
}

func problems(html string) []string {
	return xsstest.Problems(html, written, func(name, value string) bool {
		switch name {
		case "href":
			return Followable(value) || strings.HasPrefix(value, "#cb-md-") || strings.HasPrefix(value, "/docs/")
		case "src":
			return strings.HasPrefix(value, "/docs/")
		case "class":
			return strings.HasPrefix(value, "cb-md-")
		case "id":
			return strings.HasPrefix(value, "cb-md-") && !strings.ContainsAny(value, " \t\n\"'<>&")
		}
		return true
	})
}

// below leads into a folder, as whoever shows a folder of documents has it.
func below(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || strings.HasPrefix(u.Path, "/") || strings.Contains(u.Path, "..") {
		return "", false
	}
	return "/docs/" + u.EscapedPath(), true
}

var everywhere = Options{Link: below, Image: below, Code: true}

func TestDescription_BecomesPlainHTML(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "",
		"One line":                               "<p>One line</p>",
		"**a** `b` [c](https://x.test/?a=1&b=2)": `<p><strong>a</strong> <code>b</code> <a href="https://x.test/?a=1&amp;b=2" rel="nofollow noreferrer">c</a></p>`,
		"# Title\n\ntext":                        "<p class=\"cb-md-heading\">Title</p>\n<p>text</p>",
		"![a cat](https://x.test/cat.png)":       "<p>a cat</p>",
		"[here](/login) [there](#x)":             "<p>here there</p>",
		"a <b>bold</b>":                          "<p>a bold</p>",
		"- x\n- y":                               "<ul>\n<li>x</li>\n<li>y</li>\n</ul>",
		"|a|\n|-|\n|b|": "<div class=\"cb-md-scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n" +
			"<tbody>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table></div>",
		"```go\nx < y\n```":                "<pre tabindex=\"0\" role=\"group\" aria-label=\"Code\"><code>x &lt; y\n</code></pre>",
		"```go {1}\nif x < 7 {} // y\n```": "<pre tabindex=\"0\" role=\"group\" aria-label=\"Code\"><code><span class=\"cb-md-k\">if</span> x &lt; <span class=\"cb-md-n\">7</span> {} <span class=\"cb-md-c\">// y</span>\n</code></pre>",
		"```none\nif x\n```":               "<pre tabindex=\"0\" role=\"group\" aria-label=\"Code\"><code>if x\n</code></pre>",
	} {
		if got := strings.TrimSpace(Description(text)); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, got, want)
		}
	}
}

// costlyTexts are made to keep a parser busy.
func costlyTexts() map[string]string {
	const n = 60_000
	return map[string]string{
		"brackets": strings.Repeat("[a](", n/4), "emphasis": strings.Repeat("*a_ ", n/4), "quotes": strings.Repeat(">", n), "lists": strings.Repeat("- ", n/2) + "a",
		"columns": "|" + strings.Repeat("a|", 9000) + "\n|" + strings.Repeat("-|", 9000) + "\n" + strings.Repeat("|\n", 10_000),
		"rows":    "|" + strings.Repeat("a|", 98) + "\n|" + strings.Repeat("-|", 98) + "\n" + strings.Repeat("|\n", 29_000),
		"tables":  strings.Repeat("|"+strings.Repeat("a|", 90)+"\n|"+strings.Repeat("-|", 90)+"\n"+strings.Repeat("|\n", 90)+"\n", 20),
		"indent":  "a\n" + strings.Repeat(" ", 200) + "- a",
	}
}

func TestText_IsShownAsWrittenWhereItIsMadeToCost(t *testing.T) {
	for name, text := range costlyTexts() {
		if got := Description(text); !strings.HasPrefix(got, "<pre") || len(got) > 4*len(text)+200 {
			t.Errorf("%s: %d bytes", name, len(got))
		}
		if got := Document(text, everywhere); !got.Plain || len(got.HTML) > 4*len(text)+200 {
			t.Errorf("%s as a document: %d bytes", name, len(got.HTML))
		}
	}
	if got := Document(strings.Repeat("*a*\n\n", mostDocument/5+1), everywhere); !got.Plain {
		t.Error("a document of any length is read")
	}
	var page Budget
	plain := 0
	for range 10 {
		if strings.HasPrefix(page.Description(strings.Repeat("*a* ", 900)+strings.Repeat("text ", 10_000)), "<pre") {
			plain++
		}
	}
	if plain == 0 || plain == 10 {
		t.Errorf("%d of 10 texts of a page are shown as written", plain)
	}
}

func TestDocument_HasHeadingsToLinkAndATableOfContents(t *testing.T) {
	got := Document("## Intro\n\n[down](#first-steps-1) [nowhere](#x) [page](guide/a.md) [out](../a.md) [web](https://x.test)\n\n#### First *steps*\n\n#### More\n\n## First steps\n\n![p](a.png)\n",
		Options{Level: 2, Link: below, Image: below})
	want := []Heading{{1, "cb-md-intro", "Intro"}, {2, "cb-md-first-steps", "First steps"}, {2, "cb-md-more", "More"}, {1, "cb-md-first-steps-1", "First steps"}}
	if !slices.Equal(got.Headings, want) {
		t.Errorf("contents: %v", got.Headings)
	}
	for _, part := range []string{`<h2 id="cb-md-intro">Intro</h2>`, `<h3 id="cb-md-first-steps">First <em>steps</em></h3>`, `<h2 id="cb-md-first-steps-1">`,
		`<a href="#cb-md-first-steps-1" rel="nofollow noreferrer">down</a> nowhere`, `href="/docs/guide/a.md"`, `out <a href="https://x.test"`, `<img src="/docs/a.png" alt="p">`} {
		if !strings.Contains(got.HTML, part) {
			t.Errorf("it lacks %s: %s", part, got.HTML)
		}
	}
	if got := Document("![a cat](a.png) [x](y)", Options{}); strings.TrimSpace(got.HTML) != "<p>a cat x</p>" {
		t.Errorf("without addresses: %s", got.HTML)
	}
}

func TestHTML_HoldsNothingThatATextBringsAlong(t *testing.T) {
	for _, v := range xsstest.Corpus() {
		for _, text := range []string{v, "# " + v + "\n\n[x](" + v + ") ![x](" + v + ")", "|" + v + "|\n|-|\n|x|", "- " + v, "~~~" + v + "\n" + v + "\n~~~", "[" + v + "]: " + v + "\n\n[" + v + "]"} {
			if found := problems(Description(text)); found != nil {
				t.Fatalf("%q: %q", text, found)
			}
			doc := Document(text, everywhere)
			if found := problems(doc.HTML); found != nil {
				t.Fatalf("%q as a document: %q in %s", text, found, doc.HTML)
			}
		}
	}
}

// TestSanitizer_IsASecondNet hands it what the converter never makes.
func TestSanitizer_IsASecondNet(t *testing.T) {
	for _, v := range xsstest.Corpus() {
		for _, html := range []string{descriptionPolicy.Sanitize(v), documentSanitizer.Sanitize(v)} {
			if strings.Contains(html, "<script") || strings.Contains(html, "onerror=") && strings.Contains(html, "<img src=\"x\" onerror") || strings.Contains(html, "href=\"javascript") || strings.Contains(html, "src=\"x\"") {
				t.Fatalf("%q: %s", v, html)
			}
		}
	}
}

func FuzzText(f *testing.F) {
	for _, p := range xsstest.Payloads {
		f.Add(p)
	}
	f.Add("# a\n\n# a\n\n[x](#a)\n\n- - - > 1. x\n\n|a|b|\n|-|-|\n|c|")
	f.Fuzz(func(t *testing.T, text string) {
		if found := problems(Description(text)); found != nil {
			t.Fatal(found)
		}
		doc := Document(text, everywhere)
		if found := problems(doc.HTML); found != nil {
			t.Fatal(found)
		}
		ids := map[string]bool{}
		for _, h := range doc.Headings {
			if ids[h.ID] || h.Text == "" {
				t.Fatalf("heading %q of id %q", h.Text, h.ID)
			}
			ids[h.ID] = true
		}
	})
}
