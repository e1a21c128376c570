package httpx_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// serve runs the server's own http.Server on a free port until the test ends.
func serve(tb testing.TB, s *httpx.Server) (address string) {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln, time.Second) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return ln.Addr().String()
}

// send writes raw bytes and reads everything until the server closes or falls silent.
func send(tb testing.TB, address, raw string) string {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		tb.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// statuses lists the statuses of the answers in a raw stream.
func statuses(stream string) (found []string) {
	for line := range strings.SplitSeq(stream, "\n") {
		if rest, ok := strings.CutPrefix(line, "HTTP/1.1 "); ok {
			found = append(found, rest[:3])
		}
	}
	return found
}

func TestHostile_SmuggledRequestsAreRefusedOrSeenAsOne(t *testing.T) {
	address := serve(t, demo(t, httpx.Options{}))
	const head = "Host: x\r\nAuthorization: Bearer user:default/a\r\n"
	// A second answer would be the smuggled request's. A folded header is legal: there the second request is a second
	// request. Length and chunked together end the connection after the first.
	const smuggled = "GET /api/demo/who HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, tc := range []struct{ name, want, raw string }{
		{"length and chunked", "200", "POST /api/demo/things HTTP/1.1\r\n" + head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled},
		{"two lengths", "400", "POST /api/demo/things HTTP/1.1\r\n" + head + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + smuggled},
		{"a list of lengths", "400", "POST /api/demo/things HTTP/1.1\r\n" + head + "Content-Length: 0, 44\r\n\r\n" + smuggled},
		{"a signed length", "400", "POST /api/demo/things HTTP/1.1\r\n" + head + "Content-Length: +0\r\n\r\n" + smuggled},
		{"a negative length", "400", "POST /api/demo/things HTTP/1.1\r\n" + head + "Content-Length: -1\r\n\r\n" + smuggled},
		{"a hexadecimal length", "400", "POST /api/demo/things HTTP/1.1\r\n" + head + "Content-Length: 0x2\r\n\r\n" + smuggled},
		{"a blank before the colon", "400", "POST /api/demo/things HTTP/1.1\r\n" + head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled},
		{"an odd transfer encoding", "501", "POST /api/demo/things HTTP/1.1\r\n" + head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled},
		{"two transfer encodings", "501", "POST /api/demo/things HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled},
		{"chunked and identity", "501", "POST /api/demo/things HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + smuggled},
		{"a vertical tab in the encoding", "400", "POST /api/demo/things HTTP/1.1\r\n" + head + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" + smuggled},
		{"a folded header", "404 401", "GET /api/demo/nope HTTP/1.1\r\n" + head + "X-A: a\r\n Transfer-Encoding: chunked\r\n\r\n" + smuggled},
		{"a header without a name", "400", "GET /api/demo/nope HTTP/1.1\r\n" + head + ": x\r\n\r\n" + smuggled},
		{"a NUL in a header", "400", "GET /api/demo/nope HTTP/1.1\r\n" + head + "X-A: a\x00b\r\n\r\n" + smuggled},
		{"a carriage return in a header", "400", "GET /api/demo/nope HTTP/1.1\r\n" + head + "X-A: a\rb\r\n\r\n" + smuggled},
		{"two hosts", "400", "GET /api/demo/nope HTTP/1.1\r\nHost: x\r\n" + head + "\r\n" + smuggled},
		{"no host", "400", "GET /api/demo/nope HTTP/1.1\r\nX: y\r\n\r\n" + smuggled},
		{"a line break in the target", "400", "GET /api/demo/nope%0d%0a\r\nX: HTTP/1.1\r\n" + head + "\r\n"},
		{"a blank in the target", "400", "GET /api/demo/nope /x HTTP/1.1\r\n" + head + "\r\n"},
		{"a bad escape", "400", "GET /api/demo/things/%zz HTTP/1.1\r\n" + head + "\r\n"},
		{"an unknown version", "505", "GET /api/demo/nope HTTP/9.9\r\n" + head + "\r\n"},
		{"no request at all", "400", "\x16\x03\x01\x02\x00\x01\x00"},
		{"a header block over its limit", "431", "GET /api/demo/nope HTTP/1.1\r\n" + head + "X-A: " + strings.Repeat("a", 80<<10) + "\r\n\r\n"},
		{"an encoded slash before the api", "404", "GET /api%2Fdemo/who HTTP/1.1\r\n" + head + "Connection: close\r\n\r\n"},
	} {
		if got := strings.Join(statuses(send(t, address, tc.raw)), " "); got != tc.want {
			t.Errorf("%s: answered %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestHostile_AbsoluteTargetsDoNotReachTheEnvelopeOrTheRouting(t *testing.T) {
	address := serve(t, demo(t, httpx.Options{}))
	got := send(t, address, "GET http://evil.test/api/demo/nope?a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.Contains(got, `"url":"/nope?a"`) {
		t.Errorf("%s", got)
	}
}

func TestHostile_HeadersThatNeverEndAreCut(t *testing.T) {
	address := serve(t, httpxtest.NewWith(t, httpx.Options{Settings: httpx.Settings{HeadersTimeout: 50 * time.Millisecond}}))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestHostile_BodiesThatTrickleInAreCut(t *testing.T) {
	s := demo(t, httpx.Options{Settings: httpx.Settings{RequestTimeout: 50 * time.Millisecond}})
	conn, err := net.Dial("tcp", serve(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST /api/demo/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user:default/a\r\n"+
		"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	answer, err := io.ReadAll(conn)
	if got := statuses(string(answer)); err != nil || len(got) != 1 || got[0] != "400" {
		t.Errorf("%v %v", got, err)
	}
}

func TestHostile_TextCannotForgeLogLines(t *testing.T) {
	var log strings.Builder
	s := demo(t, httpx.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/demo/x", nil)
	r.URL.Path = "/api/demo/\x1b[31m\r\nlevel=ERROR msg=forged"
	r.Header.Set("User-Agent", "a\r\nlevel=ERROR\x1b]0;title\x07"+strings.Repeat("z", 5000))
	r.Header.Set("X-Request-Id", "id\r\nlevel=ERROR")
	r.URL.RawQuery = "code=secret-code"
	s.ServeHTTP(httptest.NewRecorder(), r)
	text := log.String()
	if strings.Count(text, "\n") != 1 || strings.ContainsAny(text, "\x1b\x07\r") || len(text) > 2000 {
		t.Errorf("log: %q", text)
	}
	if strings.Contains(text, "secret-code") || !strings.Contains(text, `\\x1b[31m`) {
		t.Errorf("log: %q", text)
	}
}

func TestRequestID_ComesFromTheCallerWhenItIsAPlainWord(t *testing.T) {
	s := demo(t, httpx.Options{Settings: httpx.Settings{EchoRequestID: true}})
	for sent, kept := range map[string]bool{"abc-1.2_X": true, "a b": false, "": false, strings.Repeat("a", 65): false, "ä": false} {
		got := httpxtest.Do(t, s, http.MethodGet, "/api/demo/who", "", "X-Request-Id", sent).Header.Get("X-Request-Id")
		if (got == sent) != kept || got == "" {
			t.Errorf("%q: %q", sent, got)
		}
	}
}

func TestHostile_HalfAnswersAreCutOffOnTheWire(t *testing.T) {
	address := serve(t, demo(t, httpx.Options{}))
	res, err := http.Get("http://" + address + "/.backstage/health/v1/liveness")
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	_ = res.Body.Close()
	answer := send(t, address, "GET /api/demo/fail/late HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user:default/a\r\n\r\n")
	if strings.HasSuffix(answer, "0\r\n\r\n") {
		t.Error("the half answer looks complete")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestHostile_AMountedHandlerCannotSeeAnotherFeaturesPath(t *testing.T) {
	s := httpxtest.New(t)
	s.Mount("a", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.URL.Path) }))
	address := serve(t, s)
	for target, want := range map[string]string{
		"/api/a/../b":         "/../b",
		"/api/a/%2e%2e/b":     "/../b",
		"/api/a//b":           "//b",
		"/api/a/..%2f..%2fb":  "/../../b",
		"/api/A/%252e%252e/b": "/%2e%2e/b",
	} {
		answer := send(t, address, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(res.Body); string(body) != want {
			t.Errorf("%s: %s", target, body)
		}
	}
}
