package app_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestProxyEndpoints_FollowTheConfigurationWhileTheHostRuns(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(r.RequestURI + " " + r.Header.Get("X-Key") + r.Header.Get("Authorization")))
	}))
	defer target.Close()
	dir := t.TempDir()
	endpoint := func(path, key string) string {
		return basicConfig + "proxy: {endpoints: {/pager: {target: '" + target.URL + path + "', headers: {X-Key: " + key + "}}}}\n"
	}
	h := launch(t, dir, endpoint("/one", "first"))
	guest := h.guestToken(t)
	if status, body := h.fetch(t, http.MethodGet, "/api/proxy/pager/a?b=c", guest, ""); status != http.StatusOK || body != "/one/a?b=c first" {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := h.fetch(t, http.MethodGet, "/api/proxy/pager/a", "", ""); status != http.StatusUnauthorized || errorName(body) != "AuthenticationError" {
		t.Errorf("without credentials: %d %s", status, body)
	}
	port := h.base[strings.LastIndexByte(h.base, ':')+1:]
	writeFile(t, filepath.Join(dir, "app-config.yaml"), strings.ReplaceAll(endpoint("/two", "second"), "PORT", port))
	eventually(t, "the new endpoint answers", func() bool {
		_, body := h.fetch(t, http.MethodGet, "/api/proxy/pager/a", guest, "")
		return body == "/two/a second"
	})
	if log := h.log.String(); strings.Contains(log, "second") || strings.Contains(log, "first") {
		t.Error("the log tells a configured header")
	}
}

func TestTheHostDoesNotStartWithAProxyEndpointThatIsWrong(t *testing.T) {
	const endpoints = "proxy: {%endpoints: {/a: {target: nonsense}}}\n"
	err := tryToStart(t, basicConfig+strings.Replace(endpoints, "%", "", 1))
	if err == nil || !strings.Contains(err.Error(), "proxy.endpoints./a.target: is not a valid URL") {
		t.Errorf("%v", err)
	}
	if err := tryToStart(t, basicConfig+strings.Replace(endpoints, "%", "skipInvalidProxies: true, ", 1)); err != nil {
		t.Errorf("with skipInvalidProxies: %v", err)
	}
}
