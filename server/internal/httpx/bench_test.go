package httpx_test

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/principal"
)

// The two benchmarks are one comparison: what the edge adds to the least that gin can do. Each drives a real server
// over one kept-alive loopback connection with a client that does nearly nothing.

func BenchmarkGinHello(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/hello", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	benchmarkServer(b, e, "/hello")
}

func BenchmarkEdge_PreSerialisedBody(b *testing.B) {
	benchmarkServer(b, preSerialised(b), "/api/catalog/entities/by-name/component/default/petstore")
}

func BenchmarkEdge_SmallJSON(b *testing.B) {
	benchmarkServer(b, preSerialised(b), "/api/catalog/small")
}

type cachedToken struct{ known *principal.Principal }

func (a cachedToken) Authenticate(*http.Request, string, httpx.Allowance) (*principal.Principal, error) {
	return a.known, nil
}

func preSerialised(tb testing.TB) http.Handler {
	s := httpxtest.NewWith(tb, httpx.Options{
		Auth:     cachedToken{&principal.Principal{Kind: principal.User, Subject: "user:default/guest"}},
		Logger:   slog.New(slog.DiscardHandler),
		Settings: httpx.Settings{CORS: &httpx.CORS{Origins: []string{"http://localhost:3000"}, Credentials: true}},
	})
	entity := []byte(`{"a":"` + strings.Repeat("x", 1500) + `"}`)
	r := s.Feature(httpx.Feature{ID: "catalog", OpenAPI: readFile(tb, "testdata/openapi.yaml")})
	r.GET("/entities/by-name/:kind/:namespace/:name", httpx.AnyPrincipal, func(c *gin.Context) error {
		return httpx.Bytes(c, http.StatusOK, "application/json; charset=utf-8", entity, nil)
	})
	r.GET("/small", httpx.AnyPrincipal, func(c *gin.Context) error {
		return httpx.JSON(c, http.StatusOK, map[string]string{"status": "ok"})
	})
	return s
}

func benchmarkServer(b *testing.B, h http.Handler, path string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(ln) }()
	b.Cleanup(func() { _ = server.Close() })
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	in := bufio.NewReaderSize(conn, 64<<10)
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: localhost:7007\r\nAuthorization: Bearer token\r\n" +
		"Accept: application/json\r\nUser-Agent: bench\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		length := 0
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if len(line) == 2 {
				break
			}
			if v, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
				for _, d := range strings.TrimSpace(v) {
					length = length*10 + int(d-'0')
				}
			}
		}
		if _, err := in.Discard(length); err != nil || length == 0 {
			b.Fatal("no body", err)
		}
	}
}

func BenchmarkEdge_HandlerAlone(b *testing.B) {
	h := preSerialised(b)
	r, _ := http.NewRequest(http.MethodGet, "/api/catalog/entities/by-name/component/default/petstore", nil)
	r.RequestURI = r.URL.Path
	w := &nullWriter{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) WriteHeader(int)             {}
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
