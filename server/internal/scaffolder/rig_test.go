package scaffolder

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(closing{m}) }

// closing ends what all tests share.
type closing struct{ *testing.M }

func (c closing) Run() int {
	status := c.M.Run()
	if language, err := language(); err == nil {
		language.Close()
	}
	return status
}

// language is one for all tests: a virtual machine takes long to start under the race detector.
var language = sync.OnceValues(func() (*templating.Engine, error) {
	return templating.New(templating.Options{VMs: 2, Timeout: 20 * time.Second})
})

// Who calls; see [httpxtest.Credentials].
const (
	ann = "Bearer user:default/ann"
	bob = "Bearer user:default/bob"
	ci  = "Bearer service:external:ci"
)

// entities is a catalog of documents by ref.
type entities map[string]string

func (e entities) Entity(_ context.Context, _ *principal.Principal, ref string) ([]byte, error) {
	if document, ok := e[strings.ToLower(ref)]; ok {
		return []byte(document), nil
	}
	return nil, apierror.NotFoundf("No entity named '%s' found", ref)
}

// policy decides for users by the name of the permission; services may do everything.
type policy struct {
	mu    sync.Mutex
	says  map[string]permission.Decision
	asked map[string]int // how often, by permission
}

// times tells how often a permission was asked for.
func (p *policy) times(perm permission.Permission) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[perm.Name]
}

func (p *policy) set(perm permission.Permission, d permission.Decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.says == nil {
		p.says = map[string]permission.Decision{}
	}
	p.says[perm.Name] = d
}

// Authorize implements [permission.Authorizer].
func (p *policy) Authorize(_ context.Context, who *principal.Principal, perm permission.Permission) (permission.Decision, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[string]int{}
	}
	p.asked[perm.Name]++
	d, ok := p.says[perm.Name]
	if !ok || who.Kind != principal.User {
		return permission.Decision{Result: permission.Allow}, nil
	}
	if d.Result == permission.Conditional && d.Conditions == nil { // those of the own tasks
		own := permission.When(TaskResource, ruleIsTaskOwner, map[string]any{"createdBy": []string{who.Subject}})
		d.Conditions = &own
	}
	return d, nil
}

var (
	denied   = permission.Decision{Result: permission.Deny}
	ownTasks = permission.Decision{Result: permission.Conditional}
)

// act is an action as a function.
type act struct {
	about action.Description
	do    func(ctx context.Context, run action.Invocation, l action.Listener) error
}

func (a act) Description() action.Description { return a.about }
func (a act) Execute(ctx context.Context, run action.Invocation, l action.Listener) error {
	return a.do(ctx, run, l)
}

// say logs its input's text and gives it out again.
func say() action.Action {
	about := action.Description{ID: "say", Description: "Says it", SupportsDryRun: true, Repeatable: true, Input: json.RawMessage(`{"type":"object","properties":{"text":{}}}`)}
	return act{about, func(_ context.Context, run action.Invocation, l action.Listener) error {
		var in struct{ Text json.RawMessage }
		if err := json.Unmarshal(run.Input, &in); err != nil {
			return err
		}
		if err := l.Log("info", string(in.Text)); err != nil {
			return err
		}
		return l.Output("text", in.Text)
	}}
}

// rig is the feature on an edge, with the real engine on a database.
type rig struct {
	t       *testing.T
	edge    *httpx.Server
	service *Service
	db      *store.DB
	policy  *policy
	log     *httpxtest.Buffer
	// release lets steps of the action "wait" go on.
	release chan struct{}
}

func (r *rig) wait() action.Action {
	return act{action.Description{ID: "wait"}, func(ctx context.Context, _ action.Invocation, l action.Listener) error {
		if err := l.Log("info", "waiting"); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.release:
			return nil
		}
	}}
}

// setup is what a test changes of a rig before it runs.
type setup struct {
	catalog entities
	yaml    string
	actions []action.Action
	deps    func(*Deps)
}

func newRig(t *testing.T, db *store.DB, s setup) *rig {
	t.Helper()
	r := &rig{t: t, db: db, policy: &policy{}, log: &httpxtest.Buffer{}, release: make(chan struct{})}
	language, err := language()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := secret.NewSealer([]byte("a key of the tests alone"))
	if err != nil {
		t.Fatal(err)
	}
	actions := action.NewRegistry()
	if err := actions.Set("test", append([]action.Action{say(), r.wait()}, s.actions...)); err != nil {
		t.Fatal(err)
	}
	d := Deps{
		DB: db, Config: config.FromYAML(fmt.Sprintf("backend: {workingDirectory: %q}\n%s", t.TempDir(), s.yaml)), Logger: httpxtest.LoggerTo(r.log), Sealer: sealer,
		Authorizer: r.policy, Catalog: s.catalog, Actions: actions, Language: language,
	}
	if s.deps != nil {
		s.deps(&d)
	}
	if r.service, err = New(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := d.Config.Err(); err != nil {
		t.Fatal(err)
	}
	r.serve(httpx.Options{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.service.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return r
}

// serve puts the feature on an edge with those options.
func (r *rig) serve(o httpx.Options) {
	r.t.Helper()
	o.Logger = httpxtest.LoggerTo(r.log)
	edge := httpxtest.NewWith(r.t, o)
	r.service.Routes(edge.Feature(Feature()), nil)
	r.edge = edge
}

// ask sends a request in the name of who and gives status and body.
func (r *rig) ask(who, method, path, body string) (int, string) {
	r.t.Helper()
	res := httpxtest.Do(r.t, r.edge, method, "/api/scaffolder"+path, body, "Authorization", who)
	return res.StatusCode, httpxtest.Body(r.t, res)
}

// must is ask for a status that has to be.
func (r *rig) must(status int, who, method, path, body string) string {
	r.t.Helper()
	got, answer := r.ask(who, method, path, body)
	if got != status {
		r.t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
	}
	return answer
}

// start creates a task.
func (r *rig) start(who, template, values, secrets string) string {
	r.t.Helper()
	answer := r.must(http.StatusCreated, who, http.MethodPost, "/v2/tasks", fmt.Sprintf(`{"templateRef":%q,"values":%s,"secrets":%s}`, template, values, secrets))
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &made); err != nil {
		r.t.Fatal(err)
	}
	return made.ID
}

// until polls a task for a status.
func (r *rig) until(id string, statuses ...string) string {
	r.t.Helper()
	var answer string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		answer = r.must(http.StatusOK, ci, http.MethodGet, "/v2/tasks/"+id, "")
		var at struct{ Status string }
		if err := json.Unmarshal([]byte(answer), &at); err != nil {
			r.t.Fatal(err)
		}
		if slices.Contains(statuses, at.Status) {
			return answer
		}
	}
	r.t.Fatalf("the task %s is not %v: %s", id, statuses, answer)
	return ""
}

// listen serves the feature over a socket.
func (r *rig) listen() string {
	r.t.Helper()
	server := httptest.NewServer(r.edge)
	r.t.Cleanup(server.Close)
	return server.URL + "/api/scaffolder"
}

// templateOf is a template's document.
func templateOf(name, spec string) string {
	return fmt.Sprintf(`{"apiVersion":"scaffolder.backstage.io/v1beta3","kind":"Template","metadata":{"name":%q,"namespace":"default",`+
		`"annotations":{"backstage.io/managed-by-location":"url:https://example.com/templates/%s.yaml"}},"spec":{"type":"service",%s}}`, name, name, spec)
}

// sqlite is a database in memory: these tests are about what callers see, not about what outlives a process.
func sqlite(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), config.FromValue(map[string]any{"client": "better-sqlite3", "connection": ":memory:"}).Root())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
