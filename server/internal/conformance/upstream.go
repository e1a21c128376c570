package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Upstream is the server that the fixture configuration reads catalog files from and proxies requests to.
type Upstream struct {
	mux *http.ServeMux

	mu      sync.Mutex
	dynamic map[string]served // files that a step put there
}

type served struct {
	Path    string
	Status  int
	Type    string
	Content *string
}

// NewUpstream serves the fixture folder under /files/, steps' own files under /dyn/, and an echo under /echo.
func NewUpstream(fixtures string) *Upstream {
	u := &Upstream{mux: http.NewServeMux(), dynamic: map[string]served{}}
	u.mux.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir(fixtures))))
	u.mux.HandleFunc("/dyn/", u.serveDynamic)
	u.mux.HandleFunc("/echo", echo)
	u.mux.HandleFunc("/echo/", echo)
	return u
}

func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.mux.ServeHTTP(w, r) }

// Put serves a file under /dyn/, or takes it away when its content is nil.
func (u *Upstream) put(s served) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s.Content == nil {
		delete(u.dynamic, s.Path)
		return
	}
	u.dynamic[s.Path] = s
}

func (u *Upstream) serveDynamic(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	s, ok := u.dynamic[r.URL.Path]
	u.mu.Unlock()
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	contentType := s.Type
	if contentType == "" {
		contentType = "text/yaml"
	}
	w.Header().Set("Content-Type", contentType)
	if s.Status != 0 {
		w.WriteHeader(s.Status)
	}
	_, _ = io.WriteString(w, *s.Content)
}

// echo answers with what arrived, and with response headers of which a proxy passes some and drops others.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		switch name = strings.ToLower(name); name {
		case "connection", "transfer-encoding", "content-length", "keep-alive":
		default:
			headers[name] = strings.Join(values, ", ")
		}
	}
	h := w.Header()
	for name, value := range map[string]string{"Content-Type": "application/json", "Cache-Control": "max-age=7", "Content-Language": "fr",
		"X-Upstream": "yes", "X-Passed": "through", "Set-Cookie": "a=b; Path=/", "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT",
		"Pragma": "no-cache", "Etag": `"up-1"`, "Expires": "0"} {
		h.Set(name, value)
	}
	if r.URL.Query().Has("loc") {
		h.Set("Location", "/elsewhere")
	}
	status := http.StatusOK
	if s := r.URL.Query().Get("status"); s != "" {
		_ = json.Unmarshal([]byte(s), &status)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "url": r.RequestURI, "headers": headers, "body": string(body)})
}
