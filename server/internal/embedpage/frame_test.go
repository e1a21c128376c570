package embedpage_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/callboard/callboard/server/internal/goldentest"
)

const frame = "/embed/v1/frame/cost/summary?app=shop"

var nonce = regexp.MustCompile(`nonce[-=]"?([A-Z2-7]{26})`)

func TestFrame_IsTheShellWithItsHeaders(t *testing.T) {
	p := pages(t, options(t, built()))
	target := frame + "&lang=ar-EG&entityRef=Component:default/Payments&range=30d&theme=dark&tz=Africa/Cairo&height=400&headingLevel=3&args=" +
		url.QueryEscape(`{"currency":"EUR"}`) + "&from=2026-01-01T00:00:00Z&to=1790000000000&utm_source=mail"
	answer := ask(p, http.MethodGet, target)
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", answer.Code)
	if err := answer.Header().Write(&b); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n" + answer.Body.String())
	got := b.String()
	found := map[string]bool{}
	for _, m := range nonce.FindAllStringSubmatch(got, -1) {
		found[m[1]] = true
	}
	if len(found) != 1 {
		t.Errorf("nonces: %v, want one that header and page share", found)
	}
	for n := range found {
		got = strings.ReplaceAll(got, n, "NONCE")
		if strings.Contains(ask(p, http.MethodGet, target).Body.String(), n) {
			t.Error("the nonce is used twice")
		}
	}
	goldentest.Compare(t, "frame.golden", strings.ReplaceAll(got, "\r\n", "\n"))
}

func TestFrame_MayBeFramedByThePagesOfItsAppOnly(t *testing.T) {
	p := pages(t, options(t, built()))
	for app, want := range map[string]struct {
		status    int
		ancestors string
	}{
		"shop":    {200, "frame-ancestors https://shop.example.org http://localhost:3000"},
		"nowhere": {200, "frame-ancestors 'none'"},
		"hostile": {200, "frame-ancestors https://c.example"},
		"unknown": {404, "frame-ancestors 'none'"},
		"":        {404, "frame-ancestors 'none'"},
		"SHOP":    {404, "frame-ancestors 'none'"},
	} {
		answer := ask(p, http.MethodGet, "/embed/v1/frame/cost/summary?app="+app)
		policy := directives(answer.Header().Get("Content-Security-Policy"))
		if answer.Code != want.status || policy["frame-ancestors"] != want.ancestors || answer.Header().Get("X-Frame-Options") != "" {
			t.Errorf("app %q: %d %q, X-Frame-Options %q", app, answer.Code, policy["frame-ancestors"], answer.Header().Get("X-Frame-Options"))
		}
		if runs := strings.Contains(answer.Body.String(), "<script"); runs != (want.status == http.StatusOK) {
			t.Errorf("app %q: scripts: %v", app, runs)
		}
	}
}

// directives are those of a policy, by name; of two with one name browsers take the first.
func directives(policy string) map[string]string {
	all := map[string]string{}
	for d := range strings.SplitSeq(policy, ";") {
		d = strings.TrimSpace(d)
		name, _, _ := strings.Cut(d, " ")
		if all[name] == "" {
			all[name] = d
		}
	}
	return all
}

func TestFrame_OfAWidgetThatIsNotInstalledStillTellsThePageAroundIt(t *testing.T) {
	p := pages(t, options(t, built()))
	answer := ask(p, http.MethodGet, "/embed/v1/frame/cost/nothing?app=shop")
	if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), "/frame.js") || !strings.Contains(answer.Body.String(), "<title>cost/nothing</title>") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestFrame_OfAPIDocumentation(t *testing.T) {
	p := pages(t, options(t, built()))
	answer := ask(p, http.MethodGet, "/embed/v1/frame/api-docs/reference?app=shop&entityRef=api:default/orders")
	if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "<title>API reference</title>") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestFrame_SaysWhichValueIsWrong(t *testing.T) {
	p := pages(t, options(t, built()))
	for query, want := range map[string]string{
		"entityRef=payments": "entityRef: must be", "entityRef=component:a/b/c": "entityRef: must be", "entityRef=component:default/..": "entityRef: must be",
		"entityRef=" + strings.Repeat("a", 300): "entityRef: must be", "args=1": "args: must be a JSON object", "args=null": "args: must be", "args={": "args: must be",
		"args=" + url.QueryEscape(`{"a":"`+strings.Repeat("a", 5000)+`"}`): "args: must be", "range=1y": "range: must be 1h, ", "theme=blue": "theme: must be light, dark or auto",
		"lang=%3Cscript%3E": "lang: must be a language", "lang=" + strings.Repeat("a-", 200): "lang: must be", "height=1": "height: must be a number from 60 to 4096",
		"height=400px": "height: must be", "height=%2B400": "height: must be", "tz=../../etc/passwd": "tz: must be a time zone", "tz=Local": "tz: must be",
		"from=yesterday": "from: must be a time", "to=-1": "to: must be a time", "headingLevel=7": "headingLevel: must be a number from 1 to 6",
	} {
		answer := ask(p, http.MethodGet, frame+"&"+query)
		if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), want) || strings.Contains(answer.Body.String(), "<script") {
			t.Errorf("%.60s: %d %s", query, answer.Code, answer.Body)
		}
		if policy := directives(answer.Header().Get("Content-Security-Policy")); policy["frame-ancestors"] != "frame-ancestors https://shop.example.org http://localhost:3000" {
			t.Errorf("%.60s: who builds the page cannot see the message: %v", query, policy)
		}
	}
}

func TestFrame_WritesRightToLeftLanguagesSo(t *testing.T) {
	p := pages(t, options(t, built()))
	for lang, want := range map[string]string{"": `lang="en" dir="ltr"`, "fr": `lang="fr" dir="ltr"`, "he": `lang="he" dir="rtl"`, "az-Arab": `lang="az-Arab" dir="rtl"`, "ks": `lang="ks" dir="rtl"`, "ur-PK": `lang="ur-PK" dir="rtl"`} {
		if page := ask(p, http.MethodGet, frame+"&lang="+lang).Body.String(); !strings.Contains(page, want) {
			t.Errorf("%q: %.80s", lang, page)
		}
	}
}

// elements are the tags of a page, in its order, and the attributes of its body. Text within noscript counts as markup, as
// it does where scripts are off.
func elements(t testing.TB, page string) (names []string, body map[string]string) {
	t.Helper()
	doc, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	body = map[string]string{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		names = append(names, n.Data)
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
			if n.Data == "body" {
				body[a.Key] = a.Val
			}
		}
	}
	return names, body
}

func TestFrame_KeepsForeignTextInItsAttributes(t *testing.T) {
	p := pages(t, options(t, built()))
	want, _ := elements(t, ask(p, http.MethodGet, frame).Body.String())
	for _, hostile := range []string{
		`"><script>run()</script>`, `'><img src=x onerror=run()>`, `</body><svg/onload=run()>`, `{{.}}`, "` onmouseover=run() x=`", `<!--`, `]]>`, "\u2028run()", `&quot;><script>`,
	} {
		var args strings.Builder
		encoder := json.NewEncoder(&args)
		encoder.SetEscapeHTML(false) // else nothing hostile would be left
		if err := encoder.Encode(map[string]string{"a": hostile}); err != nil {
			t.Fatal(err)
		}
		answer := ask(p, http.MethodGet, frame+"&args="+url.QueryEscape(args.String()))
		names, body := elements(t, answer.Body.String())
		if strings.Join(names, " ") != strings.Join(want, " ") || body["data-args"] != args.String() {
			t.Errorf("%s: %v, data-args %q", hostile, names, body["data-args"])
		}
	}
}
