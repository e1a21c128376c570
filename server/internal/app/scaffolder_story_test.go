package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func (h *host) awaitEntity(t *testing.T, path string) {
	t.Helper()
	eventually(t, "the catalog has "+path, func() bool {
		status, _ := h.fetch(t, http.MethodGet, "/api/catalog/entities/by-name/"+path, serviceToken, "")
		return status == http.StatusOK
	})
}

// awaitTask waits until a task has ended and gives its status and events.
func (h *host) awaitTask(t *testing.T, id string) (status, events string) {
	t.Helper()
	eventually(t, "the task "+id+" has ended", func() bool {
		_, body := h.fetch(t, http.MethodGet, "/api/scaffolder/v2/tasks/"+id, serviceToken, "")
		var task struct{ Status string }
		_ = json.Unmarshal([]byte(body), &task)
		status = task.Status
		return status == "completed" || status == "failed"
	})
	_, events = h.fetch(t, http.MethodGet, "/api/scaffolder/v2/tasks/"+id+"/events", serviceToken, "")
	return status, events
}

// fetching is a template that fetches its neighbours and lists them with their contents.
func fetching(name, annotations string) string {
	return fmt.Sprintf(`
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: %s, annotations: {%s}}
spec:
  owner: guests
  type: service
  steps:
    - {id: fetch, action: 'fetch:plain', input: {url: ./}}
    - {id: show, action: 'debug:log', input: {listWorkspace: with-contents}}
`, name, annotations)
}

// Advisory: rules of locations hold at every hop.
func TestATemplateReadsItsNeighboursOnlyWhereTheCatalogReadIt(t *testing.T) {
	const neighbour = "text-of-a-neighbour"
	dir := write(t, map[string]string{"mine/template.yaml": "", "mine/notes.txt": neighbour, "theirs/template.yaml": ""})
	writeFile(t, dir+"/mine/template.yaml", fetching("honest", ""))
	writeFile(t, dir+"/theirs/template.yaml", fetching("liar", "backstage.io/source-location: 'file:"+dir+"/mine/template.yaml'"))
	withoutCatalog, _, _ := strings.Cut(basicConfig, "catalog:")
	h := launch(t, dir, withoutCatalog+`catalog:
  rules: [{allow: [Template]}]
  locations:
    - {type: file, target: '`+dir+`/mine/template.yaml'}
    - {type: file, target: '`+dir+`/theirs/template.yaml'}
`)
	h.awaitEntity(t, "template/default/honest")
	h.awaitEntity(t, "template/default/liar")
	if status, events := h.run(t, "template:default/honest", serviceToken); status != "completed" || !strings.Contains(events, neighbour) {
		t.Errorf("a template cannot read its neighbours: %s %s", status, events)
	}
	if status, events := h.run(t, "template:default/liar", serviceToken); status != "failed" || strings.Contains(events, neighbour) {
		t.Errorf("a template reads where it claims to be from: %s %s", status, events)
	}
}

const triggered = `
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: greet}
spec:
  owner: guests
  type: service
  parameters:
    required: [name]
    properties:
      name: {type: string, maxLength: 40}
      kind: {type: string, valuesRef: {plugin: catalog, path: '/entities/by-query?fields=kind&limit=500', select: '$.items[*]', value: $.kind}}
  steps:
    - {id: say, action: 'debug:log', input: {message: 'hello ${{ parameters.name }}'}}
`

// greeter starts a host with the template greet, and what more says.
func greeter(t *testing.T, more string) (h *host, dir string) {
	t.Helper()
	dir = write(t, map[string]string{"greet.yaml": triggered, "web.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: web}\nspec: {targets: []}\n"})
	withoutCatalog, _, _ := strings.Cut(basicConfig, "callboard:")
	h = launch(t, dir, withoutCatalog+`
catalog:
  rules: [{allow: [Template, Location]}]
  locations: [{type: file, target: ./greet.yaml}, {type: file, target: ./web.yaml}]
callboard:
  operations: {listen: false}
  scaffolder:
    retention: 90 days
`+more)
	h.awaitEntity(t, "template/default/greet")
	h.awaitEntity(t, "location/default/web")
	return h, dir
}

// tasksOf are the tasks that a trigger started.
func (h *host) tasksOf(t *testing.T, trigger string) (ids []string) {
	t.Helper()
	_, body := h.fetch(t, http.MethodGet, "/api/scaffolder/v2/tasks?createdBy=trigger:"+trigger, serviceToken, "")
	var list struct{ Tasks []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("list tasks: %s", body)
	}
	for _, task := range list.Tasks {
		ids = append(ids, task.ID)
	}
	return ids
}

func TestTriggers_StartTemplatesByClockByChangesAndBySignedWebhooks(t *testing.T) {
	h, dir := greeter(t, `    triggers:
      - {id: tick, template: 'template:default/greet', values: {name: clock}, schedule: {frequency: {seconds: 1}}, perHour: 1}
      - {id: changed, template: 'template:default/greet', values: {name: '${{ event.entity.metadata.name }}'}, catalogChange: {filter: {kind: Location}}}
      - {id: hook, template: 'template:default/greet', values: {name: '${{ event.body.who }}'}, webhook: {secret: 0123456789abcdef}}
      - {id: powerless, template: 'template:default/greet', values: {name: x}, webhook: {secret: 0123456789abcdef}, permissions: [catalog.entity.read]}
`)
	hook := func(trigger, id, body, secret string) (int, string) {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		r := h.request(t, http.MethodPost, "/api/scaffolder/v2/triggers/"+trigger, "", body)
		r.Header.Set("Webhook-Id", id)
		r.Header.Set("Webhook-Timestamp", stamp)
		r.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		res, text, err := do(r)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, text
	}
	const secret = "0123456789abcdef"
	code, first := hook("hook", "d1", `{"who":"ann"}`, secret)
	if _, again := hook("hook", "d1", `{"who":"ann"}`, secret); code != http.StatusAccepted || again != first {
		t.Errorf("a delivery and its repetition: %d %s, %s", code, first, again)
	}
	for name, c := range map[string]struct {
		trigger, body, secret string
		want                  int
	}{
		"another secret":                    {"hook", `{"who":"eve"}`, "fedcba9876543210", http.StatusUnauthorized},
		"a trigger that does not exist":     {"nobody", `{}`, secret, http.StatusUnauthorized},
		"a trigger without a webhook":       {"tick", `{}`, secret, http.StatusUnauthorized},
		"values that do not fit":            {"hook", `{"who":"` + strings.Repeat("x", 41) + `"}`, secret, http.StatusBadRequest},
		"a body that is no JSON":            {"hook", `{`, secret, http.StatusBadRequest},
		"a trigger that may not make tasks": {"powerless", `{}`, secret, http.StatusForbidden},
	} {
		if code, body := hook(c.trigger, name, c.body, c.secret); code != c.want {
			t.Errorf("%s: %d %s, want %d", name, code, body, c.want)
		}
	}
	if ids := h.tasksOf(t, "hook"); len(ids) != 1 {
		t.Errorf("the webhook made %d tasks, want 1", len(ids))
	} else if status, events := h.awaitTask(t, ids[0]); status != "completed" || !strings.Contains(events, "hello ann") {
		t.Errorf("its task: %s %s", status, events)
	}
	code, body := h.fetch(t, http.MethodPost, "/api/catalog/refresh", serviceToken, `{"entityRef":"location:default/web"}`)
	if code != http.StatusOK {
		t.Fatalf("refresh: %d %s", code, body)
	}
	eventually(t, "the clock has started a task", func() bool { return len(h.tasksOf(t, "tick")) == 1 })
	writeFile(t, dir+"/web.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: web, title: Changed}\nspec: {targets: []}\n")
	h.fetch(t, http.MethodPost, "/api/catalog/refresh", serviceToken, `{"entityRef":"location:default/web"}`)
	eventually(t, "the change has started a task", func() bool { return len(h.tasksOf(t, "changed")) > 0 })
}

func TestForms_ShowChoicesOfTheMomentAndValuesAreHeldAgainstThem(t *testing.T) {
	h, _ := greeter(t, "")
	_, form := h.fetch(t, http.MethodGet, "/api/scaffolder/v2/templates/default/template/greet/parameter-schema", serviceToken, "")
	if !strings.Contains(form, `"enumNames":["Location","Template"]`) && !strings.Contains(form, `"enumNames":["Template","Location"]`) || strings.Contains(form, "valuesRef") {
		t.Errorf("the form: %s", form)
	}
	for values, want := range map[string]int{`{"name":"a","kind":"Template"}`: http.StatusCreated, `{"name":"a","kind":"Robot"}`: http.StatusBadRequest} {
		if code, body := h.fetch(t, http.MethodPost, "/api/scaffolder/v2/tasks", serviceToken, `{"templateRef":"template:default/greet","values":`+values+`}`); code != want {
			t.Errorf("%s: %d %s", values, code, body)
		}
	}
}
