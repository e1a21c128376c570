package docsite

import (
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/markdown"
	"github.com/callboard/callboard/server/internal/xsstest"
)

var where = Options{
	Path: "guide/index.html", Page: func(p string) string { return "/docs/" + escaped(p) }, File: func(p string) string { return "/files/" + escaped(p) },
	Image: func(p string) string { return "/files/" + escaped(p) },
}

// written are the elements that this package makes, with their attributes.
var written = func() map[string][]string {
	all := map[string][]string{"html": nil, "head": nil, "body": nil, "div": {"class", "tabindex", "role", "aria-label"}, "a": {"href", "rel", "data-cb-doc"}, "span": {"class"},
		"img": {"src", "alt", "width", "height"}}
	for name, attributes := range kept {
		all[name] = append(slices.Clone(attributes), "id", "class", "tabindex", "role", "aria-label")
	}
	for _, h := range []string{"h1", "h2", "h3", "h4", "h5", "h6"} {
		all[h] = []string{"id"}
	}
	return all
}()

func problems(html string) []string {
	return xsstest.Problems(html, written, func(name, value string) bool {
		switch name {
		case "href":
			return markdown.Followable(value) || strings.HasPrefix(value, "#cb-md-") || strings.HasPrefix(value, "/docs/") || strings.HasPrefix(value, "/files/")
		case "src":
			return strings.HasPrefix(value, "/files/")
		case "class", "id":
			return strings.HasPrefix(value, "cb-md-") && !strings.ContainsAny(value, " \t\n\"'<>&")
		}
		return true
	})
}

func read(t *testing.T, html string) *Page {
	t.Helper()
	p, err := Read([]byte(html), where)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// generated is a page as the generator of TechDocs writes it.
const generated = `<!doctype html><html><head><title>Guide - Shop</title><script>canary()</script></head><body>
<nav class="md-nav md-nav--primary"><label class="md-nav__title">Shop</label><ul class="md-nav__list">
<li class="md-nav__item"><a href=".." class="md-nav__link"><span class="md-ellipsis">Home</span></a></li>
<li class="md-nav__item md-nav__item--active"><label class="md-nav__link">Guide</label><a href="./" class="md-nav__link md-nav__link--active">Guide</a>
<nav class="md-nav md-nav--secondary"><ul><li><a class="md-nav__link" href="#steps">Steps</a></li></ul></nav></li>
<li class="md-nav__item"><label class="md-nav__link">More</label><nav class="md-nav"><ul><li><a class="md-nav__link" href="../more/a/">A &amp; B</a></li></ul></nav></li>
<li class="md-nav__item"><a href="https://out.test" class="md-nav__link">Out</a></li></ul></nav>
<article class="md-content__inner md-typeset"><a href="edit" class="md-content__button"><svg></svg></a>
<h1 id="guide">Guide<a class="headerlink" href="#guide" title="Permanent link">&para;</a></h1>
<p onclick="canary()">Hello <span style="color:red">you</span>, see <a href="../more/a/#x y">A</a>, <a href="#steps">steps</a>, <a href="../../../other/">not</a>, <a href="/login">nor</a>, <a href="file.pdf">a file</a>, <a href=".git/config">hidden</a>.</p>
<div class="admonition note"><p class="admonition-title">Note</p><p>Careful</p></div>
<h3 id="steps">Steps</h3><h3 id="steps">Steps</h3>
<div class="highlight"><pre><span></span><code><span class="k">go</span> <span class="n">run</span></code></pre></div><p><span class="k">plain</span></p><pre><code class="language-go">if x</code></pre>
<table class="highlighttable"><tr><td class="linenos">1</td><td>x</td></tr></table>
<ul class="task-list"><li><input type="checkbox" disabled checked>done</li></ul>
<img src="../img/a.png" alt="A map" width="20" onerror="canary()"><img src="https://x.test/b.png" alt="B"><img src="data:image/svg+xml,x" alt="C">
<iframe src="https://x.test"></iframe><form action="x"><input name="y"></form></article></body></html>`

func TestRead_KeepsTheArticleItsHeadingsAndThePagesOfTheSite(t *testing.T) {
	p := read(t, generated)
	if p.Title != "Guide" {
		t.Errorf("title %q", p.Title)
	}
	if want := []markdown.Heading{{Level: 1, ID: "cb-md-guide", Text: "Guide"}, {Level: 2, ID: "cb-md-steps", Text: "Steps"}}; !slices.Equal(p.Headings, want) {
		t.Errorf("headings %v", p.Headings)
	}
	if len(p.Pages) != 3 || p.Pages[0].Title != "Home" || !p.Pages[0].Leads || p.Pages[0].Path != "" || p.Pages[2].Leads || !p.Pages[1].Current || p.Pages[1].Path != "guide" ||
		len(p.Pages[2].Below) != 1 || p.Pages[2].Below[0].Title != "A & B" || p.Pages[2].Below[0].Path != "more/a" {
		t.Errorf("pages %+v", p.Pages)
	}
	for _, part := range []string{`<h1 id="cb-md-guide">Guide</h1>`, `<p>Hello you, see <a href="/docs/more/a#cb-md-x-y" data-cb-doc="more/a#cb-md-x-y">A</a>, <a href="#cb-md-steps">steps</a>, not, nor, <a href="/files/guide/file.pdf">a file</a>, hidden.</p>`,
		`<div class="cb-md-note"><p class="cb-md-heading">Note</p><p>Careful</p></div>`, `<h2 id="cb-md-steps">Steps</h2><h2>Steps</h2>`, `<code><span class="cb-md-k">go</span> run</code></pre>`, `<code><span class="cb-md-k">if</span> x</code></pre>`, "☑ done",
		`<img src="/files/img/a.png" alt="A map" width="20">`, `<a href="https://x.test/b.png" rel="nofollow noreferrer">B</a>C`} {
		if !strings.Contains(p.HTML, part) {
			t.Errorf("it lacks %s: %s", part, p.HTML)
		}
	}
	if strings.Contains(p.HTML, "canary") || strings.Contains(p.HTML, "¶") || problems(p.HTML) != nil {
		t.Errorf("it holds %q: %s", problems(p.HTML), p.HTML)
	}
}

func TestRead_HoldsNothingThatAPageBringsAlong(t *testing.T) {
	for _, v := range xsstest.Corpus() {
		for _, page := range []string{v, "<article class=md-content__inner>" + v, `<a href="` + v + `">x</a><img src="` + v + `" alt="` + v + `" id="` + v + `">`,
			"<a href='" + v + "'>x</a><h2 id='" + v + "'>" + v + "</h2>", "<nav class=md-nav--primary><ul><li><a class=md-nav__link href='" + v + "'>" + v + "</a></ul></nav><pre><code>" + v,
			"<pre><code class='language-html'>" + strings.ReplaceAll(v, "<", "&lt;") + "</code></pre>", "<pre><code class='language-" + v + "'><span class='k " + v + "'>" + v,
			"<table><td colspan='" + v + "'>" + v, "<p title='" + v + "' class='" + v + "'>" + v} {
			if found := problems(read(t, page).HTML); found != nil {
				t.Fatalf("%q: %q in %s", page, found, read(t, page).HTML)
			}
		}
	}
}

func TestRead_IsBounded(t *testing.T) {
	if _, err := Read(make([]byte, mostHTML+1), where); err == nil {
		t.Error("a page of any size is read")
	}
	if p, err := Read([]byte(strings.Repeat("<div>", 100_000)+"deep"), where); err == nil && strings.Contains(p.HTML, "deep") {
		t.Error("a page of any depth is written")
	}
	p := read(t, "<nav class=md-nav--primary><ul>"+strings.Repeat("<li><a class=md-nav__link href=x>x</a></li>", mostEntries+10)+"</ul></nav>")
	if len(p.Pages) > mostEntries {
		t.Errorf("%d pages", len(p.Pages))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(generated)
	for _, p := range xsstest.Payloads {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, html string) {
		p, err := Read([]byte(html), where)
		if err != nil {
			return
		}
		if found := problems(p.HTML); found != nil {
			t.Fatalf("%q in %s", found, p.HTML)
		}
	})
}
