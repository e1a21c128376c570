package httpx_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

func TestAccessLog_HoldsNoPathThatIsACredential(t *testing.T) {
	var log bytes.Buffer
	s := httpxtest.NewWith(t, httpx.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	r := s.Feature(httpx.Feature{ID: "demo", SecretPaths: []string{"/images"}, Policies: []httpx.Policy{{Path: "/images", Allow: httpx.AllowUnauthenticated}}})
	r.GET("/images/:file", httpx.Public, echo())
	r.GET("/imagesx/:file", httpx.AnyPrincipal, echo())
	for _, path := range []string{"/images/canary.svg", "/Images/canary.svg/", "/images/canary/more", "/%69mages/canary.svg", "/images/c%61nary.svg"} {
		httpxtest.Do(t, s, "GET", "/api/demo"+path, "")
		httpxtest.Do(t, s, "POST", "/api/DEMO"+path, "{}")
	}
	httpxtest.Do(t, s, "GET", "/api/demo/imagesx/other", "")
	if text := log.String(); strings.Contains(text, "canary") || strings.Count(text, "[secret]") != 10 || !strings.Contains(text, "/api/demo/imagesx/other") {
		t.Errorf("the log is\n%s", text)
	}
}
