package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// runTemplate starts a template as a service, waits until the task has ended, and gives its status and its events.
func (h *host) runTemplate(t *testing.T, ref, values string) (status, events string) {
	t.Helper()
	code, body := h.fetch(t, http.MethodPost, "/api/scaffolder/v2/tasks", serviceToken, `{"templateRef":"`+ref+`","values":`+values+`}`)
	var created struct{ ID string }
	if err := json.Unmarshal([]byte(body), &created); err != nil || code != http.StatusCreated {
		t.Fatalf("create a task of %s: %d %s", ref, code, body)
	}
	return h.awaitTask(t, created.ID)
}

func (h *host) awaitEntity(t *testing.T, path string) {
	t.Helper()
	eventually(t, "the catalog has "+path, func() bool {
		status, _ := h.fetch(t, http.MethodGet, "/api/catalog/entities/by-name/"+path, serviceToken, "")
		return status == http.StatusOK
	})
}

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
	if status, events := h.runTemplate(t, "template:default/honest", "{}"); status != "completed" || !strings.Contains(events, neighbour) {
		t.Errorf("a template cannot read its neighbours: %s %s", status, events)
	}
	if status, events := h.runTemplate(t, "template:default/liar", "{}"); status != "failed" || strings.Contains(events, neighbour) {
		t.Errorf("a template reads where it claims to be from: %s %s", status, events)
	}
}
