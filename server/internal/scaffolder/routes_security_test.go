package scaffolder

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func TestTask_IsItsOwnersAloneWhereThePolicySaysSo(t *testing.T) {
	s := greetings()
	s.catalog["template:default/waiting"] = templateOf("waiting", `"steps":[{"id":"w","action":"wait"}]`)
	r := newRig(t, sqlite(t), s)
	ended := r.start(ann, "greeting", `{"name":"a"}`, `{}`)
	r.until(ended, "completed")
	running := r.start(ann, "waiting", `{}`, `{}`)
	r.waitFor(running, "waiting")
	services := r.start(ci, "greeting", `{"name":"a"}`, `{}`)
	r.until(services, "completed")
	r.policy.set(PermissionTaskRead, ownTasks)
	for _, route := range []struct{ method, path string }{
		{http.MethodGet, ""}, {http.MethodGet, "/events"}, {http.MethodGet, "/eventstream"}, {http.MethodGet, "/eventstream?after=1"},
		{http.MethodPost, "/cancel"}, {http.MethodPost, "/retry"},
	} {
		for _, id := range []string{ended, running, services} {
			if status, body := r.ask(bob, route.method, "/v2/tasks/"+id+route.path, ""); status != http.StatusForbidden || strings.Contains(body, "say") {
				t.Errorf("%s %s of another's task: %d %s", route.method, route.path, status, body)
			}
		}
		if status, body := r.ask(bob, route.method, "/v2/tasks/nope"+route.path, ""); status != http.StatusNotFound || !strings.Contains(body, "No task with id 'nope' found") {
			t.Errorf("%s %s of no task: %d %s", route.method, route.path, status, body)
		}
	}
	for query, want := range map[string]string{"": `"totalTasks":0`, "?createdBy=user:default/ann": `"totalTasks":0`, "?order=asc:created_by": `"totalTasks":0`} {
		if got := r.must(http.StatusOK, bob, http.MethodGet, "/v2/tasks"+query, ""); !strings.Contains(got, want) || strings.Contains(got, ended) {
			t.Errorf("the list%s tells of others' tasks: %s", query, got)
		}
	}
	if got := r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks", ""); !strings.Contains(got, `"totalTasks":2`) || strings.Contains(got, services) {
		t.Errorf("got %s", got)
	}
	r.must(http.StatusOK, ann, http.MethodGet, "/v2/tasks/"+ended+"/events", "")
	close(r.release)
	r.until(running, "completed")
}

func TestTask_WhatOneDoesToATaskNeedsEachPermission(t *testing.T) {
	r := newRig(t, sqlite(t), greetings())
	id := r.start(ann, "greeting", `{"name":"a"}`, `{}`)
	r.until(id, "completed")
	for _, c := range []struct {
		denied       permission.Permission
		method, path string
	}{
		{PermissionTaskRead, http.MethodGet, ""}, {PermissionTaskRead, http.MethodGet, "/events"}, {PermissionTaskRead, http.MethodGet, "/eventstream"},
		{PermissionTaskRead, http.MethodPost, "/cancel"}, {PermissionTaskCancel, http.MethodPost, "/cancel"},
		{PermissionTaskRead, http.MethodPost, "/retry"}, {PermissionTaskCreate, http.MethodPost, "/retry"},
	} {
		r.policy.set(c.denied, denied)
		if status, body := r.ask(ann, c.method, "/v2/tasks/"+id+c.path, ""); status != http.StatusForbidden {
			t.Errorf("%s %s without %s: %d %s", c.method, c.path, c.denied.Name, status, body)
		}
		r.policy.set(c.denied, permission.Decision{Result: permission.Allow})
	}
}

func TestCreate_NeedsItsPermission(t *testing.T) {
	r := newRig(t, sqlite(t), greetings())
	task := `{"templateRef":"greeting","values":{"name":"a"}}`
	dry := `{"template":` + greeting + `,"values":{"name":"a"},"directoryContents":[]}`
	r.policy.set(PermissionDryRun, denied)
	r.must(http.StatusForbidden, ann, http.MethodPost, "/v2/dry-run", dry)
	r.must(http.StatusCreated, ann, http.MethodPost, "/v2/tasks", task)
	r.policy.set(PermissionDryRun, permission.Decision{Result: permission.Allow})
	r.policy.set(PermissionTaskCreate, denied)
	r.must(http.StatusForbidden, ann, http.MethodPost, "/v2/dry-run", dry)
	r.must(http.StatusForbidden, ann, http.MethodPost, "/v2/tasks", task)
	r.policy.set(PermissionTaskRead, denied)
	r.must(http.StatusForbidden, ann, http.MethodGet, "/v2/tasks", "")
}

// What is kept from a user is not in the form, not asked for, and not run.
func TestTemplate_PagesAndStepsOfOtherTagsAreKeptBack(t *testing.T) {
	s := greetings()
	s.catalog["template:default/tagged"] = templateOf("tagged",
		`"parameters":[{"title":"Open","backstage:permissions":{"tags":["open"]}},{"title":"Closed","required":["x"],"backstage:permissions":{"tags":["closed"]}},{"title":"Bare"}],`+
			`"steps":[{"id":"a","action":"say","input":{"text":"seen"},"backstage:permissions":{"tags":["open","more"]}},`+
			`{"id":"b","action":"say","input":{"text":"kept"},"backstage:permissions":{"tags":["closed"]}}]`)
	r := newRig(t, sqlite(t), s)
	open := permission.When(TemplateResource, ruleHasTag, map[string]any{"tag": "open"})
	r.policy.set(PermissionParameterRead, permission.Decision{Result: permission.Conditional, Conditions: &open})
	r.policy.set(PermissionStepRead, permission.Decision{Result: permission.Conditional, Conditions: &open})
	form := r.must(http.StatusOK, ann, http.MethodGet, "/v2/templates/default/template/tagged/parameter-schema", "")
	if !strings.Contains(form, "Open") || strings.Contains(form, "Closed") || strings.Contains(form, "Bare") {
		t.Errorf("got %s", form)
	}
	id := r.start(ann, "tagged", `{}`, `{}`)
	if task := r.until(id, "completed"); strings.Contains(task, "kept") || !strings.Contains(task, "seen") {
		t.Errorf("got %s", task)
	}
	if status, body := r.ask(ci, http.MethodPost, "/v2/tasks", `{"templateRef":"tagged","values":{}}`); status != http.StatusBadRequest {
		t.Errorf("a service sees the closed page, which asks for x: %d %s", status, body)
	}
}

// Every way of deciding about actions, for everybody who may start a task.
func TestActionPermissionMatrix(t *testing.T) {
	byID := permission.When(ActionResource, "HAS_ACTION_ID", map[string]any{"actionId": "say"})
	byText := permission.When(ActionResource, "HAS_STRING_PROPERTY", map[string]any{"key": "text", "value": "fine"})
	never := permission.Criteria{Not: &byID}
	s := greetings()
	s.catalog["template:default/act"] = templateOf("act", `"steps":[{"id":"s","action":"say","each":["fine","${{ parameters.second }}"],"input":{"text":"${{ each.value }}"}}]`)
	r := newRig(t, sqlite(t), s)
	for name, c := range map[string]struct {
		decision permission.Decision
		second   string
		runs     bool
	}{
		"allowed":             {permission.Decision{Result: permission.Allow}, "x", true},
		"denied":              {denied, "fine", false},
		"by id":               {permission.Decision{Result: permission.Conditional, Conditions: &byID}, "x", true},
		"by another id":       {permission.Decision{Result: permission.Conditional, Conditions: &never}, "fine", false},
		"by input":            {permission.Decision{Result: permission.Conditional, Conditions: &byText}, "fine", true},
		"by one input of two": {permission.Decision{Result: permission.Conditional, Conditions: &byText}, "x", false},
	} {
		r.policy.set(PermissionActionExecute, c.decision)
		for who, runs := range map[string]bool{ann: c.runs, bob: c.runs, ci: true} {
			id := r.start(who, "act", fmt.Sprintf(`{"second":%q}`, c.second), `{}`)
			status := map[bool]string{true: "completed", false: "failed"}[runs]
			r.until(id, status)
			events := r.must(http.StatusOK, ci, http.MethodGet, "/v2/tasks/"+id+"/events", "")
			refused := strings.Contains(events, "NotAllowedError") && strings.Contains(events, "Unauthorized action: say. The action is not allowed.")
			said := strings.Contains(events, `[39m: \"fine`)
			if refused == runs || said != runs { // no iteration runs when one may not
				t.Errorf("%s, %s: %s", name, who, events)
			}
			if status, body := r.ask("", http.MethodPost, "/v2/tasks", `{"templateRef":"act","values":{}}`); status != http.StatusUnauthorized {
				t.Errorf("without credentials: %d %s", status, body)
			}
		}
	}
}

// A list that could be ordered by a column tells what is in it, one comparison at a time.
func TestOrderFieldAllowlist(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, greetings())
		r.start(ann, "greeting", `{"name":"a"}`, `{"key":"hush"}`)
		columns := storetest.Columns(t, db, "scaffolder_tasks")
		if len(columns) < 6 {
			t.Fatalf("only the columns %q", columns)
		}
		allowed := []string{"created_at", "status", "created_by"}
		for _, field := range append(columns, "spec->>'$.user'", "json_extract(spec,'$')", "created_at,secrets", "1", "created_at;--", "random()", "rowid", "CREATED_AT", "t.created_at", "") {
			status, body := r.ask(ann, http.MethodGet, "/v2/tasks?order="+url.QueryEscape("asc:"+field), "")
			if want := map[bool]int{true: http.StatusOK, false: http.StatusBadRequest}[slices.Contains(allowed, field)]; status != want {
				t.Errorf("order by %q: %d %s", field, status, body)
			}
		}
		for _, query := range []string{"secrets=x", "state=x", "spec=x", "filter=x", "createdBy[secrets]=x"} {
			if status, body := r.ask(ann, http.MethodGet, "/v2/tasks?"+query, ""); status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", query, status, body)
			}
		}
	})
}

// canaries are secrets by number, each recognisable in any encoding.
const canaries = 40

func canary(n int) string { return fmt.Sprintf("cAnary/%02d?%08x", n, 0x9E3779B1*uint32(n+1)) }

// encodings of a secret in which it could leave.
func encodings(s string) []string {
	quoted, _ := json.Marshal(s)
	reversed := []rune(s)
	slices.Reverse(reversed)
	return []string{
		s, strings.ToUpper(s), strings.ToLower(s), string(reversed), hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)), url.QueryEscape(s), url.PathEscape(s),
		strings.Trim(string(quoted), `"`), base64.StdEncoding.EncodeToString([]byte("user:" + s)),
	}
}

// tellAll is an action that gives away what it knows in every way that it has.
func tellAll() action.Action {
	return act{action.Description{ID: "tell"}, func(_ context.Context, run action.Invocation, l action.Listener) error {
		var errs []error
		for name, value := range run.Secrets {
			for _, text := range encodings(value.Reveal()) {
				errs = append(errs, l.Log("info", name+" is "+text))
			}
			half := len(value.Reveal()) / 2
			errs = append(errs, l.Log("warn", value.Reveal()[:half]), l.Log("warn", value.Reveal()[half:]))
		}
		errs = append(errs, l.Log("info", string(run.Input)), l.Output("input", json.RawMessage(run.Input)))
		for n := 20; n < 30; n++ { // what a step reached is nobody's business but that of later steps
			errs = append(errs, l.Output(fmt.Sprintf("o%d", n), quote(canary(n))), l.Checkpoint(fmt.Sprintf("c%d", n), quote(canary(n+10))))
		}
		return errors.Join(errs...)
	}}
}

func quote(text string) json.RawMessage { data, _ := json.Marshal(text); return data }

// tokens is an authenticator whose tokens are canaries.
type tokens struct{}

func (tokens) Authenticate(r *http.Request, _ string, _ httpx.Allowance) (*principal.Principal, error) {
	for n, subject := range map[int]string{18: "user:default/ann", 19: "user:default/bob"} {
		if r.Header.Get("Authorization") == "Bearer "+canary(n) {
			return &principal.Principal{Kind: principal.User, Subject: subject, Token: canary(n)}, nil
		}
	}
	return &principal.Principal{Kind: principal.Service, Subject: "external:ci"}, nil
}

// Whoever may read a task reads what it was asked to do and what it said, and nothing that was entrusted to it.
func TestTaskRead_NoSecretsNoState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const input = `{"all":"${{ secrets | dump }}","one":"${{ secrets.s0 }}","env":"${{ environment.secrets.e16 }}","upper":"${{ secrets.s1 | upper }}","nested":[{"deep":"x${{ secrets.s2 }}y"}]}`
		template := templateOf("leaky", `"steps":[{"id":"one","action":"tell","input":`+input+`},`+
			`{"id":"two","action":"tell","each":["${{ secrets.s3 }}","${{ steps.one.output.o20 | length }}"],"input":{"v":"${{ each.value }}"}},`+
			`{"id":"three","action":"nope${{ secrets.s4 }}","input":{"x":"${{ secrets.s5 }}"}}],`+
			`"output":{"secrets":"${{ secrets | dump }}","input":"${{ steps.one.output.input | dump }}","links":[{"url":"https://x/${{ secrets.s6 }}"}]}`)
		published := &httpxtest.Buffer{}
		s := setup{
			catalog: entities{"template:default/leaky": template}, actions: []action.Action{tellAll()},
			yaml: fmt.Sprintf("scaffolder: {defaultEnvironment: {secrets: {e16: %q, e17: %q}}}", canary(16), canary(17)),
			deps: func(d *Deps) {
				d.Publish = func(_ context.Context, topic string, payload any) { fmt.Fprintf(published, "%s %+v\n", topic, payload) }
			},
		}
		r := newRig(t, db, s)
		r.serve(httpx.Options{Auth: tokens{}})
		owner, other := "Bearer "+canary(18), "Bearer "+canary(19)
		entered := map[string]string{}
		for n := range 16 {
			entered[fmt.Sprintf("s%d", n)] = canary(n)
		}
		secrets := string(mustJSON(entered))
		id := r.start(owner, "leaky", `{}`, secrets)
		r.until(id, "failed")
		r.must(http.StatusCreated, owner, http.MethodPost, "/v2/tasks/"+id+"/retry", `{"secrets":`+secrets+`}`)
		r.until(id, "failed")
		told := map[string]string{"the log of the host": r.log.String(), "what was published": published.String(), "the database": storetest.Dump(t, db, "scaffolder")}
		if dump := told["the database"]; len(dump) < 1000 {
			t.Fatalf("the dump is too short to be one: %s", dump)
		}
		for _, who := range []string{owner, other, ci} {
			for _, path := range []string{"/v2/tasks/" + id, "/v2/tasks", "/v2/tasks/" + id + "/events", "/v2/tasks/" + id + "/events?after=3", "/v2/tasks/" + id + "/eventstream"} {
				told[path+" as "+who] = r.must(http.StatusOK, who, http.MethodGet, path, "")
			}
			_, told["a retry as "+who] = r.ask(who, http.MethodPost, "/v2/tasks/"+id+"/retry", `{"secrets":{"s0":7}}`)
		}
		dry := `{"template":` + strings.Replace(template, "nope${{ secrets.s4 }}", "say", 1) + `,"values":{},"secrets":` + secrets + `,"directoryContents":[]}`
		_, told["a dry run"] = r.ask(owner, http.MethodPost, "/v2/dry-run", dry)
		if events := told["/v2/tasks/"+id+"/events as "+ci]; !strings.Contains(events, "s0 is ***") || !strings.Contains(events, "Finished step tell") {
			t.Fatalf("the task did not come as far as it should: %s", events)
		}
		for outlet, text := range told {
			leaks(t, strings.Replace(outlet, "Bearer ", "", 1), text)
		}
	})
}

// leaks finds canaries in what an outlet gave.
func leaks(t *testing.T, outlet, text string) {
	t.Helper()
	for n := range canaries {
		for _, form := range encodings(canary(n)) {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%s: canary %d, as %q: …%s…", outlet, n, form, text[max(0, i-60):min(len(text), i+60)])
				return
			}
		}
	}
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
