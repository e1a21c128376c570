package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestTheConsoleIsOnTheOperationsListenerWhileAFrontendIsServed(t *testing.T) {
	dir := write(t, map[string]string{"catalog/a.yaml": named("a"), "dist/index.html": "<html><head></head><body>the portal</body></html>", "dist/static/main.js": "1"})
	operations := freePort(t)
	text := strings.Replace(basicConfig, "callboard: {operations: {listen: false}}",
		fmt.Sprintf("callboard: {operations: {listen: '127.0.0.1:%d'}, frontend: {dist: '%s/dist'}}", operations, dir), 1)
	h := launch(t, dir, text)
	if _, page := h.fetch(t, http.MethodGet, "/", "", ""); !strings.Contains(page, "the portal") {
		t.Errorf("the portal's address answers %.300s", page)
	}
	platform := &host{running: running{base: baseOf(operations)}}
	res, page, err := do(platform.request(t, http.MethodGet, "/console/host", "", ""))
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(page, "Callboard") || strings.Contains(page, "No frontend is served") {
		t.Errorf("the operations listener answers %v %v %.300s", err, res, page)
	}
	if res != nil && res.Header.Get("Content-Security-Policy") == "" {
		t.Error("the console has no content security policy there")
	}
	if status, body := platform.fetch(t, http.MethodGet, "/metrics", "", ""); status != http.StatusOK || !strings.Contains(body, "go_goroutines") {
		t.Errorf("/metrics: %d %.100s", status, body)
	}
}
