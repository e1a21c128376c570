package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/server/internal/store/storetest"
)

// catalogServer answers catalog files that a test may change.
type catalogServer struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
}

func serveCatalog(t *testing.T) *catalogServer {
	t.Helper()
	s := &catalogServer{files: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		text, ok := s.files[r.URL.Path]
		s.mu.Unlock()
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *catalogServer) put(path, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = text
}

// Two hosts on one schema are one portal: what is done at one is seen at the other.
func TestReplicasOnOneDatabaseAreOnePortal(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PostgreSQL and two hosts")
	}
	database, err := json.Marshal(storetest.PostgreSQLConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	remote := serveCatalog(t)
	text := strings.NewReplacer("{client: better-sqlite3, connection: ':memory:'}", string(database),
		"backend:\n", "backend:\n  reading: {allow: [{host: '"+strings.TrimPrefix(remote.URL, "http://")+"'}]}\n",
		"target: ./catalog/*.yaml", "target: ./catalog/many.yaml").Replace(basicConfig)
	const many = 300
	files := map[string]string{"catalog/many.yaml": ""}
	for i := range many {
		files["catalog/many.yaml"] += "---\n" + named(fmt.Sprintf("part-%03d", i))
	}
	dir := write(t, files)
	first, second := begin(t, dir, text), begin(t, dir, text) // both find the empty schema at once
	first.awaitReady(t)
	second.awaitReady(t)

	t.Run("each entity is there once, the same at both", func(t *testing.T) {
		for _, h := range []*host{first, second} {
			eventually(t, "all entities are visible", func() bool { return len(h.names(t, "kind=component")) == many })
		}
		if a, b := first.uids(t), second.uids(t); a != b {
			t.Errorf("the replicas differ:\n%s\n%s", a, b)
		}
	})
	t.Run("a location registered at one", func(t *testing.T) {
		remote.put("/catalog-info.yaml", named("registered"))
		id := register(t, first, remote.URL+"/catalog-info.yaml")
		for _, h := range []*host{second, first} {
			eventually(t, "the registered component is visible", func() bool { return len(h.names(t, "metadata.name=registered")) == 1 })
		}
		if status, body := second.fetch(t, http.MethodDelete, "/api/catalog/locations/"+id, serviceToken, ""); status != http.StatusNoContent {
			t.Fatalf("delete at the other: %d %s", status, body)
		}
		for _, h := range []*host{first, second} {
			eventually(t, "the component is gone", func() bool { return len(h.names(t, "metadata.name=registered")) == 0 })
		}
	})
	t.Run("tokens and settings of one at the other", func(t *testing.T) {
		guest := first.guestToken(t)
		if status, body := first.fetch(t, http.MethodPut, "/api/user-settings/buckets/a/keys/b", guest, `{"value":"from the first"}`); status != http.StatusOK {
			t.Fatalf("put a setting: %d %s", status, body)
		}
		if status, body := second.fetch(t, http.MethodGet, "/api/user-settings/buckets/a/keys/b", guest, ""); status != http.StatusOK || !strings.Contains(body, "from the first") {
			t.Errorf("the setting at the other: %d %s", status, body)
		}
		back := second.guestToken(t)
		if status, body := first.fetch(t, http.MethodGet, "/api/catalog/entities?limit=1", back, ""); status != http.StatusOK {
			t.Errorf("a token of the second at the first: %d %s", status, body)
		}
		if a, b := first.keys(t), second.keys(t); len(a) == 0 || a != b {
			t.Errorf("the published keys differ:\n%s\n%s", a, b)
		}
	})
	t.Run("one ends, the other goes on", func(t *testing.T) {
		first.end(t)
		remote.put("/late.yaml", named("late"))
		register(t, second, remote.URL+"/late.yaml")
		eventually(t, "the late component is visible", func() bool { return len(second.names(t, "metadata.name=late")) == 1 })
	})
	for name, h := range map[string]*host{"first": first, "second": second} {
		if line := h.lastError(); line != "" {
			t.Errorf("the %s logged an error: %s", name, line)
		}
		for line := range strings.Lines(h.log.String()) {
			if strings.Contains(line, `"level":"WARN"`) {
				t.Errorf("the %s logged a warning: %s", name, line)
			}
		}
	}
}

func register(t *testing.T, h *host, target string) (id string) {
	t.Helper()
	status, body := h.fetch(t, http.MethodPost, "/api/catalog/locations", serviceToken, `{"type":"url","target":"`+target+`"}`)
	var answer struct{ Location struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusCreated {
		t.Fatalf("register %s: %d %s", target, status, body)
	}
	return answer.Location.ID
}

// uids is ref and identity of all entities.
func (h *host) uids(t *testing.T) string {
	t.Helper()
	_, body := h.fetch(t, http.MethodGet, "/api/catalog/entities?fields=kind,metadata.name,metadata.uid,metadata.etag&order=asc:metadata.name", serviceToken, "")
	return body
}

func (h *host) keys(t *testing.T) string {
	t.Helper()
	_, body := h.fetch(t, http.MethodGet, "/api/auth/.well-known/jwks.json", "", "")
	return body
}
