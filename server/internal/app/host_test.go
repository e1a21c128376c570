package app_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// serviceToken is the static token of the configurations below.
const serviceToken = "test-token-1234"

// host is a running App that a test can look into.
type host struct {
	running
	app    *app.App
	log    *httpxtest.Buffer
	cancel context.CancelFunc
	result error
	ended  chan struct{}
}

// launch starts a host on the configuration and waits until it is ready.
func launch(t testing.TB, dir, text string) *host {
	t.Helper()
	h := begin(t, dir, text)
	h.awaitReady(t)
	return h
}

// begin starts a host and does not wait. It logs everything, in the way of production.
func begin(t testing.TB, dir, text string) *host {
	t.Helper()
	cfg, options, port := load(t, dir, text)
	return beginConfig(t, cfg, options, port)
}

func beginConfig(t testing.TB, cfg *config.Config, options config.Options, port int) *host {
	t.Helper()
	h := &host{log: &httpxtest.Buffer{}, ended: make(chan struct{}), running: running{base: baseOf(port)}}
	logger := app.NewLogger(config.FromValue(map[string]any{"level": "debug", "format": "json"}).Root(), h.log, false)
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	var err error
	h.app, err = app.New(ctx, app.Options{Config: cfg, Source: options, Logger: logger, Version: "test"})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	go func() { h.result = h.app.Run(ctx); close(h.ended) }()
	t.Cleanup(func() { h.end(t) })
	return h
}

// end stops the host and waits for it; it may be called several times.
func (h *host) end(t testing.TB) {
	t.Helper()
	h.cancel()
	<-h.ended
	if h.result != nil {
		t.Errorf("the host ended with %v", h.result)
		h.result = nil
	}
}

func (h *host) awaitReady(t testing.TB) {
	t.Helper()
	eventually(t, "the host is ready", func() bool {
		select {
		case <-h.ended:
			t.Fatalf("the host ended: %v", h.result)
		default:
		}
		status, _ := h.fetch(t, http.MethodGet, "/.backstage/health/v1/readiness", "", "")
		return status == http.StatusOK
	})
}

// eventually waits for something that other goroutines bring about. The limit is only there to end a test that fails.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("after 30 s it is still not so that %s", what)
}

func (h *host) server() *httpx.Server { return h.app.Handler().(*httpx.Server) }

// request makes a request to the host; a body is JSON.
func (h *host) request(t testing.TB, method, path, token, body string) *http.Request {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, h.base+path, content)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req
}

// fetch sends a request; status 0 = no answer, with the reason as body.
func (h *host) fetch(t testing.TB, method, path, token, body string) (int, string) {
	t.Helper()
	res, text, err := do(h.request(t, method, path, token, body))
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, text
}

func do(req *http.Request) (*http.Response, string, error) {
	res, err := direct.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

// direct shows redirects instead of following them, and keeps no connections.
var direct = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// guestToken signs in as guest.
func (h *host) guestToken(t testing.TB) string {
	t.Helper()
	status, body := h.fetch(t, http.MethodGet, "/api/auth/guest/refresh", "", "")
	var session struct{ BackstageIdentity struct{ Token string } }
	if err := json.Unmarshal([]byte(body), &session); err != nil || session.BackstageIdentity.Token == "" {
		t.Fatalf("sign in as guest: %d %s", status, body)
	}
	return session.BackstageIdentity.Token
}

// errorName is the name in an error envelope, "" for any other body.
func errorName(body string) string {
	var envelope struct{ Error struct{ Name string } }
	_ = json.Unmarshal([]byte(body), &envelope)
	return envelope.Error.Name
}

func baseOf(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tryToStart makes a host and throws it away.
func tryToStart(t testing.TB, text string) error {
	t.Helper()
	cfg, options, _ := load(t, t.TempDir(), text)
	a, err := app.New(t.Context(), app.Options{Config: cfg, Source: options, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	return a.Run(ended)
}
