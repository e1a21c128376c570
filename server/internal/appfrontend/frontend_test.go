package appfrontend

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const stockTemplate = `<!DOCTYPE html>
<html lang="en"><head>
<link rel="icon" href="<%= publicPath %>/favicon.ico" />
<title><%= config.getOptionalString('app.title') ?? 'Backstage' %></title>
<% if (config.has('app.googleAnalyticsTrackingId')) { %>
<script>gtag('config', '<%= config.getString("app.googleAnalyticsTrackingId") %>');</script>
<% } %>
<script defer src="<%= publicPath %>/static/main.1234.js"></script></head>
<body><div id="root"></div></body></html>
`

const stockSchema = `{"backstageConfigSchemaVersion": 1, "schemas": [{"packageName": "app", "value": {"type": "object", "properties": {
	"app": {"type": "object", "properties": {"title": {"type": "string", "visibility": "frontend"}, "baseUrl": {"type": "string", "visibility": "frontend"},
		"googleAnalyticsTrackingId": {"type": "string", "visibility": "frontend"}, "old": {"type": "string", "visibility": "frontend", "deprecated": "use new"}}},
	"backend": {"type": "object", "properties": {"baseUrl": {"type": "string", "visibility": "frontend"}}},
	"custom": {"type": "object", "deepVisibility": "frontend"}
}}}]}`

const stockConfig = `
app: {title: Portal, baseUrl: "http://localhost:7007"}
backend: {baseUrl: "http://localhost:7007", database: {connection: canary-db}, auth: {keys: [{secret: canary-key}]}}
integrations: {github: [{host: github.com, token: canary-token}]}
unknown: {anything: canary-unknown}
`

var mainScript = "console.log('main');" + strings.Repeat("// padding that compresses well\n", 200)

func stockFiles() map[string]string {
	return map[string]string{
		"index.html.tmpl": stockTemplate, "index.html": "<html><head></head><body>built</body></html>",
		".config-schema.json": stockSchema, "favicon.ico": "icon", "manifest.json": `{"name":"x"}`, "about.html": "<p>about</p>",
		"static/main.1234.js": mainScript, "static/small.css": "a{}", "static/pic.png": "png", "static/sub/deep.js": "1",
		"static/.hidden.js": "canary-hidden", ".env": "canary-env",
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, files map[string]string, configuration string) (*Frontend, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	f, err := New(Options{Dir: folder(t, files), Config: config.FromYAML(configuration), Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, log
}

func get(f http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

var configScript = regexp.MustCompile(`(?s)<script type="backstage\.io/config">(.*?)</script>\s*</head>`)

// injected is what a frontend reads from the page.
func injected(t *testing.T, html string) any {
	t.Helper()
	m := configScript.FindStringSubmatch(html)
	if m == nil {
		t.Fatalf("no configuration in\n%s", html)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(m[1]), &list); err != nil || len(list) != 1 || list[0]["context"] != "app" {
		t.Fatalf("%v in %s", err, m[1])
	}
	return list[0]["data"]
}

func TestIndex_IsTheTemplateWithTheVisibleConfiguration(t *testing.T) {
	f, _ := open(t, stockFiles(), stockConfig)
	w := get(f, "/catalog/default/component/x")
	html := w.Body.String()
	want := map[string]any{"app": map[string]any{"title": "Portal", "baseUrl": "http://localhost:7007"}, "backend": map[string]any{"baseUrl": "http://localhost:7007"}}
	if diff := cmp.Diff(any(want), injected(t, html)); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{`href="/favicon.ico"`, `<title>Portal</title>`, `src="/static/main.1234.js"`} {
		if !strings.Contains(html, part) {
			t.Errorf("%s is missing in\n%s", part, html)
		}
	}
	if strings.Contains(html, "gtag") {
		t.Error("the analytics block is rendered without its key")
	}
	headers := map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store, max-age=0", "X-Frame-Options": "DENY"}
	for name, value := range headers {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

func TestIndex_NeverHoldsWhatTheFrontendMayNotSee(t *testing.T) {
	with := stockFiles()
	without := stockFiles()
	delete(without, ".config-schema.json")
	chunk := stockFiles()
	delete(chunk, "index.html.tmpl")
	chunk["static/main.1234.js"] = `let c="__APP_INJECTED_RUNTIME_CONFIG__";`
	broken := stockFiles()
	broken["index.html.tmpl"] = "<%= whatever.code() %>"
	for name, files := range map[string]map[string]string{"schema": with, "no schema": without, "chunk": chunk, "broken template": broken} {
		f, _ := open(t, files, stockConfig)
		for _, path := range []string{"/", "/index.html", "/x", "/.config-schema.json", "/.env", "/static/.hidden.js", "/static/main.1234.js", "/index.html.tmpl", "/%2eenv", "/static/..%2f.env", "/static/%2e%2e/.env"} {
			if body := get(f, path).Body.String(); strings.Contains(body, "canary") {
				t.Errorf("%s: %s shows a secret: %s", name, path, body)
			}
		}
	}
}

func TestIndex_KeepsHostileValuesInsideTheirPlace(t *testing.T) {
	hostile := `</script><!--<script>alert(1)</script>"'&\` + "\u2028"
	quoted, _ := json.Marshal(hostile)
	f, _ := open(t, stockFiles(), fmt.Sprintf(`{"app": {"title": %s, "baseUrl": "http://h/\"><script>x", "googleAnalyticsTrackingId": %s}, "custom": {%s: %s}}`, quoted, quoted, quoted, quoted))
	html := get(f, "/").Body.String()
	data := injected(t, html).(map[string]any)
	if got := data["app"].(map[string]any)["title"]; got != hostile {
		t.Errorf("the value changed: %q", got)
	}
	if got := data["custom"].(map[string]any)[hostile]; got != hostile {
		t.Errorf("the key changed: %v", data["custom"])
	}
	if n := strings.Count(html, "</script"); n != 3 {
		t.Errorf("%d script elements end, want 3:\n%s", n, html)
	}
	for _, bad := range []string{"<!--", "<script>alert", `"><script>x`, `'</script`} {
		if strings.Contains(html, bad) {
			t.Errorf("%q got through:\n%s", bad, html)
		}
	}
}

func TestIndex_RendersTheAnalyticsBlockWithItsKey(t *testing.T) {
	f, _ := open(t, stockFiles(), "app: {baseUrl: 'http://x', googleAnalyticsTrackingId: UA-1}\nbackend: {baseUrl: 'http://x'}")
	if html := get(f, "/").Body.String(); !strings.Contains(html, "gtag('config', 'UA-1');") || !strings.Contains(html, "<title>Backstage</title>") {
		t.Error(html)
	}
}

func TestIndex_ListsDeprecatedKeys(t *testing.T) {
	f, _ := open(t, stockFiles(), "app: {old: x}")
	html := strings.Join(strings.Fields(get(f, "/").Body.String()), "")
	if !strings.Contains(html, `"deprecatedKeys":[{"key":"app.old","description":"usenew"}]`) {
		t.Error(html)
	}
}

func TestIndex_FallsBackToTheBuiltPageWhenTheTemplateIsTooClever(t *testing.T) {
	files := stockFiles()
	files["index.html.tmpl"] = "<html><head></head>\n<% for (const x of [1]) { %><% } %>"
	files["index.html"] = `<html><head><script type="backstage.io/config">[{"context":"build","data":{"app":{"title":"Old"}}}]</script></head><body>built</body></html>`
	f, log := open(t, files, stockConfig)
	html := get(f, "/").Body.String()
	if strings.Contains(html, "Old") || !strings.Contains(html, "built") {
		t.Error(html)
	}
	injected(t, html)
	if !strings.Contains(log.String(), "index.html.tmpl:2") {
		t.Errorf("the log does not name the line: %s", log)
	}
}

func TestReload_RendersAgainAndKeepsTheOldPageOnFailure(t *testing.T) {
	f, log := open(t, stockFiles(), stockConfig)
	f.Reload(config.FromYAML("app: {title: New, baseUrl: 'http://localhost:7007'}\nbackend: {baseUrl: 'http://localhost:7007'}"))
	if html := get(f, "/").Body.String(); !strings.Contains(html, "<title>New</title>") {
		t.Error(html)
	}
	if err := f.root.Remove("index.html"); err != nil {
		t.Fatal(err)
	}
	f.Reload(config.FromYAML("app: {disableConfigInjection: true}"))
	if html := get(f, "/").Body.String(); !strings.Contains(html, "<title>New</title>") {
		t.Error(html)
	}
	if !strings.Contains(log.String(), "the old one stays") {
		t.Error(log)
	}
}

func TestInjection_CanBeSwitchedOff(t *testing.T) {
	f, _ := open(t, stockFiles(), stockConfig+"\n"+"x: 1")
	f.Reload(config.FromYAML("app: {title: T, disableConfigInjection: yes}"))
	if html := get(f, "/").Body.String(); html != stockFiles()["index.html"] {
		t.Error(html)
	}
}

func TestChunk_CarriesTheConfigurationInBuildsWithoutATemplate(t *testing.T) {
	for name, script := range map[string]string{
		"placeholder": `a();const c="__APP_INJECTED_RUNTIME_CONFIG__";b();`,
		"injected":    `a();const c=/*__APP_INJECTED_CONFIG_MARKER__*/"[{\"old\":1}]"/*__INJECTED_END__*/;b();`,
	} {
		files := stockFiles()
		delete(files, "index.html.tmpl")
		files["static/zz.js"] = script
		f, _ := open(t, files, stockConfig)
		if html := get(f, "/").Body.String(); html != files["index.html"] {
			t.Errorf("%s: the page changed: %s", name, html)
		}
		w := get(f, "/static/zz.js")
		m := regexp.MustCompile(`^a\(\);const c=/\*__APP_INJECTED_CONFIG_MARKER__\*/(".*")/\*__INJECTED_END__\*/;b\(\);$`).FindStringSubmatch(w.Body.String())
		if m == nil {
			t.Fatalf("%s: %s", name, w.Body)
		}
		var text string
		if err := json.Unmarshal([]byte(m[1]), &text); err != nil {
			t.Fatal(err)
		}
		var list []struct{ Data map[string]any }
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 || list[0].Data["backend"] == nil || strings.Contains(text, "canary") {
			t.Errorf("%s: %v in %s", name, err, text)
		}
		if w.Header().Get("Cache-Control") != "no-cache" || w.Header().Get("Content-Type") != "application/javascript; charset=UTF-8" {
			t.Errorf("%s: %v", name, w.Header())
		}
		if onDisk, _ := f.root.ReadFile("static/zz.js"); string(onDisk) != script {
			t.Errorf("%s: the file was written", name)
		}
	}
}

func TestFiles_HaveTheReferencesHeaders(t *testing.T) {
	f, _ := open(t, stockFiles(), stockConfig)
	for _, tc := range []struct {
		path, contentType, cacheControl, body string
		status                                int
	}{
		{"/static/main.1234.js", "application/javascript; charset=UTF-8", "public, max-age=1209600", mainScript, 200},
		{"/static/small.css", "text/css; charset=UTF-8", "public, max-age=1209600", "a{}", 200},
		{"/static/pic.png", "image/png", "public, max-age=1209600", "png", 200},
		{"/static/sub/deep.js", "application/javascript; charset=UTF-8", "public, max-age=1209600", "1", 200},
		{"/favicon.ico", "image/x-icon", "public, max-age=0", "icon", 200},
		{"/manifest.json", "application/json; charset=UTF-8", "public, max-age=0", `{"name":"x"}`, 200},
		{"/about.html", "text/html; charset=UTF-8", "no-store, max-age=0", "<p>about</p>", 200},
		{"/static/missing.js", "", "", "", 404},
		{"/static", "", "", "", 404},
		{"/static/", "", "", "", 404},
		{"/static/sub", "", "", "", 404},
		{"/static/.hidden.js", "", "", "", 404},
		{"/static/../../etc/passwd", "", "", "", 404},
	} {
		w := get(f, tc.path)
		if tc.path == "/static/../../etc/passwd" {
			w = raw(f, tc.path)
			if w.Code != 200 || !strings.Contains(w.Body.String(), "<title>Portal") {
				t.Errorf("%s: %d %s", tc.path, w.Code, w.Body)
			}
			continue
		}
		if w.Code != tc.status || w.Body.String() != tc.body || w.Header().Get("Content-Type") != tc.contentType || w.Header().Get("Cache-Control") != tc.cacheControl {
			t.Errorf("%s: %d %v %.60q", tc.path, w.Code, w.Header(), w.Body)
		}
		if w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s may be framed", tc.path)
		}
	}
}

// raw sends a path that no client library lets through.
func raw(f http.Handler, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Path = path
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestFiles_NeverComeFromOutsideTheFolder(t *testing.T) {
	files := stockFiles()
	f, _ := open(t, files, stockConfig)
	outside := filepath.Join(filepath.Dir(f.root.Name()), "outside.txt")
	if err := os.WriteFile(outside, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"static/link.txt": outside, "static/up.txt": "../../outside.txt", "link.txt": outside, "static/dir": filepath.Dir(outside), "static/self": "self"} {
		if err := os.Symlink(target, filepath.Join(f.root.Name(), name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/static/link.txt", "/static/up.txt", "/link.txt", "/static/dir/outside.txt", "/static/self", "/../outside.txt", "/static/../../outside.txt",
		"/static/..\\..\\outside.txt", "//outside.txt", "/static//../../outside.txt", "/static/\x00", "/static/" + strings.Repeat("a/", 3000), "/static/%2e%2e/%2e%2e/outside.txt",
		outside, "/" + outside, "/static/" + outside} {
		w := raw(f, path)
		if strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%q leaves the folder", path)
		}
		if location := w.Header().Get("Location"); location != "" {
			t.Errorf("%q is redirected to %q", path, location)
		}
	}
}

func FuzzPath(f *testing.F) {
	dir := f.TempDir()
	for name, text := range stockFiles() {
		path := filepath.Join(dir, "dist", name)
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		_ = os.WriteFile(path, []byte(text), 0o600)
	}
	_ = os.WriteFile(filepath.Join(dir, "outside.txt"), []byte("canary"), 0o600)
	frontend, err := New(Options{Dir: filepath.Join(dir, "dist"), Config: config.FromYAML(stockConfig), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"/", "/static/main.1234.js", "/../outside.txt", "/static/..%2f..%2foutside.txt", "//", "/./.env", "/static/\\..\\.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		w := raw(frontend, path)
		if w.Code != 200 && w.Code != 404 || strings.Contains(w.Body.String(), "canary") || w.Header().Get("Location") != "" {
			t.Fatalf("%q: %d %s", path, w.Code, w.Body)
		}
	})
}

func TestFiles_AreCompressedOnceAndSentToThoseWhoTakeIt(t *testing.T) {
	f, _ := open(t, stockFiles(), stockConfig)
	f.Warm(context.Background())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w := get(f, "/static/main.1234.js", "Accept-Encoding", "br, gzip;q=0.8")
			reader, err := gzip.NewReader(w.Body)
			if err != nil || w.Header().Get("Content-Encoding") != "gzip" {
				t.Errorf("%v %v", err, w.Header())
				return
			}
			if body, err := io.ReadAll(reader); err != nil || string(body) != mainScript {
				t.Errorf("%v: %.40q", err, body)
			}
		})
	}
	wg.Wait()
	if n := f.files.cache.EstimatedSize(); n != 1 {
		t.Errorf("%d files are cached, want 1", n)
	}
	for _, refused := range []string{"", "br", "gzip;q=0", "gzip; q=0.000", "identity"} {
		w := get(f, "/static/main.1234.js", "Accept-Encoding", refused)
		if w.Header().Get("Content-Encoding") != "" || w.Body.String() != mainScript || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %v", refused, w.Header())
		}
	}
	if w := get(f, "/static/small.css", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("a tiny file is compressed")
	}
}

func TestFiles_AnswerConditionsRangesAndHead(t *testing.T) {
	f, _ := open(t, stockFiles(), stockConfig)
	for _, path := range []string{"/static/main.1234.js", "/"} {
		for _, coding := range []string{"gzip", ""} {
			first := get(f, path, "Accept-Encoding", coding)
			etag := first.Header().Get("ETag")
			again := get(f, path, "Accept-Encoding", coding, "If-None-Match", `"x", `+etag)
			if etag == "" || again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("%s %q: %d, ETag %q", path, coding, again.Code, etag)
			}
			r := httptest.NewRequest(http.MethodHead, path, nil)
			r.Header.Set("Accept-Encoding", coding)
			head := httptest.NewRecorder()
			f.ServeHTTP(head, r)
			if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != first.Header().Get("Content-Length") || head.Header().Get("Content-Length") == "" {
				t.Errorf("HEAD %s %q: %d %v, GET had %v", path, coding, head.Code, head.Header(), first.Header())
			}
		}
	}
	w := get(f, "/static/main.1234.js", "Range", "bytes=0-10", "Accept-Encoding", "gzip")
	if w.Code != http.StatusPartialContent || w.Body.String() != mainScript[:11] {
		t.Errorf("range: %d %q", w.Code, w.Body)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != 404 || w.Body.Len() != 0 {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestFiles_ARebuiltFileIsNoticed(t *testing.T) {
	f, _ := open(t, stockFiles(), stockConfig)
	get(f, "/static/main.1234.js", "Accept-Encoding", "gzip")
	changed := strings.Repeat("new ", 2000)
	if err := f.root.WriteFile("static/main.1234.js", []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(get(f, "/static/main.1234.js", "Accept-Encoding", "gzip").Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(reader); err != nil || string(body) != changed {
		t.Errorf("%v: %.40q", err, body)
	}
}

func TestBasePath_MayStayOnOrBeTakenOffByAProxy(t *testing.T) {
	f, _ := open(t, stockFiles(), "app: {baseUrl: 'https://example.com/portal/'}\nbackend: {baseUrl: 'https://example.com/portal'}")
	html := get(f, "/portal/catalog").Body.String()
	if !strings.Contains(html, `src="/portal/static/main.1234.js"`) {
		t.Error(html)
	}
	for path, status := range map[string]int{"/portal/static/main.1234.js": 200, "/static/main.1234.js": 200, "/portal/static/no.js": 404, "/portalstatic/no.js": 200, "/portal": 200} {
		if w := get(f, path); w.Code != status {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestNew_SaysWhatIsWrongWithTheFolder(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"there is no folder static":   {"index.html": "x"},
		"there is no usable page":     {"static/x.js": ""},
		"read config schema":          {"static/x.js": "", "index.html": "x", ".config-schema.json": "{"},
		"version 7 is not known":      {"static/x.js": "", "index.html": "x", ".config-schema.json": `{"backstageConfigSchemaVersion": 7}`},
		"index.html: no such file or": {"static/x.js": "", "index.html.tmpl": "<% while %>"},
	} {
		_, err := New(Options{Dir: folder(t, files), Config: config.FromYAML("{}"), Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, err := New(Options{Dir: filepath.Join(t.TempDir(), "nope"), Config: config.FromYAML("{}"), Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), ConfigKey) {
		t.Errorf("got %v", err)
	}
}
