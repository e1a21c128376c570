package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// directory is a catalog of users.
type directory []entity.Entity

func (d directory) User(_ context.Context, ref entity.Canonical) (entity.Entity, bool, error) {
	for _, e := range d {
		if e.Ref().Canonical() == ref {
			return e, true, nil
		}
	}
	return nil, false, nil
}

// UsersWith folds case as the catalog does, beyond plain letters.
func (d directory) UsersWith(_ context.Context, field, value string) ([]entity.Entity, error) {
	path := strings.Split(field, ".")
	if name, ok := strings.CutPrefix(field, "metadata.annotations."); ok {
		path = annotation(name)
	}
	var found []entity.Entity
	for _, e := range d {
		if text := textAt(e, path); text != "" && strings.EqualFold(text, value) {
			found = append(found, e)
		}
	}
	return found, nil
}

// user is an entity; more are annotations, name and value in turn.
func user(name, email string, more ...string) entity.Entity {
	annotations := map[string]any{}
	for i := 0; i+1 < len(more); i += 2 {
		annotations[more[i]] = more[i+1]
	}
	return entity.Entity{
		"kind": "User", "metadata": map[string]any{"name": name, "annotations": annotations},
		"spec":      map[string]any{"profile": map[string]any{"email": email}},
		"relations": []any{map[string]any{"type": "memberOf", "targetRef": "group:default/crew"}},
	}
}

var crew = directory{user("ann", "ann@example.com"), user("ben", "ben@example.com")}

// world is an engine behind a server, and a browser with cookies.
type world struct {
	*Engine
	t       *testing.T
	URL     string // of the host
	browser *http.Client
	landed  []string
	mu      sync.Mutex
	log     bytes.Buffer
	clock   time.Time
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

func loggerTo(w *world) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

const app = "http://app.test"

func newWorld(t *testing.T, auth string, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, clock: time.Now()}
	cfg := config.FromYAML("auth:\n" + auth)
	server := httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
	w.URL = "http://" + server.Listener.Addr().String()
	o := Options{
		Config: cfg.Section("auth"), App: app + "/", Base: w.URL + "/api/auth", Catalog: crew, Now: func() time.Time { return w.clock },
		Logger: loggerTo(w),
		SignIn: func(_ context.Context, c Claims) (*Identity, error) {
			return &Identity{Token: "token-of-" + c.Subject, Identity: UserIdentity{"user", c.Subject, c.Ownership}, ExpiresIn: 3600}, nil
		},
		Landed: func(_ http.ResponseWriter, _ *http.Request, _ string, to *url.URL, token string) {
			w.landed = append(w.landed, to.Path+" "+token)
		},
	}
	for _, f := range change {
		f(&o)
	}
	w.Engine = New(o)
	if err := cfg.Err(); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	w.browser = &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return w
}

// serve is a small edge: it renders errors.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	id, route, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/auth/"), "/")
	var session *Session
	var err error
	switch route {
	case "start":
		err = w.Start(rw, r, id)
	case "handler/frame":
		err = w.Frame(rw, r, id)
	case "refresh":
		if id == proxyID {
			session, err = w.Proxied(rw, r)
		} else {
			session, err = w.Refresh(rw, r, id)
		}
	case "logout":
		err = w.Logout(rw, r, id)
	}
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		rw.WriteHeader(e.HTTPStatus())
		_ = json.NewEncoder(rw).Encode(map[string]string{"name": string(e.Name), "message": e.Message})
	} else if session != nil {
		_ = json.NewEncoder(rw).Encode(session)
	}
}

// seen is an answer as the browser has it.
type seen struct {
	status int
	header http.Header
	body   string
}

func (s seen) message() string {
	var e struct{ Message string }
	_ = json.Unmarshal([]byte(s.body), &e)
	return e.Message
}

func (w *world) open(method, address string, header ...string) seen {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := w.browser.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return seen{res.StatusCode, res.Header, string(body)}
}

// start opens /start and returns where the browser is sent.
func (w *world) start(id, query string) string {
	w.t.Helper()
	a := w.open(http.MethodGet, w.URL+"/api/auth/"+id+"/start?"+query)
	if a.status != http.StatusFound || a.header.Get("Content-Length") != "0" {
		w.t.Fatalf("start: %d %s", a.status, a.body)
	}
	return a.header.Get("Location")
}

// renew is what a frontend does when it is loaded.
func (w *world) renew(id string) seen {
	w.t.Helper()
	return w.open(http.MethodGet, w.URL+"/api/auth/"+id+"/refresh?env=development&optional", "X-Requested-With", "XMLHttpRequest")
}

// told is what the page in the popup posts, and to which origin.
type told struct {
	origin   string
	Response *Session
	Error    *failure
}

var posted = regexp.MustCompile(`decodeURIComponent\('([^']*)'\)`)

func (w *world) told(a seen) told {
	w.t.Helper()
	parts := posted.FindAllStringSubmatch(a.body, -1)
	if a.status != http.StatusOK || len(parts) != 2 {
		w.t.Fatalf("%d %s is no page of a popup", a.status, a.body)
	}
	plain := func(s string) string {
		text, err := url.PathUnescape(s)
		if err != nil {
			w.t.Fatal(err)
		}
		return text
	}
	said := told{origin: plain(parts[0][1])}
	if err := json.Unmarshal([]byte(plain(parts[1][1])), &said); err != nil {
		w.t.Fatal(err)
	}
	return said
}

// cookies are those that the browser sends to a path of a provider.
func (w *world) cookies(path string) map[string]string {
	u, _ := url.Parse(w.URL + path)
	all := map[string]string{}
	for _, c := range w.browser.Jar.Cookies(u) {
		all[c.Name] = c.Value
	}
	return all
}
