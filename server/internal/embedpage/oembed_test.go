package embedpage_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/embedpage"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

const framed = backend + "/embed/v1/frame/cost/summary"

// provider is the oEmbed provider on an edge.
func provider(t testing.TB, change ...func(*embedpage.Options)) http.Handler {
	t.Helper()
	s, o := httpxtest.New(t), options(t, built())
	for _, f := range change {
		f(&o)
	}
	embedpage.Routes(s.Feature(httpx.Feature{ID: "widgets", Policies: []httpx.Policy{embedpage.Policy()}}), pages(t, o))
	return s
}

func describe(h http.Handler, page, more string) *httptest.ResponseRecorder {
	return ask(h, http.MethodGet, "/api/widgets/v1/oembed?url="+url.QueryEscape(page)+more)
}

func TestOEmbed_DescribesTheFrameThatThePageIs(t *testing.T) {
	h := provider(t)
	answer := describe(h, framed+"?app=shop&entityRef=component:default/payments&theme=dark&height=500&utm_source=x", "&format=json&maxwidth=480&maxheight=9999")
	var got map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("%d %v %s", answer.Code, err, answer.Body)
	}
	for key, want := range map[string]any{
		"version": "1.0", "type": "rich", "title": `Cost <&"'> summary`, "width": 480.0, "height": 500.0, "provider_name": "Callboard", "provider_url": backend, "cache_age": 3600.0,
		"html": `<iframe src="` + framed + `?app=shop&amp;entityRef=component%3Adefault%2Fpayments&amp;height=500&amp;theme=dark" title="Cost &lt;&amp;&#34;&#39;&gt; summary" width="480" height="500" ` +
			`loading="lazy" referrerpolicy="no-referrer" sandbox="allow-scripts allow-same-origin allow-forms allow-popups" style="border:0"></iframe>`,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if answer.Header().Get("Access-Control-Allow-Origin") != "*" || answer.Header().Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("headers: %v", answer.Header())
	}
}

func TestOEmbed_IsAsHighAsThePictureWhereNobodySaysAHeight(t *testing.T) {
	for known, want := range map[int]string{180: `"height":180`, 0: `"height":320`} {
		h := provider(t, func(o *embedpage.Options) { o.Height = func(string) int { return known } })
		for more, want := range map[string]string{"": want, "&maxheight=100": `"height":100`} {
			if body := describe(h, framed+"?app=shop", more).Body.String(); !strings.Contains(body, want) {
				t.Errorf("%d, %q: %s, want %s", known, more, body, want)
			}
		}
		if body := describe(h, framed+"?app=shop&height=500", "").Body.String(); !strings.Contains(body, `"height":500`) {
			t.Errorf("what the address says: %s", body)
		}
	}
}

func TestOEmbed_AnswersByTheRulesOfOEmbed(t *testing.T) {
	h := provider(t)
	for name, c := range map[string]struct {
		page, more, want string
		status           int
	}{
		"XML":                      {framed + "?app=shop", "&format=xml", "NotImplementedError", 501},
		"another format":           {framed + "?app=shop", "&format=yaml", "NotImplementedError", 501},
		"no url":                   {"", "", "url: must be", 400},
		"no size":                  {framed + "?app=shop", "&maxwidth=wide", "maxwidth: must be", 400},
		"a bad value of the frame": {framed + "?app=shop&theme=blue", "", "url: its parameter theme: must be", 400},
		"the port of the scheme":   {strings.Replace(framed, ".com", ".com:443", 1) + "?app=shop", "", `"rich"`, 200},
		"a page of the console":    {backend + "/console/widgets/cost/summary", "", `"link"`, 200},
		"one with an app":          {backend + "/console/widgets/cost/summary?app=shop", "", `"rich"`, 200},
		"one with no such app":     {backend + "/console/widgets/cost/summary?app=nobody", "", "names no embedding app", 404},
		"a frame without app":      {framed, "", "names no embedding app", 404},
		"no such widget":           {backend + "/embed/v1/frame/cost/nothing?app=shop", "", "there is no widget", 404},
		"another host":             {"https://evil.example/backstage/embed/v1/frame/cost/summary?app=shop", "", "there is no widget", 404},
		"another scheme":           {strings.Replace(framed, "https", "http", 1) + "?app=shop", "", "there is no widget", 404},
		"another port":             {strings.Replace(framed, ".com", ".com:8443", 1) + "?app=shop", "", "there is no widget", 404},
		"a user before the host":   {"https://portal.example.com@evil.example/backstage/embed/v1/frame/cost/summary?app=shop", "", "there is no widget", 404},
		"a path beside the base":   {"https://portal.example.com/embed/v1/frame/cost/summary?app=shop", "", "there is no widget", 404},
		"a path of dots":           {backend + "/embed/v1/frame/../frame/cost/summary?app=shop", "", "there is no widget", 404},
		"an API":                   {backend + "/api/catalog/entities", "", "there is no widget", 404},
		"a script":                 {"javascript:alert(1)", "", "there is no widget", 404},
	} {
		answer := describe(h, c.page, c.more)
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %d with %s", name, answer.Code, answer.Body, c.status, c.want)
		}
	}
}

func TestOEmbed_DoesNotTellWhetherAnEntityExists(t *testing.T) {
	h := provider(t)
	one := describe(h, framed+"?app=shop&entityRef=component:default/aaaa", "")
	two := describe(h, framed+"?app=shop&entityRef=component:default/bbbb", "")
	if one.Code != http.StatusOK || strings.ReplaceAll(one.Body.String(), "aaaa", "bbbb") != two.Body.String() {
		t.Errorf("%s\n%s", one.Body, two.Body)
	}
}

func TestOEmbed_IsFoundFromTheFrame(t *testing.T) {
	p := pages(t, options(t, built()))
	page := ask(p, http.MethodGet, frame+"&height=300").Body.String()
	_, rest, _ := strings.Cut(page, `type="application/json+oembed" href="`)
	link, _, _ := strings.Cut(rest, `"`)
	link = strings.TrimPrefix(strings.ReplaceAll(link, "&amp;", "&"), backend)
	if answer := ask(provider(t), http.MethodGet, link); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), `"height":300`) {
		t.Errorf("%s: %d %s", link, answer.Code, answer.Body)
	}
}
