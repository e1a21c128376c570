package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// honestTemplate fetches what is beside it and looks someone up.
const honestTemplate = `
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: honest}
spec:
  type: service
  parameters: {properties: {zone: {type: string}, area: {type: string}}}
  steps:
    - {id: fetch, name: Fetch, action: 'fetch:plain', input: {url: './beside'}}
    - {id: list, name: List, action: 'debug:log', input: {listWorkspace: with-contents}}
    - {id: look, name: Look up, action: 'catalog:fetch', input: {entityRef: 'component:default/a'}}
  output: {text: [{content: 'found ${{ steps.look.output.entity.metadata.name }}'}]}
`

// scaffolding starts a host with templates and with tokens of services that may do less than others.
func scaffolding(t *testing.T) *host {
	t.Helper()
	dir := write(t, map[string]string{
		"catalog/a.yaml": named("a"), "templates/beside/readme.txt": "text of the skeleton", "templates/honest.yaml": honestTemplate,
	})
	text := strings.Replace(basicConfig, "externalAccess: [", `externalAccess: [
      {type: static, options: {token: scaffolder-only-1, subject: scaffolder-only}, accessRestrictions: [{plugin: scaffolder}]},
      {type: static, options: {token: reads-catalog-2, subject: reads-catalog}, accessRestrictions: [{plugin: scaffolder}, {plugin: catalog, permission: catalog.entity.read}]},
      `, 1)
	text = strings.Replace(text, "locations: [", "locations: [{type: file, target: './templates/*.yaml', rules: [{allow: [Template]}]}, ", 1)
	return launch(t, dir, text)
}

// run starts a template and gives its status and events when it has ended.
func (h *host) run(t *testing.T, template, token string) (status, events string) {
	t.Helper()
	code, body := h.fetch(t, http.MethodPost, "/api/scaffolder/v2/tasks", token, `{"templateRef":"`+template+`","values":{}}`)
	var task struct{ ID string }
	if err := json.Unmarshal([]byte(body), &task); err != nil || code != http.StatusCreated {
		t.Fatalf("start %s: %d %s", template, code, body)
	}
	return h.awaitTask(t, task.ID)
}

func TestScaffolder_ATaskHasTheRightsOfWhoStartedIt(t *testing.T) {
	h := scaffolding(t)
	if status, events := h.run(t, "honest", serviceToken); status != "completed" || !strings.Contains(events, "text of the skeleton") || !strings.Contains(events, "found a") {
		t.Errorf("with all rights: %s %s", status, events)
	}
	if status, events := h.run(t, "honest", h.guestToken(t)); status != "completed" || !strings.Contains(events, "found a") {
		t.Errorf("as a user: %s %s", status, events)
	}
	if status, events := h.run(t, "honest", "reads-catalog-2"); status != "completed" || !strings.Contains(events, "found a") {
		t.Errorf("with what the steps need: %s %s", status, events)
	}
	if code, body := h.fetch(t, http.MethodPost, "/api/scaffolder/v2/tasks", "scaffolder-only-1", `{"templateRef":"honest","values":{}}`); code != http.StatusForbidden {
		t.Errorf("a token that may not read the catalog started a template: %d %s", code, body)
	}
}

func TestScaffolder_FormsShowTheirFieldsInTheOrderOfTheFile(t *testing.T) {
	h := scaffolding(t)
	_, body := h.fetch(t, http.MethodGet, "/api/scaffolder/v2/templates/default/template/honest/parameter-schema", serviceToken, "")
	if !strings.Contains(body, `"properties":{"zone":{"type":"string"},"area":{"type":"string"}}`) {
		t.Errorf("got %s", body)
	}
}
