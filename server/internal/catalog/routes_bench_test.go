package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/catalog/index"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// largeIndex has n components of about 1.5 KB.
func largeIndex(b *testing.B, n int) *index.Index {
	b.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	changes := make([]index.Change, n)
	for i := range changes {
		uid := fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), i)
		name := fmt.Sprintf("svc-%06d", i)
		data, err := json.Marshal(entity.Entity{
			"apiVersion": "backstage.io/v1alpha1", "kind": []string{"Component", "API"}[r.IntN(2)],
			"metadata": map[string]any{
				"name": name, "namespace": "default", "uid": uid, "description": strings.Repeat("Words about "+name+". ", 40),
				"tags": []string{fmt.Sprintf("tag-%02d", r.IntN(30))},
			},
			"spec": map[string]any{"type": []string{"service", "website", "library"}[r.IntN(3)], "lifecycle": "production", "owner": fmt.Sprintf("team-%02d", r.IntN(50))},
		})
		if err != nil {
			b.Fatal(err)
		}
		changes[i] = index.Change{Seq: int64(i), UID: uid, Doc: &index.Doc{UID: uid, Ref: entity.Canonical("component:default/" + name), JSON: data}}
	}
	ix := index.New()
	if err := ix.Apply(changes); err != nil {
		b.Fatal(err)
	}
	return ix
}

// nowhere takes an answer and forgets it.
type nowhere struct {
	header http.Header
	status int
	size   int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(status int)      { w.status = status }
func (w *nowhere) Write(p []byte) (int, error) { w.size += len(p); return len(p), nil }

// The routes through the whole edge, beside gin's hello on the same processor: compare the rows of one run.
func BenchmarkRoutes(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	hello := gin.New()
	hello.GET("/hello", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	s := httpxtest.NewWith(b, httpx.Options{Logger: slog.New(slog.DiscardHandler)})
	ix := largeIndex(b, 10_000)
	Routes(s.Feature(Feature()), RoutesDeps{Index: ix, Writer: unwritten{}, Authorizer: allowAll})
	refs := make([]string, 50)
	for i := range refs {
		refs[i] = fmt.Sprintf(`"component:default/svc-%06d"`, i*100)
	}
	for _, c := range []struct {
		name    string
		handler http.Handler
		method  string
		path    string
		body    string
	}{
		{"hello", hello, "GET", "/hello", ""},
		{"by-name", s, "GET", "/api/catalog/entities/by-name/component/default/svc-005000", ""},
		{"by-refs of 50", s, "POST", "/api/catalog/entities/by-refs", `{"entityRefs":[` + strings.Join(refs, ",") + `]}`},
		{"by-query of 20", s, "GET", "/api/catalog/entities/by-query?limit=20&orderField=metadata.name,asc&filter=kind%3Dcomponent,spec.type%3Dservice", ""},
		{"by-query of 20 with fields", s, "GET", "/api/catalog/entities/by-query?limit=20&orderField=metadata.name,asc&filter=kind%3Dcomponent&fields=kind,metadata.name,metadata.namespace,spec.type", ""},
		{"facets", s, "GET", "/api/catalog/entity-facets?facet=kind&facet=spec.type&facet=metadata.tags", ""},
		{"facets with a filter", s, "GET", "/api/catalog/entity-facets?facet=spec.owner&filter=kind%3Dcomponent", ""},
		{"all entities", s, "GET", "/api/catalog/entities", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), c.method, c.path, nil)
			r.Header.Set("Authorization", httpxtest.Guest)
			w := &nowhere{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				if c.body != "" {
					r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(c.body))), int64(len(c.body))
					r.Header.Set("Content-Type", "application/json")
				}
				clear(w.header)
				w.status = http.StatusOK
				c.handler.ServeHTTP(w, r)
			}
			if w.status != http.StatusOK || w.size == 0 {
				b.Fatalf("status %d, %d bytes", w.status, w.size)
			}
			b.ReportMetric(float64(w.size)/float64(b.N), "answer-B")
		})
	}
}
