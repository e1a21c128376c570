package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const workingConfig = `
  pluginHost: {dataDir: 'DIR/d'}
  plugins: {chores: {source: '%s', development: true}}
catalog:
  processingInterval: {seconds: 1}
  rules: [{allow: [Component, Location]}]
  locations: [{type: file, target: 'DIR/catalog.yaml'}]
`

// choresState is what the plugin tells about itself.
type choresState struct {
	Tasks []struct {
		ID                                      string
		LastStartedAt, LastEndedAt, NextStartAt time.Time
		LastError                               string
	}
	Numbers map[string]int
	Events  map[string]struct {
		Payload  json.RawMessage
		Metadata map[string]string
	}
}

func tellWork(t *testing.T, w *workshop) {
	o := w.operate(t)
	catalog := filepath.Join(o.dir, "catalog.yaml")
	writeText(t, catalog, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: whole}\nspec: {type: service, lifecycle: production, owner: me}\n")
	o.configure(t, fmt.Sprintf(workingConfig, filepath.Join(w.dir, "chores")))
	o.start(t)
	o.await(t, "chores", "ready")
	// Who subscribes hears of what comes.
	writeText(t, catalog, "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: ownerless}\nspec: {type: service, lifecycle: production}\n")
	var now choresState
	state := func() choresState {
		status, body := o.get(t, "/api/chores/state", token)
		var s choresState
		if err := json.Unmarshal([]byte(body), &s); err != nil || status != http.StatusOK {
			t.Fatalf("the state of the chores: %d %v %.300s", status, err, body)
		}
		return s
	}
	eventually(t, "the task has run several times, and its events and the catalog's have come", func() bool {
		now = state()
		return now.Numbers["count"] >= 2 && len(now.Events) == 2
	})
	if from := now.Events["chores.counted"].Metadata["callboard-plugin"]; from != "chores" {
		t.Errorf("the event says that it comes from %q", from)
	}
	if payload := string(now.Events["experimental.catalog.errors"].Payload); !strings.Contains(payload, "component:default/ownerless") {
		t.Errorf("the catalog's event is %s", payload)
	}
	o.triggers(t, state)
	o.guards(t)
	if lists := o.must(t, "inspect", "chores"); !strings.Contains(lists, `"0 3 * * *"`) {
		t.Errorf("inspect does not list the tasks:\n%s", lists)
	}

	before := state()
	o.end(t)
	o.start(t)
	o.await(t, "chores", "ready")
	eventually(t, "the next host goes on where the first one ended", func() bool { now = state(); return now.Numbers["count"] > before.Numbers["count"] })
	if now.Numbers["nights"] != 1 {
		t.Errorf("the nightly task has run %d times, also for the new host", now.Numbers["nights"])
	}
	o.end(t)
}

// triggers has tasks run early, one of which fails.
func (o *operated) triggers(t *testing.T, state func() choresState) {
	t.Helper()
	for _, task := range []string{"nightly", "grumble"} {
		eventually(t, "the task "+task+" can be triggered", func() bool { // not while it runs
			status, body, err := o.ask(http.MethodPost, "/api/chores/tasks/"+task, token)
			if err != nil || status != http.StatusOK && status != http.StatusConflict {
				t.Fatalf("trigger %s: %d %v %s", task, status, err, body)
			}
			return status == http.StatusOK
		})
	}
	eventually(t, "both have run", func() bool {
		ran := 0
		for _, task := range state().Tasks {
			switch {
			case task.LastEndedAt.IsZero() || task.NextStartAt.Before(task.LastStartedAt):
			case task.ID == "nightly" && task.LastError == "" && task.NextStartAt.UTC().Format("15:04:05") == "03:00:00":
				ran++
			case task.ID == "grumble" && strings.Contains(task.LastError, "nobody helps"):
				ran++
			}
		}
		return ran == 2 && state().Numbers["nights"] > 0
	})
	if !strings.Contains(o.logged(t), `"plugin":"chores","task":"grumble","error":"plugin chores, RunTask grumble: task grumble: nobody helps"`) {
		t.Error("the failed task is not in the host's log")
	}
}

// guards asks for what is refused.
func (o *operated) guards(t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/api/chores/lock", http.StatusOK, `"refused":true`},
		{"/api/chores/tasks/absent", http.StatusNotFound, "NotFoundError"},
		{"/api/chores/publish/chores.counted", http.StatusOK, "null"},
		{"/api/chores/publish/experimental.catalog.errors", http.StatusForbidden, "NotAllowedError"},
	} {
		status, body, err := o.ask(http.MethodPost, c.path, token)
		if err != nil || status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("POST %s: %d %v %.300s, want %d and %s", c.path, status, err, body, c.status, c.want)
		}
	}
}
