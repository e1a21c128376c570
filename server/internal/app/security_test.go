package app_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// outside is in files that nobody may read by the host: beside the served folders, behind links that lead out of them,
// in hidden files, and in documentation of an entity that the catalog does not have.
const outside = "text-that-must-not-leave"

// exposed starts two hosts over the same folders, one with the console and one with a built frontend at "/".
func exposed(t testing.TB) (withConsole, withFrontend *host) {
	t.Helper()
	dir := write(t, map[string]string{
		"catalog/a.yaml":                                  named("a"),
		"docs/default/component/a/index.html":             "<p>the first page</p>",
		"docs/default/component/a/sub/index.html":         "<p>the second page</p>",
		"docs/default/component/a/.hidden":                outside,
		"docs/default/component/a/sub/.git/config":        outside,
		"docs/default/component/ghost/index.html":         outside,
		"docs/default/component/a/techdocs_metadata.json": `{}`,
		"secret.txt":               outside,
		"docs-of-others/page.html": outside,
		"dist/index.html":          "<!doctype html><html><head></head><body>app</body></html>",
		"dist/static/main.js":      "1",
		"dist/.config-schema.json": `{"schemas":[],"backstageConfigSchemaVersion":1,"description":"` + outside + `"}`,
		"dist-of-others/page.html": outside,
	})
	for link, target := range map[string]string{
		"docs/default/component/a/out":      "../../../../secret.txt",
		"docs/default/component/a/out.html": filepath.Join(dir, "secret.txt"),
		"docs/default/component/a/folder":   "../../../../docs-of-others",
		"docs/default/component/a/chain":    "out",
		"docs/default/component/others":     "../../../docs-of-others",
		"dist/static/out.png":               "../../secret.txt",
		"dist/out.js":                       filepath.Join(dir, "secret.txt"),
		"dist/folder":                       "../dist-of-others",
		"docs/default/component/a/loop":     "loop",
		"docs/default/component/a/of-ghost": "../ghost",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	text := basicConfig + "techdocs: {builder: external, publisher: {type: local, local: {publishDirectory: '" + filepath.Join(dir, "docs") + "'}}}\n"
	withConsole = launch(t, dir, text)
	withFrontend = launch(t, dir, strings.Replace(text, "callboard: {", "callboard: {frontend: {dist: '"+filepath.Join(dir, "dist")+"'}, ", 1))
	return withConsole, withFrontend
}

// raw gives a request line to the host as it came over the wire. false = net/http refuses it before any handler.
func (h *host) raw(method, target, token string) (*httptest.ResponseRecorder, bool) {
	wire := method + " " + target + " HTTP/1.1\r\nHost: portal.example.com\r\nAuthorization: Bearer " + token + "\r\n\r\n"
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	if err != nil {
		return nil, false
	}
	req.RemoteAddr = "192.0.2.1:1234"
	answer := httptest.NewRecorder()
	h.app.Handler().ServeHTTP(answer, req)
	return answer, true
}

// checkAnswer holds for whatever anybody asks.
func checkAnswer(t *testing.T, target string, answer *httptest.ResponseRecorder) {
	t.Helper()
	if answer.Code >= 500 && answer.Code != http.StatusServiceUnavailable {
		t.Errorf("%q: %d %s", target, answer.Code, answer.Body)
	}
	if strings.Contains(answer.Body.String(), outside) {
		t.Errorf("%q answers a file from outside", target)
	}
	location := answer.Header().Get("Location")
	if location == "" {
		return
	}
	decoded, err := url.PathUnescape(location)
	if err != nil {
		t.Errorf("%q redirects to %q: %v", target, location, err)
	}
	for _, l := range []string{location, decoded} {
		if l == "" || l[0] != '/' || len(l) > 1 && (l[1] == '/' || l[1] == '\\') || strings.ContainsAny(location, "\r\n\t\\") {
			t.Errorf("%q redirects to %q, which leads to another site", target, location)
		}
	}
}

// spellings are ways of writing ".." and "/" that some layer may undo.
var spellings = []string{
	"..", "../", "..%2f", "..%2F", "%2e%2e/", "%2e%2e%2f", "%252e%252e/", "%252e%252e%252f", "..%252f", "..%5c", "..\\", "%5c..%5c",
	"....//", "..;/", ";/../", "..%00/", "..%c0%af", "%c0%ae%c0%ae/", "%uff0e%uff0e/", "．．/", "./../", "/.//../", "..%3b/", "%2e./", ".%2e/",
}

// FuzzDocsPath: whatever the path looks like, only files of the named entity's own site are answered, and only when the
// caller may read that entity.
func FuzzDocsPath(f *testing.F) {
	for _, dots := range spellings {
		f.Add("default/component/a/" + strings.Repeat(dots, 3) + "component/ghost/index.html")
		f.Add("default/component/a/" + dots + "ghost/index.html")
		f.Add("default/component/a/" + strings.Repeat(dots, 5) + "secret.txt")
		f.Add("default/component/a" + dots + "/ghost/")
		f.Add(strings.Repeat(dots, 4) + "secret.txt")
		f.Add("default/component/" + dots + "component/ghost/index.html")
	}
	for _, path := range []string{
		"default/component/a/out", "default/component/a/out.html", "default/component/a/folder/page.html", "default/component/a/chain",
		"default/component/others/page.html", "default/component/a/loop", "default/component/a/.hidden", "default/component/a/of-ghost/index.html",
		"default/component/a/sub/.git/config", "Default/COMPONENT/A/index.html", "default/component/ghost/index.html", "default/Component/Ghost/",
		"default/component/a/sub", "default/component/a//sub", "default/component/a/sub//", "//evil.example/component/a/sub", "/evil.example/%2e%2e/",
		"default/component/a%2f..%2fghost/index.html", "default%2fcomponent%2fghost/index.html", "default/component/a/index.html?x=/../ghost",
		"default/component/ghost%00/index.html", "default/component/a/" + strings.Repeat("a", 5000), "default/component/ghost/./index.html",
		"default/component/a/./index.html", "DEFAULT/component/%2e%2e/a/sub", "default/component/GHOST/../a/index.html", "\\evil.example", "%5cevil.example/A/B",
	} {
		f.Add(path)
	}
	h, _ := exposed(f)
	guest := h.guestToken(f)
	page, ok := h.raw(http.MethodGet, "/api/techdocs/static/docs/default/component/a/index.html", guest)
	if !ok || page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "the first page") {
		f.Fatalf("the page itself: %+v", page)
	}
	f.Fuzz(func(t *testing.T, path string) {
		for _, prefix := range []string{"/api/techdocs/static/docs/", "/API/TechDocs/STATIC/Docs/", "/api/techdocs/metadata/techdocs/", "/api/techdocs/sync/"} {
			answer, ok := h.raw(http.MethodGet, prefix+path, guest)
			if !ok {
				continue
			}
			checkAnswer(t, prefix+path, answer)
			if nobody, _ := h.raw(http.MethodGet, prefix+path, "not-a-token"); nobody.Code != http.StatusUnauthorized {
				t.Errorf("%q without credentials: %d", prefix+path, nobody.Code)
			}
			if l := answer.Header().Get("Location"); l != "" && !strings.HasPrefix(strings.ToLower(l), "/api/techdocs/static/docs/") {
				t.Errorf("%q redirects to %q, out of the documentation", prefix+path, l)
			}
		}
	})
}

// FuzzStaticRedirect: no path outside /api answers a file that is not served, and none is redirected to another site.
func FuzzStaticRedirect(f *testing.F) {
	for _, dots := range spellings {
		for _, base := range []string{"/", "/static/", "/console/", "/api/", "/api/techdocs/static/", "//evil.example/", "/\\evil.example/"} {
			f.Add(base + dots + "secret.txt")
			f.Add(base + strings.Repeat(dots, 2) + "secret.txt")
			f.Add(base + "x/" + strings.Repeat(dots, 3) + "evil.example")
		}
	}
	for _, path := range []string{
		"/", "//", "///", "/\\", "//evil.example", "//evil.example/..", "//evil.example/%2e%2e", "/%2fevil.example", "/%2f%2fevil.example", "/%5cevil.example",
		"/%5c%5cevil.example/", "/.//evil.example", "/static", "/static//evil.example", "/static/out.png", "/out.js", "/folder/page.html", "/.config-schema.json",
		"/%2econfig-schema.json", "/static/%2e%2e/.config-schema.json", "/console", "/console/", "/console/session/end", "/index.html", "/index.html/", "/catalog/..//evil.example",
		"http://evil.example/", "http://evil.example//x", "/api//evil.example", "/api", "/api/", "/.backstage/health/v1/../../../x", "/static/main.js/", "/console.json",
		"/static/..%5c..%5csecret.txt", "/secret.txt", "/dist/../secret.txt", "/static/\x00", "/a\tb", "*",
	} {
		f.Add(path)
	}
	withConsole, withFrontend := exposed(f)
	f.Fuzz(func(t *testing.T, path string) {
		for _, h := range []*host{withConsole, withFrontend} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, "PROPFIND"} {
				if answer, ok := h.raw(method, path, serviceToken); ok {
					checkAnswer(t, method+" "+path, answer)
				}
			}
		}
	})
}

// FuzzEveryRoute fills the parameters of every route with foreign text: nothing panics, and nothing answers 500.
func FuzzEveryRoute(f *testing.F) {
	for _, dots := range spellings {
		f.Add(dots, "a=b", "")
	}
	f.Add("%00", "filter=kind", `{"a":`)
	f.Add("'", "filter=kind%3D%27&order=asc:x;drop", `{"entityRefs":["'"]}`)
	f.Add("a", "limit=-1&offset=99999999999999999999&cursor=e30=", `{"items":[{"id":"x","permission":{}}]}`)
	f.Add("component", "fields=,,&fullTextFilterTerm=%ff&orderField=metadata.name,asc", `{"entity":{"kind":{}},"location":"x"}`)
	f.Add("%F0%9F%A6%84", "facet=&facet=kind&filter=%3D&query=%7B", `{"query":{"$all":[]},"fields":[1]}`)
	f.Add("default", "term=&types%5B0%5D=software-catalog&filters%5Bkind%5D=x&pageCursor=MA==", `[]`)
	f.Add("\u2028", "a%5B__proto__%5D=1&__proto__[x]=y", `{"__proto__":{"a":1},"recipients":{"type":"entity","entityRef":"u"},"payload":{"title":"t"}}`)
	h, _ := exposed(f)
	guest := h.guestToken(f)
	routes := h.server().Routes()
	f.Fuzz(func(t *testing.T, value, query, body string) {
		for _, r := range routes {
			if strings.HasPrefix(r.Path, "/.backstage/auth") || r.Path == "/openapi.json" || unknownProvider(r) {
				continue // the same in every feature, and without parameters
			}
			target := strings.ReplaceAll(example(r), "example", value) + "?" + query
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(r.Method + " " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")))
			if err != nil {
				continue
			}
			req = req.WithContext(t.Context())
			if body != "" {
				withBody := httptest.NewRequest(r.Method, "/", strings.NewReader(body))
				req.Body, req.ContentLength = withBody.Body, withBody.ContentLength
				req.Header.Set("Content-Type", "application/json")
			}
			req.Header.Set("Authorization", "Bearer "+guest)
			answer := httptest.NewRecorder()
			h.app.Handler().ServeHTTP(answer, req)
			// The reference answers 500 to some bad bodies too; what nobody thought of has an id in the log.
			if answer.Code == http.StatusInternalServerError && strings.Contains(answer.Body.String(), "logId=") {
				t.Errorf("%s %q with body %q: %s\n%s", r.Method, target, body, answer.Body, h.lastError())
			}
			if strings.Contains(answer.Body.String(), outside) {
				t.Errorf("%s %q answers a file from outside", r.Method, target)
			}
		}
	})
}

// lastError is the last line at level error in the host's log.
func (h *host) lastError() string {
	lines := strings.Split(h.log.String(), "\n")
	for _, line := range slices.Backward(lines) {
		if strings.Contains(line, `"level":"ERROR"`) {
			return line
		}
	}
	return ""
}
