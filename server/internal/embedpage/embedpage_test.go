package embedpage_test

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/embedpage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	backend = "https://portal.example.com/backstage"
	app     = "https://portal.example.com"
	other   = "https://shop.example.org"
)

// large is worth compressing.
var large = strings.Repeat("export const answer = 42;\n", 200)

const manifest = `{"id":"callboard","name":"callboard","exposes":[{"id":"callboard:.","name":".","path":"."},{"name":"legacy","path":"./legacy"}]}`

// built is a tree as the build of the browser files leaves it.
func built() fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"README.md":                               "not for browsers",
		"widgets/embed.js":                        "const folder = '__CALLBOARD_ASSETS__';\n" + large,
		"widgets/frame.js":                        "import './core-x.js';",
		"widgets/core-x.js":                       large,
		"widgets/theme.css":                       ":root{}",
		"widgets/sub/words.json":                  `{"a":1}`,
		"widgets/.hidden":                         "not for browsers",
		"widgets/.git/config":                     "not for browsers",
		"remote/mf-manifest.json":                 manifest,
		"remote/remoteEntry.js":                   large,
		"remote/static/js/async/12.1a2b3c4d.js":   large,
		"remote/static/js/chart-renderer.js":      "1",
		"viewers/swagger-ui/swagger-ui.css":       ".a{}",
		"viewers/redoc/redoc.standalone.js":       large,
		"viewers/swagger-ui/oauth2-redirect.html": "<script>run()</script>",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o444}
	}
	return files
}

// portals are the embedding apps of the tests.
type portals struct{}

func (portals) Find(id string) (string, []string, bool) {
	switch id {
	case "shop":
		return "Shop", []string{other, "http://localhost:3000"}, true
	case "nowhere":
		return "No page", nil, true
	case "hostile":
		return "Hostile", []string{"https://a.example; script-src *", "*", "https://*", "javascript:alert(1)", "https://b.example/path", "https://c.example"}, true
	}
	return "", nil, false
}

func titleOf(id string) (string, bool) {
	title, ok := map[string]string{"cost/summary": `Cost <&"'> summary`, "api-docs/reference": "API reference"}[id]
	return title, ok
}

func address(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func options(t testing.TB, files fs.FS) embedpage.Options {
	return embedpage.Options{Files: files, Apps: portals{}, Title: titleOf, Log: slog.New(slog.DiscardHandler),
		Settings: embedpage.Settings{Backend: address(t, backend), Portal: address(t, app)}}
}

func pages(t testing.TB, o embedpage.Options) *embedpage.Pages {
	t.Helper()
	p, err := embedpage.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// ask makes a request with headers, given as name and value in turn.
func ask(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
