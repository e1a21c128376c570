package tryit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/apidocs/spec"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "Bearer s3cret-<token>-with/odd+signs"

// upstream is an API that keeps what it gets and answers what a test wants.
type upstream struct {
	*httptest.Server

	mu     sync.Mutex
	got    []*http.Request
	bodies []string
	answer func(w http.ResponseWriter, r *http.Request)
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ok":true}`) }}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u.mu.Lock()
		u.got, u.bodies = append(u.got, r.Clone(context.Background())), append(u.bodies, string(body))
		u.mu.Unlock()
		u.answer(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) requests() []*http.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.got)
}

type rig struct {
	t      *testing.T
	up     *upstream
	engine *Engine
	doc    *spec.Document
	entity entity.Entity
	log    *httpxtest.Buffer
	now    time.Time
}

const definition = `{"openapi":"3.1.0","info":{"title":"T","version":"1"},"servers":[{"url":"http://other.test"},{"url":"UP/v1"},{"url":"UP/v1/../admin"},{"url":"/v1"},{"url":"UP/v10"}],
"paths":{"/orders/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],
"get":{"operationId":"get","parameters":[{"name":"q","in":"query","schema":{"type":"string"}},{"name":"X-Trace","in":"header","schema":{"type":"string"}},{"name":"Authorization","in":"header","required":true,"schema":{"type":"string"}},{"name":"X-Other","in":"header","schema":{"type":"string"}}]},
"put":{"operationId":"put","requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object"}},"multipart/form-data":{}}}},
"delete":{"operationId":"delete","parameters":[{"name":"force","in":"query","required":true,"schema":{"type":"boolean"}}]},"patch":{"operationId":"patch"}},
"/../secret":{"get":{"operationId":"up"}},"/a%2f..%2fb":{"get":{"operationId":"sly"}},"/x?y=1":{"get":{"operationId":"ask"}},"/{no":{"get":{"operationId":"open"}},
"/far":{"servers":[{"url":"http://169.254.169.254/latest"}],"get":{"operationId":"far"}}},
"webhooks":{"/hook":{"get":{"operationId":"hook"}}}}`

const settings = `
callboard:
  apiDocs:
    tryIt:
      enabled: true
      servers:
        - url: UP/v1/
          environment: sandbox
          methods: [GET, PUT, delete]
          headers: [X-Trace]
          answerHeaders: [X-Shown]
          credentials:
            - { id: key, title: A key, value: '` + key + `' }
            - { id: team, header: X-Key, value: a-key-of-a-team, groups: [team], users: [ann] }
`

func start(t *testing.T) *rig { return startWith(t, settings, definition) }

func startWith(t *testing.T, yaml, document string) *rig {
	t.Helper()
	r := &rig{t: t, up: newUpstream(t), log: &httpxtest.Buffer{}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		entity: entity.Entity{"kind": "API", "metadata": map[string]any{"name": "shop"}}}
	c := config.FromYAML(strings.ReplaceAll(yaml, "UP", r.up.URL))
	s := ReadSettings(c)
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.doc, err = spec.Read("openapi", strings.ReplaceAll(document, "UP", r.up.URL)); err != nil {
		t.Fatal(err)
	}
	r.engine = r.replica(s, storetest.SQLite(t))
	return r
}

// replica is an engine of a host on that database.
func (r *rig) replica(s Settings, db *store.DB) *Engine {
	r.t.Helper()
	e, err := New(r.t.Context(), Options{Settings: s, DB: db, Authorizer: permission.Fake{}, Logger: httpxtest.LoggerTo(r.log), Now: func() time.Time { return r.now },
		Ownership: func(_ context.Context, p *principal.Principal) ([]string, error) {
			return map[string][]string{"user:default/bob": {"group:default/team"}}[p.Subject], nil
		}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = e.Close() })
	return e
}

var guest = &principal.Principal{Kind: principal.User, Subject: "user:default/guest"}

func (r *rig) try(p *principal.Principal, operation, ask string) (*Answer, *Confirmation, error) {
	r.t.Helper()
	return r.tryAt(r.engine, p, operation, ask)
}

// tryAt asks one of several replicas.
func (r *rig) tryAt(e *Engine, p *principal.Principal, operation, ask string) (*Answer, *Confirmation, error) {
	r.t.Helper()
	op, ok := r.doc.Operation(operation)
	if !ok {
		r.t.Fatalf("no operation %s", operation)
	}
	var a Ask
	if err := json.Unmarshal([]byte(strings.ReplaceAll(ask, "UP", r.up.URL)), &a); err != nil {
		return nil, nil, err
	}
	return e.Try(r.t.Context(), p, r.entity, op, &a)
}

const one = `"params":{"path":{"id":"1"}}`

func TestTry_SendsWhatWasAskedWithACredentialThatTheViewerNeverSees(t *testing.T) {
	r := start(t)
	r.up.answer = func(w http.ResponseWriter, q *http.Request) {
		secret := q.Header.Get("Authorization")
		bare := strings.TrimPrefix(secret, "Bearer ")
		quoted, _ := json.Marshal(secret)
		w.Header().Set("X-Shown", "it was "+secret)
		w.Header().Set("X-Hidden", "x")
		w.Header().Set("Set-Cookie", "session=1")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Location", "/x?token="+bare)
		w.WriteHeader(http.StatusFound)
		fmt.Fprintf(w, "%s %s %s %s", secret, bare, quoted, base64.StdEncoding.EncodeToString([]byte(bare)))
	}
	a, question, err := r.try(guest, "get", `{"credential":"key","params":{"path":{"id":"a b/c"},"query":{"q":["x","y&z"]},"header":{"X-Trace":"t"}}}`)
	if err != nil || question != nil {
		t.Fatal(question, err)
	}
	got := r.up.requests()[0]
	if got.RequestURI != "/v1/orders/a%20b%2Fc?q=x&q=y%26z" || got.Header.Get("Authorization") != key || got.Header.Get("X-Trace") != "t" {
		t.Errorf("sent: %s %v", got.RequestURI, got.Header)
	}
	if a.Status != http.StatusFound || len(r.up.requests()) != 1 {
		t.Errorf("a redirect is answered, not followed: %d, %d requests", a.Status, len(r.up.requests()))
	}
	all, _ := json.Marshal(a)
	for _, secret := range []string{"s3cret", base64.StdEncoding.EncodeToString([]byte("s3cret"))[:6], "session=1", "x-hidden"} {
		if strings.Contains(string(all), secret) || strings.Contains(r.log.String(), secret) {
			t.Errorf("%q is in %s %s", secret, all, r.log)
		}
	}
	if a.Headers["x-shown"] != "it was [removed]" || a.Headers["location"] != "/x?token=[removed]" || a.Encoding != "text" {
		t.Errorf("%s", all)
	}
	for _, part := range []string{"who=user:default/guest", "entity=api:default/shop", "operation=get", "status=302", "credential=key", "method=GET"} {
		if !strings.Contains(r.log.String(), part) {
			t.Errorf("the log lacks %s: %s", part, r.log)
		}
	}
}

func TestTry_RefusesWhatTheOperationOrTheConfigurationDoesNotHave(t *testing.T) {
	r := start(t)
	for _, c := range []struct{ operation, ask, want string }{
		{"get", `{}`, "params.path: \"id\""},
		{"get", `{"server":"http://other.test",` + one + `}`, "server:"},
		{"get", `{"server":"UP/v1/../admin",` + one + `}`, "server:"},
		{"get", `{"server":"UP/v10",` + one + `}`, "server:"},
		{"get", `{"server":"UP",` + one + `}`, "server:"},
		{"patch", `{` + one + `}`, "no server"},
		{"hook", `{}`, "no server"},
		{"far", `{}`, "no server"},
		{"up", `{}`, "leave the path"},
		{"sly", `{}`, "leave the path"},
		{"ask", `{}`, "no path that can be called"},
		{"open", `{}`, "brace"},
		{"get", `{"params":{"path":{"id":".."}}}`, "dot segments"},
		{"get", `{"params":{"path":{"id":"..%2f..%2fadmin"}}}`, "dot segments"},
		{"get", `{"params":{"path":{"id":"%252e%252e/%zz"}}}`, "dot segments"},
		{"get", `{"params":{"path":{"id":"..;x/y"}}}`, "dot segments"},
		{"get", `{"params":{"path":{"id":"..\\x"}}}`, "dot segments"},
		{"get", `{"params":{"path":{"id":"a\r\nb"}}}`, "params.path"},
		{"get", `{"params":{"path":{"id":"1","other":"2"}}}`, "no parameter \"other\""},
		{"get", `{"params":{"path":{"id":"1"},"query":{"z":"2"}}}`, "no parameter \"z\""},
		{"get", `{"params":{"path":{"id":"1"},"header":{"Authorization":"mine"}}}`, "may not be set"},
		{"get", `{"params":{"path":{"id":"1"},"header":{"X-Other":"mine"}}}`, "may not be set"},
		{"get", `{"params":{"path":{"id":"1"},"header":{"X-Trace":"a\r\nX-Evil: b"}}}`, "params.header"},
		{"get", `{"params":{"path":{"id":"1"},"query":{"q":7}}}`, "string or a list"},
		{"get", `{"body":"x","contentType":"text/plain",` + one + `}`, "takes none"},
		{"get", `{"credential":"team",` + one + `}`, "credential:"},
		{"get", `{"credential":"none",` + one + `}`, "credential:"},
		{"delete", `{` + one + `}`, "\"force\" is required"},
		{"put", `{` + one + `}`, "needs one"},
		{"put", `{"body":"{}","contentType":"text/plain",` + one + `}`, "contentType:"},
		{"put", `{"body":"{}","contentType":"multipart/form-data; boundary=x",` + one + `}`, "contentType:"},
		{"put", `{"body":"{}","contentType":"application/json\r\nX: y",` + one + `}`, "contentType:"},
		{"put", `{"body":"` + strings.Repeat("x", mostBytes+1) + `","contentType":"application/json",` + one + `}`, "body:"},
		{"get", `{"params":{"path":{"id":"` + strings.Repeat("x", mostValue+1) + `"}}}`, "params.path"},
	} {
		_, _, err := r.try(guest, c.operation, c.ask)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.100s: %v, want %q", c.operation, c.ask, err, c.want)
		}
	}
	if got := r.up.requests(); len(got) != 0 {
		t.Errorf("it was sent all the same: %v", got)
	}
}

func TestTry_AsksBeforeItChangesAnythingAndTakesAnAnswerOnce(t *testing.T) {
	r := start(t)
	ask := func(body, token string) string {
		return `{"credential":"key","body":"` + body + `","contentType":"application/json","confirm":"` + token + `",` + one + `}`
	}
	_, question, err := r.try(guest, "put", ask("{}", ""))
	if err != nil || question == nil {
		t.Fatal("it was not asked", err)
	}
	want := Summary{Method: "PUT", URL: r.up.URL + "/v1/orders/1", Server: r.up.URL + "/v1", Environment: "sandbox", Credential: "A key", ContentType: "application/json", Bytes: 2}
	if fmt.Sprint(question.Summary) != fmt.Sprint(want) || !question.ExpiresAt.Equal(r.now.Add(2*time.Minute)) {
		t.Errorf("summary: %+v until %s", question.Summary, question.ExpiresAt)
	}
	other := &principal.Principal{Kind: principal.User, Subject: "user:default/other"}
	page := &principal.Principal{Kind: principal.User, Subject: guest.Subject, Embed: &principal.Embed{App: "shop", Features: []string{Feature}}}
	for why, again := range map[string]func() (*Answer, *Confirmation, error){
		"another body":      func() (*Answer, *Confirmation, error) { return r.try(guest, "put", ask("[]", question.Token)) },
		"another viewer":    func() (*Answer, *Confirmation, error) { return r.try(other, "put", ask("{}", question.Token)) },
		"an embedding page": func() (*Answer, *Confirmation, error) { return r.try(page, "put", ask("{}", question.Token)) },
		"a changed token": func() (*Answer, *Confirmation, error) {
			return r.try(guest, "put", ask("{}", "___"+question.Token[3:]))
		},
		"a token of nothing": func() (*Answer, *Confirmation, error) { return r.try(guest, "put", ask("{}", "x")) },
		"another operation": func() (*Answer, *Confirmation, error) {
			return r.try(guest, "delete", `{"confirm":"`+question.Token+`","params":{"path":{"id":"1"},"query":{"force":"true"}}}`)
		},
	} {
		if a, q, err := again(); a != nil || q == nil || err != nil {
			t.Errorf("%s confirms it: %v", why, err)
		}
	}
	if len(r.up.requests()) != 0 {
		t.Fatal("something was sent")
	}
	if a, _, err := r.try(guest, "put", ask("{}", question.Token)); err != nil || a == nil || r.up.bodies[0] != "{}" {
		t.Fatalf("the same request: %v", err)
	}
	if a, q, err := r.try(guest, "put", ask("{}", question.Token)); a != nil || q == nil || err != nil {
		t.Error("a token holds twice")
	} else {
		r.now = r.now.Add(2 * time.Minute)
		if a, _, _ := r.try(guest, "put", ask("{}", q.Token)); a != nil {
			t.Error("a token holds for longer than two minutes")
		}
	}
	if len(r.up.requests()) != 1 {
		t.Errorf("%d requests", len(r.up.requests()))
	}
}

func TestTry_IsForThoseWhoMay(t *testing.T) {
	r := start(t)
	for why, p := range map[string]*principal.Principal{
		"a cookie":                      {Kind: principal.User, Subject: guest.Subject, Limited: true},
		"a page without the feature":    {Kind: principal.User, Subject: guest.Subject, Embed: &principal.Embed{App: "x", Features: []string{"export"}}},
		"somebody without a permission": {Kind: principal.User, Subject: "user:default/denied"},
	} {
		if p.Subject == "user:default/denied" {
			r.engine.Authorizer = permission.Fake{Permission.Name: {Result: permission.Deny}}
		}
		if _, _, err := r.try(p, "get", `{`+one+`}`); !apierror.Has(err, apierror.NotAllowed) {
			t.Errorf("%s: %v", why, err)
		}
		r.engine.Authorizer = permission.Fake{}
	}
	for subject, want := range map[string]bool{"user:default/ann": true, "user:default/bob": true, "user:default/guest": false} {
		_, _, err := r.try(&principal.Principal{Kind: principal.User, Subject: subject}, "get", `{"credential":"team",`+one+`}`)
		if (err == nil) != want {
			t.Errorf("%s uses the team's key: %v", subject, err)
		}
	}
	if _, _, err := r.try(&principal.Principal{Kind: principal.Service, Subject: "external:ci"}, "get", `{"credential":"team",`+one+`}`); err == nil {
		t.Error("a service uses the team's key")
	}
	off := startWith(t, "callboard: {apiDocs: {tryIt: {servers: [{url: UP}]}}}", definition)
	if _, _, err := off.try(guest, "get", `{`+one+`}`); !apierror.Has(err, apierror.NotFound) {
		t.Errorf("switched off: %v", err)
	}
	bound := startWith(t, "callboard: {apiDocs: {tryIt: {enabled: true, servers: [{url: UP, entities: ['api:default/other']}]}}}", definition)
	if _, _, err := bound.try(guest, "get", `{`+one+`}`); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("another entity's server: %v", err)
	}
}

func TestTry_ReachesInsideOnlyWhereTheConfigurationSaysSo(t *testing.T) {
	for yaml, want := range map[string]string{
		"url: LOCAL":                               "not a public one",
		"url: LOCAL, internal: true":               "",
		"url: 'http://169.254.169.254/latest'":     "not a public one",
		"url: 'http://[fd00:ec2::254]/latest'":     "not a public one",
		"url: 'http://0.0.0.0:1', internal: true":  "not a public one",
		"url: 'http://[::ffff:169.254.169.254]/a'": "not a public one",
	} {
		r := start(t)
		local := strings.Replace(r.up.URL, "127.0.0.1", "localhost", 1)
		yaml = strings.ReplaceAll(yaml, "LOCAL", local)
		c := config.FromYAML("callboard: {apiDocs: {tryIt: {enabled: true, servers: [{" + yaml + "}]}}}")
		r.engine.Settings = ReadSettings(c)
		if err := c.Err(); err != nil {
			t.Fatal(err)
		}
		var err error
		r.doc, err = spec.Read("openapi", `{"openapi":"3.1.0","info":{"title":"x","version":"1"},"servers":[{"url":"`+r.engine.Settings.Servers[0].URL.String()+`"}],"paths":{"/a":{"get":{"operationId":"a"}}}}`)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = r.try(guest, "a", `{}`)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
}

func TestAnswer_IsBounded(t *testing.T) {
	r := start(t)
	secret := strings.TrimPrefix(key, "Bearer ")
	r.up.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, secret+strings.Repeat("é", (mostBytes-len(secret)-10)/2)+secret+strings.Repeat(secret, 10))
	}
	a, _, err := r.try(guest, "get", `{"credential":"key",`+one+`}`)
	if err != nil || !a.Truncated || len(a.Body) > mostBytes || a.Encoding != "text" || strings.Contains(a.Body, "s3cre") {
		t.Errorf("%v %v %d %s: …%s", err, a.Truncated, len(a.Body), a.Encoding, a.Body[len(a.Body)-40:])
	}
	for header, body := range map[string]string{"application/octet-stream": "\x00\xff", "text/plain": "\xff", "image/png": "png"} {
		r.up.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", header)
			_, _ = io.WriteString(w, body)
		}
		if a, _, err := r.try(guest, "get", `{`+one+`}`); err != nil || a.Encoding != "base64" || a.Body != base64.StdEncoding.EncodeToString([]byte(body)) {
			t.Errorf("%s: %v %+v", header, err, a)
		}
	}
	r.up.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		_, _ = io.WriteString(w, secret)
	}
	if a, _, err := r.try(guest, "get", `{`+one+`}`); err != nil || a.Body != "" || len(a.Notes) != 1 {
		t.Errorf("a coding that was not asked for: %v %+v", err, a)
	}
	for range atOnce {
		r.engine.turns <- struct{}{}
	}
	if _, _, err := r.try(guest, "get", `{`+one+`}`); !apierror.Has(err, apierror.ServiceUnavailable) {
		t.Errorf("when all turns are taken: %v", err)
	}
}
