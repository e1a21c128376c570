package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	browserfiles "github.com/callboard/callboard/frontend-bridge"
)

// portal is the configuration of a host whose widgets a shop's pages show.
var portal = strings.NewReplacer(
	"app: {title: Test, baseUrl: 'http://127.0.0.1:PORT'}", "app: {title: Test, baseUrl: 'http://localhost:3000'}",
	"backend:\n", "backend:\n  cors: {origin: 'https://cors.example.org', credentials: true}\n",
	"callboard: {", "callboard: {embed: {apps: {shop: {origins: ['https://shop.example.org'], widgets: ['*'], users: true}}}, ",
).Replace(basicConfig)

// wants says what a program must answer that has the browser files, or has none.
func wants(t testing.TB, file string) int {
	t.Helper()
	if _, err := browserfiles.Files().Open(file); err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func (h *host) answer(t testing.TB, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	r := h.request(t, http.MethodGet, path, "", "")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, body, err := do(r)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func TestPagesOfOtherPortalsLoadTheirScriptWithoutCredentials(t *testing.T) {
	h := launch(t, t.TempDir(), portal)
	res, body := h.answer(t, "/embed/v1/embed.js", "Origin", "https://shop.example.org")
	if want := wants(t, "widgets/embed.js"); res.StatusCode != want {
		t.Errorf("the script: %d, want %d: %.200s", res.StatusCode, want, body)
	}
	if res.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("what every page may read is answered with leave to send credentials")
	}
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin", "X-Content-Type-Options": "nosniff"} {
		if got := res.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAFrameIsForThePagesOfItsApp(t *testing.T) {
	h := launch(t, t.TempDir(), portal)
	for app, want := range map[string]struct {
		status    int
		ancestors string
	}{"shop": {wants(t, "widgets/frame.js"), "frame-ancestors https://shop.example.org"}, "thief": {http.StatusNotFound, "frame-ancestors 'none'"}} {
		res, body := h.answer(t, "/embed/v1/frame/api-docs/reference?entityRef=api:default/a&app="+app)
		policies := res.Header.Values("Content-Security-Policy")
		if res.StatusCode != want.status || len(policies) != 1 || !strings.Contains(policies[0], want.ancestors) {
			t.Errorf("app %s: %d %v %.300s", app, res.StatusCode, policies, body)
		}
		if res.Header.Get("X-Frame-Options") != "" || res.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("app %s: %v", app, res.Header)
		}
	}
}

func TestAFrontendOfAnotherOriginReadsTheListOfRemotes(t *testing.T) {
	h := launch(t, t.TempDir(), portal)
	res, body := h.answer(t, "/.backstage/dynamic-features/remotes", "Origin", "http://localhost:3000")
	if offered := wants(t, "remote/mf-manifest.json") == http.StatusOK; res.StatusCode != http.StatusOK || strings.Contains(body, "@callboard/backstage-plugin") != offered {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "http://localhost:3000" {
		t.Errorf("for the frontend of the configuration: Access-Control-Allow-Origin %q", got)
	}
	res, _ = h.answer(t, "/.backstage/dynamic-features/remotes", "Origin", "https://cors.example.org")
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "https://cors.example.org" {
		t.Errorf("for an origin of backend.cors: Access-Control-Allow-Origin %q", got)
	}
	_, entry, found := strings.Cut(body, `"entry":"`)
	if !found {
		return
	}
	entry, _, _ = strings.Cut(entry, `"`)
	if res, _ := h.answer(t, strings.TrimPrefix(entry, h.base)); res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%s: %d %v", entry, res.StatusCode, res.Header)
	}
}

func TestAPageWithAWidgetIsDescribedToWhoCannotSignIn(t *testing.T) {
	h := launch(t, t.TempDir(), portal)
	page := h.base + "/embed/v1/frame/api-docs/reference?app=shop&entityRef=api:default/ghost"
	res, body := h.answer(t, "/api/widgets/v1/oembed?url="+url.QueryEscape(page))
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `"title":"API reference"`) || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %s %v", res.StatusCode, body, res.Header)
	}
	if res, body := h.answer(t, "/api/widgets/v1/oembed?format=xml&url="+url.QueryEscape(page)); res.StatusCode != http.StatusNotImplemented {
		t.Errorf("XML: %d %s", res.StatusCode, body)
	}
}
