package actionregistry

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/auth"
	"github.com/callboard/callboard/server/internal/catalog"
	"github.com/callboard/callboard/server/internal/catalog/catalogtest"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const catalogFile = `
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ann}
spec: {memberOf: [crew]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shop, title: The shop}
spec: {type: service, lifecycle: production, owner: user:ann}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: shop}
spec: {type: openapi, lifecycle: production, owner: user:ann, definition: x}
`

const hostConfig = `
backend:
  baseUrl: http://portal.test
  auth:
    externalAccess:
      - {type: static, options: {token: token-of-the-service, subject: ci}}
      - {type: static, options: {token: token-of-the-reader, subject: reader}, accessRestrictions: [{plugin: catalog, permissionAttribute: {action: read}}]}
`

// rig is a host with the real auth, permission and catalog, and a scaffolder that writes down who calls.
type rig struct {
	t        *testing.T
	edge     *httpx.Server
	registry *Registry
	identity *auth.Service
	location catalog.Location // a registered one
	deny     map[string]bool  // permissions that users do not have
	tasks    *scaffolderFake
	tokens   map[string]string // by who
}

// Decide implements [permission.Policy].
func (r *rig) Decide(_ context.Context, p permission.Permission, _ *permission.User) (permission.Decision, error) {
	if r.deny[p.Name] {
		return permission.Decision{Result: permission.Deny}, nil
	}
	return permission.Decision{Result: permission.Allow}, nil
}

type people struct{ *catalog.Engine }

func (p people) User(_ context.Context, ref entity.Canonical) (entity.Entity, bool, error) {
	doc := p.Index().Snapshot().ByRef(ref)
	if doc == nil {
		return nil, false, nil
	}
	var e entity.Entity
	return e, true, json.Unmarshal(doc.JSON, &e)
}

func (people) UsersWith(context.Context, string, string) ([]entity.Entity, error) { return nil, nil }

func newRig(t *testing.T, yaml string) *rig {
	t.Helper()
	r := &rig{t: t, deny: map[string]bool{}, tokens: map[string]string{"service": "token-of-the-service", "reader": "token-of-the-reader"}}
	file := filepath.Join(t.TempDir(), "catalog.yaml")
	if err := os.WriteFile(file, []byte(catalogFile), 0o600); err != nil {
		t.Fatal(err)
	}
	world := catalogtest.Start(t, "  locations: [{type: file, target: '"+file+"'}]\n")
	cfg := config.FromYAML(hostConfig + yaml)
	log := slog.New(slog.DiscardHandler)
	var err error
	if r.identity, err = auth.New(t.Context(), auth.Options{Config: cfg, DB: storetest.SQLite(t), Logger: log, Users: people{world.Engine}}); err != nil {
		t.Fatal(err)
	}
	r.edge = httpxtest.NewWith(t, httpx.Options{Auth: r.identity, Logger: log, EveryFeature: r.identity.PluginRoutes})
	engine := permission.New(permission.Options{Enabled: true, Policy: r, Ownership: r.identity.Ownership, Logger: log})
	r.registry = New(Options{Settings: ReadSettings(cfg.Section("backend")), Identity: r.identity, Authorizer: engine, Edge: r.edge})
	if err := cfg.Err(); err != nil {
		t.Fatal(err)
	}
	r.mount(world, engine)
	if r.location, err = world.CreateLocation(t.Context(), catalog.LocationSpec{Type: "url", Target: "https://a.test/catalog-info.yaml"}, ""); err != nil {
		t.Fatal(err)
	}
	r.signIn("ann", "user:default/ann", "user:default/ann", "group:default/crew")
	r.signIn("bob", "user:default/bob", "user:default/bob")
	r.tokens["plugin"] = "" // made for each target
	return r
}

func (r *rig) mount(world *catalogtest.World, engine *permission.Engine) {
	identity := r.edge.Feature(auth.Feature())
	r.registry.Routes(identity)
	r.identity.Routes(identity)
	entities := r.edge.Feature(catalog.Feature())
	r.registry.Routes(entities)
	catalog.Routes(entities, catalog.RoutesDeps{Writer: world.Engine, Index: world.Index(), Authorizer: engine})
	r.tasks = &scaffolderFake{}
	templates := r.edge.Feature(httpx.Feature{ID: "scaffolder"})
	r.registry.Routes(templates)
	r.tasks.routes(templates)
	r.registry.Routes(r.edge.Feature(httpx.Feature{ID: "search"}))
	r.registry.Routes(r.edge.Feature(httpx.Feature{ID: "techdocs"}))
}

func (r *rig) signIn(who, user string, owned ...string) {
	r.t.Helper()
	session, err := r.identity.SignIn(r.t.Context(), auth.UserClaims{Subject: user, Ownership: owned})
	if err != nil {
		r.t.Fatal(err)
	}
	r.tokens[who] = session.Token
}

// send asks a route as somebody: ann, bob, service, reader, plugin (the feature search), or nobody.
func (r *rig) send(who, method, path, body string) (int, string) {
	r.t.Helper()
	token := r.tokens[who]
	if who == "plugin" {
		feature, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
		var err error
		if token, err = r.identity.PluginToken(r.t.Context(), "search", feature, principal.Host("search")); err != nil {
			r.t.Fatal(err)
		}
	}
	if token != "" {
		token = "Bearer " + token
	}
	answer := httpxtest.Do(r.t, r.edge, method, path, body, "Authorization", token)
	return answer.StatusCode, httpxtest.Body(r.t, answer)
}

// invoke asks for an action by the first version of the route.
func (r *rig) invoke(who, action, input string) (int, string) {
	r.t.Helper()
	feature, _, _ := strings.Cut(action, ":")
	return r.send(who, "POST", "/api/"+feature+"/.backstage/actions/v1/actions/"+action+"/invoke", input)
}

// scaffolderFake answers the scaffolder's routes with recorded bodies and remembers the calls.
type scaffolderFake struct {
	mu     sync.Mutex
	calls  []call
	refuse int // status to refuse with
}

type call struct{ who, request, body string }

func (f *scaffolderFake) routes(r *httpx.Router) {
	for route, answer := range map[[2]string]string{
		{"POST", "/v2/tasks"}: `{"id":"t-1"}`,
		{"GET", "/v2/tasks"}: `{"tasks":[{"id":"t-1","spec":{"apiVersion":"x"},"status":"completed","createdAt":"2026-01-01T00:00:00.000Z","createdBy":"user:default/ann","lastHeartbeatAt":"2026-01-01T00:00:01.000Z"},` +
			`{"id":"t-2","status":"open","createdAt":"2026-01-01T00:00:00.000Z"}],"totalTasks":7}`,
		{"GET", "/v2/tasks/:task/events"}: `[{"id":1,"isTaskRecoverable":false,"taskId":"t-1","type":"log","createdAt":"2026-01-01T00:00:00.000Z","body":{"message":"Beginning","stepId":"s","status":"processing","more":1}},` +
			`{"id":2,"taskId":"t-1","type":"completion","createdAt":"2026-01-01T00:00:00.000Z","body":{"message":"done","output":{"a":1}}}]`,
		{"GET", "/v2/actions"}:  `[{"id":"z:z","description":"last","schema":{"input":{"type":"object"}},"examples":[1]},{"id":"a:a"}]`,
		{"POST", "/v2/dry-run"}: `{"log":[{"body":{"message":"hi","stepId":"s"}}],"directoryContents":[],"output":{"b":2,"a":1},"steps":[{"id":"s","name":"S","action":"debug:log"}]}`,
	} {
		r.Handle(route[0], route[1], httpx.AnyPrincipal, func(c *gin.Context) error { return f.answer(c, answer) })
	}
}

func (f *scaffolderFake) answer(c *gin.Context, body string) error {
	var sent json.RawMessage
	if err := httpx.BindJSON(c, &sent); err != nil {
		return err
	}
	p := httpx.Principal(c)
	who := p.Subject
	if p.Actor != "" {
		who += " by " + p.Actor
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call{who, c.Request.Method + " " + c.Request.URL.RequestURI(), string(sent)})
	if f.refuse != 0 {
		c.Data(f.refuse, "application/json; charset=utf-8", []byte(`{"errors":[{"message":"requires property \"n\""}]}`))
		return nil
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", []byte(body))
	return nil
}

// last is the latest call.
func (f *scaffolderFake) last() call {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) == 0 {
		return call{}
	}
	return f.calls[len(f.calls)-1]
}
