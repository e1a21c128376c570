package app_test

import (
	"net/http"
	"strings"
	"testing"
)

const builtFrontend = "<html><head></head><body>the portal</body></html>"

func TestTheConsoleIsBesideABuiltFrontend(t *testing.T) {
	dir := write(t, map[string]string{"dist/index.html": builtFrontend, "dist/static/main.js": "1"})
	text := strings.Replace(basicConfig, "callboard: {", "callboard: {frontend: {dist: '"+dir+"/dist'}, ", 1)
	h := launch(t, dir, text)
	for path, want := range map[string]string{
		"/": "the portal", "/catalog": "the portal", "/consoles": "the portal", "/console%2fconsole.css": "the portal", "/Console/console.css": "the portal",
		"/console/console.css": "color-scheme", "/console.json": `"version"`,
	} {
		if status, body := h.fetch(t, http.MethodGet, path, "", ""); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s, want %q in it", path, status, body, want)
		}
	}
}

func TestADisabledConsoleLeavesItsPathsToTheFrontend(t *testing.T) {
	dir := write(t, map[string]string{"dist/index.html": builtFrontend, "dist/static/main.js": "1"})
	text := strings.Replace(basicConfig, "callboard: {", "callboard: {console: {enabled: false}, ", 1)
	withFrontend := launch(t, dir, strings.Replace(text, "callboard: {", "callboard: {frontend: {dist: '"+dir+"/dist'}, ", 1))
	alone := launch(t, dir, text)
	for _, path := range []string{"/console", "/console/console.css", "/console.json"} {
		if status, body := withFrontend.fetch(t, http.MethodGet, path, "", ""); status != http.StatusOK || body == "" || !strings.Contains(body, "the portal") {
			t.Errorf("%s beside a frontend: %d %.200s", path, status, body)
		}
		if status, body := alone.fetch(t, http.MethodGet, path, "", ""); status != http.StatusNotFound || body != "" {
			t.Errorf("%s without a frontend: %d %.200s", path, status, body)
		}
	}
}
