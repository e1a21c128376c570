package httpx_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

func harbour(tb testing.TB) *httpx.Server {
	return demo(tb, httpx.Options{Settings: httpx.Settings{
		CSP: []httpx.Directive{{Name: "connect-src", Values: []string{"'self'", "http:", "https:"}}},
		CORS: &httpx.CORS{
			Origins: []string{"http://localhost:3000", "https://*.harbour.test"}, Credentials: true,
			Methods: []string{"GET", "HEAD", "PATCH", "POST", "PUT", "DELETE"},
		},
	}})
}

func TestHeaders_AreTheReferencesOnEveryAnswer(t *testing.T) {
	s := harbour(t)
	want := map[string]string{
		"Content-Security-Policy":           "default-src 'self';base-uri 'self';font-src 'self' https: data:;frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self' 'unsafe-eval';script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests;connect-src 'self' http: https:",
		"Referrer-Policy":                   "no-referrer",
		"Strict-Transport-Security":         "max-age=15552000; includeSubDomains",
		"X-Content-Type-Options":            "nosniff",
		"X-Dns-Prefetch-Control":            "off",
		"X-Download-Options":                "noopen",
		"X-Frame-Options":                   "SAMEORIGIN",
		"X-Permitted-Cross-Domain-Policies": "none",
		"X-Xss-Protection":                  "0",
		"X-Powered-By":                      "", "Cross-Origin-Opener-Policy": "", "Cross-Origin-Embedder-Policy": "",
		"Cross-Origin-Resource-Policy": "", "Origin-Agent-Cluster": "", "X-Request-Id": "",
	}
	for _, target := range []string{"/.backstage/health/v1/liveness", "/api/demo/who", "/api/nope", "/nope", "/api/demo/fail/panic"} {
		res := httpxtest.Do(t, s, http.MethodGet, target, "")
		for name, value := range want {
			if got := res.Header.Get(name); got != value {
				t.Errorf("%s: %s: %q", target, name, got)
			}
		}
	}
}

func TestCSP_FollowsConfiguration(t *testing.T) {
	s := httpxtest.NewWith(t, httpx.Options{Settings: httpx.Settings{
		Referrer: []string{"same-origin", "origin"},
		CSP: []httpx.Directive{
			{Name: "upgrade-insecure-requests"}, {Name: "img-src", Values: []string{"*"}}, {Name: "sandbox", Values: []string{}}, {Name: "nothing"},
		},
	}})
	h := httpxtest.Do(t, s, http.MethodGet, "/", "").Header
	const want = "default-src 'self';base-uri 'self';font-src 'self' https: data:;frame-ancestors 'self';img-src *;object-src 'none';script-src 'self' 'unsafe-eval';script-src-attr 'none';style-src 'self' https: 'unsafe-inline';sandbox"
	if got := h.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %s", got)
	}
	if got := h.Get("Referrer-Policy"); got != "same-origin,origin" {
		t.Errorf("referrer %s", got)
	}
}

func TestCORS_AnswersAsTheReference(t *testing.T) {
	s := harbour(t)
	const preflight, get = http.MethodOptions, http.MethodGet
	for _, tc := range []struct {
		name, method, target, origin, asked string
		status                              int
		allowed                             bool
		vary                                string
	}{
		{"preflight of an allowed origin", preflight, "/api/demo/things", "http://localhost:3000", "authorization,content-type", 204, true, "Origin, Access-Control-Request-Headers"},
		{"preflight of a globbed origin", preflight, "/api/demo/things", "https://ui.harbour.test", "X-Odd, X-Requested-With", 204, true, "Origin, Access-Control-Request-Headers"},
		{"preflight of a deeper name", preflight, "/api/demo/things", "https://a.b.harbour.test", "", 204, true, "Origin, Access-Control-Request-Headers"},
		{"preflight in upper case", preflight, "/api/demo/things", "HTTP://LOCALHOST:3000", "a", 204, true, "Origin, Access-Control-Request-Headers"},
		{"preflight of an unknown path", preflight, "/api/nope", "http://localhost:3000", "a", 204, true, "Origin, Access-Control-Request-Headers"},
		{"preflight of health", preflight, "/.backstage/health/v1/readiness", "http://localhost:3000", "a", 204, true, "Origin, Access-Control-Request-Headers"},
		{"preflight of another origin", preflight, "/api/demo/things", "https://evil.test", "a", 401, false, "Accept-Encoding"},
		{"a longer name", preflight, "/api/demo/things", "https://harbour.test.evil.test", "a", 401, false, "Accept-Encoding"},
		{"a path in the origin", preflight, "/api/demo/things", "https://evil.test/.harbour.test", "a", 401, false, "Accept-Encoding"},
		{"preflight of an allowed origin with a slash", preflight, "/api/demo/things", "http://localhost:3000/", "a", 204, true, "Origin, Access-Control-Request-Headers"},
		{"a hidden name", preflight, "/api/demo/things", "https://.harbour.test", "a", 401, false, "Accept-Encoding"},
		{"null", preflight, "/api/demo/things", "null", "a", 401, false, "Accept-Encoding"},
		{"without an origin", preflight, "/api/demo/things", "", "", 401, false, "Accept-Encoding"},
		{"a GET of an allowed origin", get, "/.backstage/health/v1/readiness", "http://localhost:3000", "", 200, true, "Origin, Accept-Encoding"},
		{"a GET of another origin", get, "/.backstage/health/v1/readiness", "https://evil.test", "", 200, false, "Accept-Encoding"},
		{"an error", get, "/api/demo/things", "http://localhost:3000", "", 401, true, "Origin, Accept-Encoding"},
		{"an unknown path", get, "/api/nope", "https://x.harbour.test", "", 404, true, "Origin"},
	} {
		res := httpxtest.Do(t, s, tc.method, tc.target, "", "Authorization", "", "Origin", tc.origin, "Access-Control-Request-Headers", tc.asked)
		origin, credentials, methods, headers := "", "", "", ""
		if tc.allowed {
			origin, credentials = tc.origin, "true"
			if tc.method == preflight {
				methods, headers = "GET,HEAD,PATCH,POST,PUT,DELETE", tc.asked
			}
		}
		got := fmt.Sprint(res.StatusCode, "|", strings.Join(res.Header["Vary"], "+"), "|", res.Header.Get("Access-Control-Allow-Origin"), "|",
			res.Header.Get("Access-Control-Allow-Credentials"), "|", res.Header.Get("Access-Control-Allow-Methods"), "|", res.Header.Get("Access-Control-Allow-Headers"))
		want := fmt.Sprint(tc.status, "|", tc.vary, "|", origin, "|", credentials, "|", methods, "|", headers)
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, want)
		}
	}
	for _, name := range []string{"Vary", "Access-Control-Allow-Origin"} {
		if got := httpxtest.Do(t, demo(t, httpx.Options{}), http.MethodGet, "/api/nope", "", "Origin", "http://localhost:3000").Header.Get(name); got != "" {
			t.Errorf("without configuration: %s %s", name, got)
		}
	}
}

func TestCORS_PreflightsTellTheirEmptyLengthAndKeepTheConnection(t *testing.T) {
	address := serve(t, harbour(t))
	const one = "OPTIONS /api/demo/things HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost:3000\r\n\r\n"
	answer := strings.ToLower(send(t, address, one+one))
	if strings.Count(answer, "http/1.1 204") != 2 || strings.Count(answer, "\r\ncontent-length: 0\r\n") != 2 {
		t.Errorf("%s", answer)
	}
}

func TestCORS_WithoutOriginsIsForEverybody(t *testing.T) {
	s := demo(t, httpx.Options{Settings: httpx.Settings{CORS: &httpx.CORS{
		AllowedHeaders: []string{"a", "b"}, ExposedHeaders: []string{"c"}, MaxAge: "7", OptionsSuccessStatus: 200,
	}}})
	res := httpxtest.Do(t, s, http.MethodOptions, "/api/demo/things", "", "Authorization", "", "Origin", "https://x.test")
	h := res.Header
	if res.StatusCode != 200 || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Headers") != "a,b" ||
		h.Get("Access-Control-Expose-Headers") != "c" || h.Get("Access-Control-Max-Age") != "7" || h.Get("Access-Control-Allow-Credentials") != "" ||
		h.Get("Access-Control-Allow-Methods") != "GET,HEAD,PUT,PATCH,POST,DELETE" {
		t.Errorf("%d %v", res.StatusCode, h)
	}
}

// bodies answers /<type>/<how>/<size> in various ways.
func bodies(tb testing.TB) *httpx.Server {
	s := httpxtest.New(tb)
	text := func(n int) []byte { return bytes.Repeat([]byte("callboard "), n/10+1)[:n] }
	s.Mount("body", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		switch r.URL.Path {
		case "/small":
			_, _ = w.Write(text(1023))
		case "/large":
			_, _ = w.Write(text(50000))
		case "/drops":
			for range 500 {
				_, _ = w.Write(text(100))
			}
		case "/drip":
			_, _ = w.Write(text(10))
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(text(10))
		case "/image":
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(text(50000))
		case "/fixed":
			w.Header().Set("Cache-Control", "public, no-transform")
			_, _ = w.Write(text(50000))
		case "/range":
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(text(50000))
		case "/length":
			w.Header().Set("Content-Length", "50000")
			_, _ = w.Write(text(50000))
		case "/vary":
			w.Header().Set("Vary", "X-Mine")
			_, _ = w.Write(text(50000))
		case "/status":
			w.WriteHeader(http.StatusCreated)
		}
	}))
	r := s.Feature(httpx.Feature{ID: "made"})
	r.GET("/both", httpx.AnyPrincipal, func(c *gin.Context) error {
		return httpx.Bytes(c, http.StatusOK, "text/plain; charset=utf-8", text(50000), []byte("made before"))
	})
	return s
}

func TestEncoding_FollowsSizeTypeAndWhatTheCallerTakes(t *testing.T) {
	s := bodies(t)
	for _, tc := range []struct {
		target, accept, coding, vary string
		size                         int
	}{
		{"/api/body/small", "gzip", "", "Accept-Encoding", 1023},
		{"/api/body/large", "gzip", "gzip", "Accept-Encoding", 50000},
		{"/api/body/large", "", "", "Accept-Encoding", 50000},
		{"/api/body/large", "br;q=1, gzip;q=0.8, *;q=0.1", "br", "Accept-Encoding", 50000},
		{"/api/body/large", "gzip, deflate, br", "br", "Accept-Encoding", 50000},
		{"/api/body/large", "br;q=0.1, gzip", "gzip", "Accept-Encoding", 50000},
		{"/api/body/large", "x-gzip", "", "Accept-Encoding", 50000},
		{"/api/body/large", "deflate", "deflate", "Accept-Encoding", 50000},
		{"/api/body/large", "gzip;q=0, deflate;q=0.5", "deflate", "Accept-Encoding", 50000},
		{"/api/body/large", "zstd", "", "Accept-Encoding", 50000},
		{"/api/body/large", "identity, gzip;q=0.5", "", "Accept-Encoding", 50000},
		{"/api/body/large", "*", "br", "Accept-Encoding", 50000},
		{"/api/body/drops", "gzip", "gzip", "Accept-Encoding", 50000},
		{"/api/body/drip", "gzip", "gzip", "Accept-Encoding", 20},
		{"/api/body/length", "gzip", "gzip", "Accept-Encoding", 50000},
		{"/api/body/image", "gzip", "", "", 50000},
		{"/api/body/fixed", "gzip", "", "", 50000},
		{"/api/body/range", "gzip", "", "Accept-Encoding", 50000},
		{"/api/body/vary", "gzip", "gzip", "X-Mine, Accept-Encoding", 50000},
		{"/api/body/status", "gzip", "", "Accept-Encoding", 0},
		{"/api/made/both", "gzip", "gzip", "Accept-Encoding", -1},
		{"/api/made/both", "gzip, deflate, br", "gzip", "Accept-Encoding", -1},
		{"/api/made/both", "", "", "Accept-Encoding", 50000},
		{"/api/made/both", "deflate", "deflate", "Accept-Encoding", 50000},
	} {
		res := httpxtest.Do(t, s, http.MethodGet, tc.target, "", "Accept-Encoding", tc.accept)
		body := httpxtest.Body(t, res)
		if res.Header.Get("Content-Encoding") != tc.coding || res.Header.Get("Vary") != tc.vary {
			t.Errorf("%s %q: %v", tc.target, tc.accept, res.Header)
		}
		if tc.size < 0 {
			if body != "made before" {
				t.Errorf("%s: not the prepared bytes", tc.target)
			}
			continue
		}
		if got := decoded(t, tc.coding, body); len(got) != tc.size || !strings.HasPrefix(got, "callboard "[:min(tc.size, 10)]) {
			t.Errorf("%s %q: %d bytes", tc.target, tc.accept, len(got))
		}
	}
	if res := httpxtest.Do(t, s, http.MethodGet, "/api/body/status", "", "Accept-Encoding", "gzip"); res.StatusCode != http.StatusCreated {
		t.Errorf("status %d", res.StatusCode)
	}
	if res := httpxtest.Do(t, s, http.MethodHead, "/api/body/large", "", "Accept-Encoding", "gzip"); res.Header.Get("Content-Encoding") != "" {
		t.Errorf("HEAD: %v", res.Header)
	}
}

func decoded(tb testing.TB, coding, body string) string {
	tb.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func TestEncoding_SendsFlushedPartsAtOnce(t *testing.T) {
	s := httpxtest.New(t)
	next := make(chan struct{})
	s.Mount("slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "[1\n")
		_ = http.NewResponseController(w).Flush()
		<-next
		_, _ = io.WriteString(w, "]")
	}))
	server := httptest.NewServer(s)
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/api/slow") // the client asks for gzip by itself
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	in := bufio.NewReader(res.Body)
	if line, err := in.ReadString('\n'); err != nil || line != "[1\n" || !res.Uncompressed {
		t.Errorf("%q %v, compressed: %v", line, err, res.Uncompressed)
	}
	close(next)
	if rest, err := io.ReadAll(in); err != nil || string(rest) != "]" {
		t.Errorf("%q %v", rest, err)
	}
}
