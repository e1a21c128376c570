package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
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
	o.forms(t, state)
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

// forms has a form filled in by a person with a browser's means, and by a program.
func (o *operated) forms(t *testing.T, state func() choresState) {
	t.Helper()
	user := o.userToken(t, "user:default/ann")
	const form, entity = "/api/widgets/v1/forms/chores/report", "component:default/whole"
	var shown string
	eventually(t, "the form is there", func() bool {
		status, body := o.get(t, "/api/widgets/v1/render/chores/report.html?entityRef="+entity, user)
		shown = body
		return status == http.StatusOK
	})
	if !strings.Contains(shown, `action="`+form+`"`) || !strings.Contains(shown, ">Dusting</option>") {
		t.Errorf("the form is %s", shown)
	}
	page := func(token, chore, key string) (int, string) {
		return o.send(t, form, "application/x-www-form-urlencoded", url.Values{"entityRef": {entity}, "key": {key}, "args.chore": {chore}}.Encode(), token)
	}
	for _, c := range []struct {
		token, chore, key string
		status            int
		want              string
	}{
		{user, "dust", "first", http.StatusOK, "user user:default/ann reports dust of whole"},
		{user, "dust", "first", http.StatusOK, "This was reported before."},
		{token, "dust", "first", http.StatusOK, "service test reports dust of whole"},
		{user, "", "second", http.StatusBadRequest, "must be filled in"},
		{user, "windows", "third", http.StatusBadRequest, "nobody cleans windows"},
		{user, "roof", "fourth", http.StatusForbidden, "only roofers"},
		{"", "dust", "fifth", http.StatusUnauthorized, "Missing credentials"},
	} {
		if status, body := page(c.token, c.chore, c.key); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s, want %d and %s", c.key, status, body, c.status, c.want)
		}
	}
	status, body := o.send(t, form, "application/json", `{"entityRef":"component:default/whole","args":{"chore":"dishes","rooms":2},"key":"sixth"}`, user)
	if status != http.StatusOK || !strings.Contains(body, `"secret":true`) || !strings.Contains(body, "w0rd-of-dishes") {
		t.Errorf("as JSON: %d %s", status, body)
	}
	if n := state().Numbers["reports"]; n != 3 {
		t.Errorf("%d chores were reported, want 3", n)
	}
	if strings.Contains(o.logged(t), "w0rd-of-") {
		t.Error("what is told once is in the log")
	}
}

// userToken is that of somebody who has signed in.
func (o *operated) userToken(t *testing.T, user string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), o.binary, "token", "--user", user, "--config", o.config).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func (o *operated) send(t *testing.T, path, kind, body, token string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := single.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
