package scm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/scm"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/scmtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).roundTrip"))
}

// The credentials of all stories. They must not be seen anywhere.
const (
	annsToken = "canary-ghp-ann"
	hostToken = "canary-host-token"
	hidden    = "canary-secret-value"
)

// world is the hosts, the actions that know them, and a workspace.
type world struct {
	t         *testing.T
	hub       *scmtest.GitHub
	lab       *scmtest.GitLab
	actions   map[string]action.Action
	workspace string
	deps      scm.Deps
	waited    time.Duration
	end       func()
}

// newWorld has the user ann in the organization acme, which has the teams core and ops, on both hosts. more is YAML under
// the root of the configuration.
func newWorld(t *testing.T, more string) *world {
	t.Helper()
	hub, err := scmtest.StartGitHub("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lab, err := scmtest.StartGitLab("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"ann", "bob", "host"} {
		hub.AddUser(user)
		lab.AddUser(user)
	}
	hub.AddOrganization("acme", "ann", "host")
	lab.AddGroup("acme", "ann", "host")
	hub.AddTeam("acme", "core")
	hub.AddTeam("acme", "ops")
	hub.AddToken(annsToken, scmtest.Token{User: "ann", Scopes: []string{"repo"}})
	hub.AddToken(hostToken, scmtest.Token{User: "host", Scopes: []string{"repo"}})
	lab.AddToken(annsToken, scmtest.Token{User: "ann"})
	lab.AddToken(hostToken, scmtest.Token{User: "host"})
	w := &world{t: t, hub: hub, lab: lab, workspace: t.TempDir()}
	w.end = sync.OnceFunc(func() {
		if err := errors.Join(hub.Close(), lab.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.end)
	w.configure(fmt.Sprintf("integrations:\n  github:\n    - {host: %q, apiBaseUrl: %q, token: %s}\n  gitlab:\n    - {host: %q, baseUrl: %q, token: %s}\n%s",
		hub.Host(), hub.API(), hostToken, lab.Host(), lab.URL, hostToken, more))
	return w
}

func (w *world) configure(yaml string) {
	w.t.Helper()
	c := config.FromYAML(yaml)
	w.deps = scm.Deps{
		Config: c, TempDir: w.t.TempDir(), Now: time.Now,
		Wait: func(ctx context.Context, d time.Duration) error { w.waited += d; return context.Cause(ctx) },
		Entities: func(_ context.Context, p *principal.Principal, refs []string) ([]json.RawMessage, error) {
			if p == nil {
				return nil, errors.New("nobody asks")
			}
			known := map[string]json.RawMessage{
				"user:default/bob": json.RawMessage(`{"kind":"User","metadata":{"name":"bob"}}`), "group:default/core": json.RawMessage(`{"kind":"Group","metadata":{"name":"core"}}`),
				"user:default/zoe": json.RawMessage(`{"kind":"User","metadata":{"name":"zoe"}}`), "component:default/x": json.RawMessage(`{"kind":"Component","metadata":{"name":"bob"}}`),
			}
			list := make([]json.RawMessage, len(refs))
			for i, ref := range refs {
				list[i] = known[ref]
			}
			return list, nil
		},
	}
	w.rebuild()
}

// rebuild makes the actions anew, with w.deps.
func (w *world) rebuild() {
	w.t.Helper()
	list, err := scm.Actions(w.deps)
	if err = errors.Join(err, w.deps.Config.Err()); err != nil {
		w.t.Fatal(err)
	}
	w.actions = map[string]action.Action{}
	for _, a := range list {
		w.actions[a.Description().ID] = a
	}
}

// files puts texts into the workspace; one that begins with "#!" is executable.
func (w *world) files(texts map[string]string) {
	w.t.Helper()
	for name, text := range texts {
		path := filepath.Join(w.workspace, name)
		mode := os.FileMode(0o600)
		if strings.HasPrefix(text, "#!") {
			mode = 0o700
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// run is one run of a step, and what was heard of it. It may be continued.
type run struct {
	logs        []string
	outputs     map[string]any
	checkpoints map[string]json.RawMessage
	refuse      int // the call to the listener that fails, as when the host dies before it is stored; 0 = none
	calls       int
	dry         bool
}

var errDied = errors.New("the host died")

func (r *run) hear() error {
	if r.calls++; r.calls == r.refuse {
		return errDied
	}
	return nil
}

// Log implements [action.Listener].
func (r *run) Log(level, message string) error {
	r.logs = append(r.logs, level+": "+message)
	return r.hear()
}

// Output implements [action.Listener].
func (r *run) Output(name string, value json.RawMessage) error {
	if err := r.hear(); err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	r.outputs[name] = v
	return nil
}

// Checkpoint implements [action.Listener].
func (r *run) Checkpoint(key string, value json.RawMessage) error {
	if err := r.hear(); err != nil {
		return err
	}
	r.checkpoints[key] = value
	return nil
}

type input map[string]any

// execute runs a step in ann's name, or continues r.
func (w *world) execute(r *run, id string, in input) error {
	w.t.Helper()
	a := w.actions[id]
	if a == nil {
		w.t.Fatalf("there is no action %s", id)
	}
	data, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	r.outputs = map[string]any{}
	if r.checkpoints == nil {
		r.checkpoints = map[string]json.RawMessage{}
	}
	return a.Execute(w.t.Context(), action.Invocation{
		Task: "t", Step: "s", Input: data, DryRun: r.dry, User: "user:default/ann", Initiator: &principal.Principal{}, Workspace: w.workspace,
		Checkpoints: maps.Clone(r.checkpoints),
	}, r)
}

// do runs a step that succeeds.
func (w *world) do(id string, in input) *run {
	w.t.Helper()
	r := &run{}
	if err := w.execute(r, id, in); err != nil {
		w.t.Fatalf("%s: %v\n%s", id, err, strings.Join(r.logs, "\n"))
	}
	return r
}

// fails runs a step that fails, and answers its error.
func (w *world) fails(id string, in input) error {
	w.t.Helper()
	r := &run{}
	err := w.execute(r, id, in)
	if err == nil {
		w.t.Fatalf("%s succeeded: %v", id, r.outputs)
	}
	return err
}

// in is the same world for a subtest.
func (w *world) in(t *testing.T) *world {
	sub := *w
	sub.t = t
	return &sub
}

// said are the lines above debug.
func (r *run) said() []string {
	return slices.DeleteFunc(slices.Clone(r.logs), func(line string) bool { return strings.HasPrefix(line, "debug: ") })
}

func (w *world) at(repo string) string {
	return w.hub.Host() + "?owner=acme&repo=" + repo
}

func (w *world) atLab(project string) string {
	return w.lab.Host() + "?owner=acme&repo=" + project
}

// seed makes acme/shop with one commit on both hosts.
func (w *world) seed() {
	w.t.Helper()
	_, err := w.lab.AddProject("acme", "shop")
	texts := map[string]string{"README.md": "shop\n", "old.txt": "old\n", "docs/a.md": "a\n"}
	err = errors.Join(err, w.hub.AddRepository("acme", "shop"), w.hub.Seed("acme/shop", "main", texts), w.lab.Seed("acme/shop", "main", texts))
	if err != nil {
		w.t.Fatal(err)
	}
}
