package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testConfig = `
app: {baseUrl: 'http://portal.test'}
backend:
  baseUrl: http://portal.test
  auth:
    externalAccess:
      - type: static
        options: {token: static-token-one, subject: ci}
      - type: static
        options: {token: static-token-catalog, subject: catalog-reader}
        accessRestrictions: [{plugin: catalog}, {plugin: search, permissionAttribute: {action: read}}]
      - type: legacy
        options: {secret: c2hhcmVkLXNlY3JldC1zaGFyZWQtc2VjcmV0LXNoYXJlZA==, subject: old-friend}
    keys:
      - secret: b2xkZXItc2VjcmV0LW9sZGVyLXNlY3JldC1vbGRlcg==
auth:
  providers:
    guest: {dangerouslyAllowOutsideDevelopment: true, userEntityRef: 'user:default/guest'}
  clientIdMetadataDocuments: {enabled: true}
`

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_795_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// users is a catalog of one user.
type users map[entity.Canonical]entity.Entity

func (u users) User(_ context.Context, ref entity.Canonical) (entity.Entity, bool, error) {
	e, ok := u[ref]
	return e, ok, nil
}

func (u users) UsersWith(_ context.Context, field, value string) ([]entity.Entity, error) {
	var found []entity.Entity
	for _, e := range u {
		object, _ := e["metadata"].(map[string]any)
		key := strings.TrimPrefix(field, "metadata.annotations.")
		if field == "spec.profile.email" {
			spec, _ := e["spec"].(map[string]any)
			object, key = map[string]any{"annotations": spec["profile"]}, "email"
		}
		values, _ := object["annotations"].(map[string]any)
		if text, ok := values[key].(string); ok && strings.EqualFold(text, value) {
			found = append(found, e)
		}
	}
	return found, nil
}

func guestInCatalog() users {
	member := func(ref string) any { return map[string]any{"type": "memberOf", "targetRef": ref} }
	return users{"user:default/guest": entity.Entity{
		"kind": "User", "metadata": map[string]any{"name": "Guest"},
		"relations": []any{member("group:default/guests"), member("user:default/odd"), map[string]any{"type": "ownerOf", "targetRef": "group:default/no"}},
	}}
}

// host is a service behind a real edge, with a feature "catalog" of one route and one "docs" that takes cookies.
type host struct {
	*Service
	edge  http.Handler
	clock *clock
	log   *bytes.Buffer
}

type hostOption func(*Options)

func newHost(t testing.TB, db *store.DB, yaml string, options ...hostOption) *host {
	t.Helper()
	h := &host{clock: newClock(), log: &bytes.Buffer{}}
	cfg := config.FromYAML(yaml)
	o := Options{Config: cfg, DB: db, Users: guestInCatalog(), Now: h.clock.now,
		Logger: slog.New(slog.NewJSONHandler(&lockedWriter{w: h.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range options {
		f(&o)
	}
	var err error
	if h.Service, err = New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Err(); err != nil {
		t.Fatal(err)
	}
	server := httpxtest.NewWith(t, httpx.Options{Auth: h.Service, Logger: o.Logger, EveryFeature: h.PluginRoutes, Detached: h.DropPlugin})
	h.Routes(server.Feature(Feature()))
	who := func(r *httpx.Router) { r.GET("/who/am/i", httpx.AnyPrincipal, sayWho) }
	who(server.Feature(httpx.Feature{ID: "catalog"}))
	who(server.Feature(httpx.Feature{ID: "search"}))
	docs := server.Feature(httpx.Feature{ID: "docs", Policies: []httpx.Policy{{Path: "/who", Allow: httpx.AllowUserCookie}}})
	who(docs)
	docs.POST("/who/writes", httpx.AnyPrincipal, sayWho)
	widgets := server.Feature(httpx.Feature{ID: "widgets", Policies: []httpx.Policy{{Path: "/who", Allow: httpx.AllowEmbed}}})
	who(widgets)
	widgets.GET("/closed", httpx.AnyPrincipal, sayWho)
	h.edge = server
	return h
}

type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// answer is what came back, read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return v
}

// message is error.message, or the body when it is none.
func (a answer) message() string {
	var v struct {
		Error struct{ Message string }
	}
	if json.Unmarshal([]byte(a.body), &v) != nil || v.Error.Message == "" {
		return a.body
	}
	return v.Error.Message
}

// send makes a request; headers are name, value pairs.
func (h *host) send(t testing.TB, method, target, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.edge.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func (h *host) bearer(t testing.TB, method, target, token string) answer {
	t.Helper()
	return h.send(t, method, target, "", "Authorization", "Bearer "+token)
}

func (h *host) guestToken(t testing.TB) string {
	t.Helper()
	session, err := h.signInGuest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return session.Identity.Token
}

func expect(t testing.TB, a answer, status int, message string) {
	t.Helper()
	if a.status != status || a.message() != message {
		t.Errorf("got %d %q, want %d %q", a.status, a.message(), status, message)
	}
}
