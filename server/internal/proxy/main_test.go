package proxy

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a proxy on a real edge, before a target that records.
type rig struct {
	proxy  *Proxy
	base   string // of the edge
	client *http.Client
	target *recorder
}

// recorder is a target that remembers what reached it, and answers with handler.
type recorder struct {
	*httptest.Server
	mu      sync.Mutex
	seen    []*http.Request
	bodies  []string
	handler http.HandlerFunc // nil = 200 "fine"
}

func newRecorder(t testing.TB, handler http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{handler: handler}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	if r.handler != nil {
		r.note(in, "")
		r.handler(w, in)
		return
	}
	body, _ := io.ReadAll(in.Body)
	r.note(in, string(body))
	_, _ = io.WriteString(w, "fine")
}

func (r *recorder) note(in *http.Request, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen, r.bodies = append(r.seen, in), append(r.bodies, body)
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// last is the latest request that arrived, nil = none.
func (r *recorder) last() *http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) == 0 {
		return nil
	}
	return r.seen[len(r.seen)-1]
}

// start serves endpoints, in which TARGET is the recorder's URL.
func start(t testing.TB, endpoints string, handler http.HandlerFunc, change ...func(*Options)) *rig {
	t.Helper()
	target := newRecorder(t, handler)
	o := Options{Config: configOf(t, strings.ReplaceAll(endpoints, "TARGET", target.URL)), Logger: httpxtest.LoggerTo(io.Discard)}
	for _, c := range change {
		c(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	edge := httpxtest.New(t)
	Routes(edge.Feature(p.Feature()), p)
	server := httptest.NewServer(edge)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &rig{p, server.URL, client, target}
}

func configOf(t testing.TB, text string) *config.Config {
	t.Helper()
	c := config.FromYAML(text)
	CheckConfig(c)
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

const guest = httpxtest.Guest

// do sends a request; headers are name, value pairs.
func (r *rig) do(t testing.TB, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, r.base+"/api/proxy"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func (r *rig) get(t testing.TB, path string, headers ...string) (int, string) {
	t.Helper()
	res, body := r.do(t, http.MethodGet, path, "", headers...)
	return res.StatusCode, body
}
