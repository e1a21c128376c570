package embedpage_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/embedpage"
)

// spellings are ways of writing ".." and "/" that some layer may undo.
var spellings = []string{
	"..", "../", "..%2f", "..%2F", "%2e%2e/", "%2e%2e%2f", "%252e%252e/", "%252e%252e%252f", "..%252f", "..%5c", "..\\", "%5c..%5c",
	"....//", "..;/", ";/../", "..%00/", "..%c0%af", "%c0%ae%c0%ae/", "%uff0e%uff0e/", "．．/", "./../", "/.//../", "..%3b/", "%2e./", ".%2e/",
}

// FuzzPath: whatever the path looks like, only whole built files are answered, nothing is redirected, and nothing that is no
// file is kept.
func FuzzPath(f *testing.F) {
	for _, dots := range spellings {
		for _, base := range []string{"/embed/v1/", "/embed/v1/assets/", "/embed/v1/viewers/", "/embed/v1/viewers/redoc/", featuresPath, ownFiles, "/embed/v1/frame/cost/"} {
			f.Add(base + dots + "README.md")
			f.Add(base + strings.Repeat(dots, 8) + "etc/passwd")
			f.Add(base + "redoc/" + dots + "widgets/.hidden")
		}
	}
	for _, path := range []string{
		"/embed/v1/embed.js", "/embed/v1/embed.js/", "/embed/v1//embed.js", "/embed/v1/%65mbed.js", "/embed/v1/assets", "/embed/v1/assets/", "/embed/v1/assets/.hidden",
		"/embed/v1/assets/.git/config", "/embed/v1/assets//evil.example/..", "/embed/v1/assets/theme.css%00.js", "/EMBED/v1/embed.js", "/embed/v1/viewers", "//evil.example/embed/v1/",
		"/embed/v1/assets/0000000000000000/frame.js", featuresPath, featuresPath + "@callboard%2fbackstage-plugin/mf-manifest.json", featuresPath + "%40callboard/backstage-plugin/remoteEntry.js",
		"/embed/v1/viewers/redoc//redoc.standalone.js", "/embed/v1/frame/cost/summary?app=shop", "/embed/v1/frame//evil.example", "/embed/v1/frame/\\evil.example",
	} {
		f.Add(path)
	}
	p := pages(f, options(f, built()))
	whole := map[string]bool{"[]": true}
	for _, file := range built() {
		whole[string(file.Data)] = true
	}
	whole[ask(p, http.MethodGet, "/embed/v1/embed.js").Body.String()] = true
	set := index(f, p)["frame.js"].URL
	set = path(strings.TrimSuffix(set, "frame.js"))
	f.Fuzz(func(t *testing.T, target string) {
		req, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: portal.example.com\r\n\r\n")))
		if err != nil {
			return
		}
		answer := httptest.NewRecorder()
		p.ServeHTTP(answer, req)
		h := answer.Header()
		if h.Get("Location") != "" || answer.Code/100 == 3 || answer.Code >= 500 || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%q: %d %v", target, answer.Code, h)
		}
		if strings.Contains(h.Get("Cache-Control"), "immutable") && (answer.Code != http.StatusOK || !strings.HasPrefix(req.URL.Path, set) && !strings.Contains(req.URL.Path, "1a2b3c4d")) {
			t.Errorf("%q is kept for ever: %d", target, answer.Code)
		}
		body := answer.Body.String()
		isFrame, isList := strings.HasPrefix(req.URL.Path, "/embed/v1/frame/"), strings.HasSuffix(req.URL.Path, "/remotes") || strings.HasSuffix(req.URL.Path, "/embed.json")
		if body == "not for browsers" || answer.Code == http.StatusOK && !isFrame && !isList && !whole[body] {
			t.Errorf("%q answers %.80q", target, body)
		}
	})
}

// FuzzFrameQuery: whatever is asked, the page has the same elements, and no header gets a line or a directive of it.
func FuzzFrameQuery(f *testing.F) {
	for _, query := range []string{
		"app=shop&lang=ar", "app=shop&args=%7B%22a%22%3A%22%3C%2Fscript%3E%22%7D", "app=shop%0d%0aX: y", "app=hostile", "app=shop&entityRef=component:default/%22%3E%3Cscript%3E",
		"app=shop&theme=dark&theme=%22", "app=shop&lang=en-u-ca-%22", "app=shop;theme=dark", "app=shop&tz=%00", "app=shop&lang=x-%3Cb%3E", "app=shop&from=2026-01-01T00:00:00%2B00:00",
		"app=shop&args=%7B%22__proto__%22%3A1%7D", "app=shop&args=%7B%22a%22%3A%22%E2%80%A8%22%7D", "app=%ff&lang=%ff",
	} {
		f.Add(query)
	}
	p := pages(f, options(f, built()))
	shell, _ := elements(f, ask(p, http.MethodGet, frame).Body.String())
	want := strings.Join(shell, " ")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/embed/v1/frame/cost/summary", nil)
		r.URL.RawQuery = query
		answer := httptest.NewRecorder()
		p.ServeHTTP(answer, r)
		names, body := elements(t, answer.Body.String())
		if got := strings.Join(names, " "); answer.Code == http.StatusOK && got != want || answer.Code != http.StatusOK && got != "html head meta title meta body p" {
			t.Errorf("%q: %d %s", query, answer.Code, got)
		}
		if answer.Code == http.StatusOK && body["data-app"] != r.URL.Query().Get("app") {
			t.Errorf("%q: data-app is %q", query, body["data-app"])
		}
		policy := directives(answer.Header().Get("Content-Security-Policy"))
		if answer.Code == http.StatusOK && (len(policy) != 11 || policy["default-src"] != "default-src 'none'" || policy["base-uri"] != "base-uri 'none'") {
			t.Errorf("%q: %v", query, policy)
		}
	})
}

// FuzzOEmbedURL: an address is answered for only if browsers, too, would go to this host with it; a frame leads nowhere else.
func FuzzOEmbedURL(f *testing.F) {
	for _, page := range []string{
		framed + "?app=shop", backend + "/console/widgets/cost/summary", "https://portal.example.com@evil.example/backstage/embed/v1/frame/cost/summary?app=shop",
		"https://portal.example.com\\@evil.example/backstage/embed/v1/frame/cost/summary?app=shop", "//portal.example.com/backstage/embed/v1/frame/cost/summary?app=shop",
		"https:portal.example.com/backstage/embed/v1/frame/cost/summary?app=shop", "HTTPS://PORTAL.example.com/backstage/embed/v1/frame/cost/summary?app=shop&theme=dark#x",
	} {
		f.Add(page)
	}
	p := pages(f, options(f, built()))
	f.Fuzz(func(t *testing.T, page string) {
		kind, _, frame, _, _, err := p.Describe(url.Values{"url": {page}})
		if err != nil {
			return
		}
		lower := strings.ToLower(page)
		if !strings.HasPrefix(lower, "https://portal.example.com/backstage/") && !strings.HasPrefix(lower, "https://portal.example.com:443/backstage/") {
			t.Errorf("%q is answered for", page)
		}
		if kind == "rich" && (!strings.HasPrefix(frame, `<iframe src="`+framed+`?`) || strings.Count(frame, "<") != 2) {
			t.Errorf("%q: %s", page, frame)
		}
	})
}

// FuzzUpstreamList: what is read of another backend's list can be loaded by a frontend.
func FuzzUpstreamList(f *testing.F) {
	for _, list := range []string{
		"[" + theirs + "]", "[]", "null", "[null]", `[{"packageName":"../x"}]`, `[{"packageName":"a","remoteInfo":{"name":"a","entry":"data:text/javascript,run()"},"exposedModules":["."]}]`,
		`[{"packageName":"a","remoteInfo":{"name":"a","entry":"https://u:p@h/"},"exposedModules":["."]}]`, `[{"packageName":"a","remoteInfo":{"name":"a","entry":"https:/x"},"exposedModules":["."]}]`,
	} {
		f.Add([]byte(list))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		read, err := embedpage.ReadList(list)
		if err != nil {
			return
		}
		for _, r := range read {
			entry, err := url.Parse(r.RemoteInfo.Entry)
			if err != nil || entry.Host == "" || entry.User != nil || entry.Scheme != "https" && entry.Scheme != "http" || len(r.ExposedModules) == 0 || strings.ContainsAny(r.PackageName, `"<>\ `) {
				t.Errorf("%s: %+v", list, r)
			}
		}
		if _, err := json.Marshal(read); err != nil {
			t.Error(err)
		}
	})
}
