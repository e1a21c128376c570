package actionregistry

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// rights are what an action needs of its caller, and an input with which it can be invoked.
var rights = map[string]struct {
	input string
	needs string // permission of a route; "" = none beyond being somebody
	users bool   // for users alone
}{
	"auth:who-am-i":                         {`{}`, "catalog.entity.read", true},
	"catalog:get-catalog-entity":            {`{"name":"ann"}`, "catalog.entity.read", false},
	"catalog:query-catalog-entities":        {`{"query":{"kind":"User"}}`, "catalog.entity.read", false},
	"catalog:get-catalog-model-description": {`{}`, "", false},
	"catalog:register-entity":               {`{"locationUrl":"https://b.test/catalog-info.yaml"}`, "catalog.location.create", false},
	"catalog:unregister-entity":             {`{"type":{"locationUrl":"https://a.test/catalog-info.yaml"}}`, "catalog.location.delete", false},
	"catalog:refresh-catalog-entity":        {`{"name":"ann"}`, "catalog.entity.refresh", false},
	"catalog:validate-entity":               {`{"entity":"kind: X"}`, "catalog.entity.validate", false},
	"scaffolder:execute-template":           {`{"templateRef":"template:default/x","values":{}}`, "", false},
	"scaffolder:dry-run-template":           {`{"templateYaml":"a: 1"}`, "scaffolder.template.dry-run", false},
	"scaffolder:list-scaffolder-actions":    {`{}`, "", false},
	"scaffolder:list-scaffolder-tasks":      {`{}`, "", false},
	"scaffolder:get-scaffolder-task-logs":   {`{"taskId":"t-1"}`, "", false},
}

// TestActionPermissionMatrix has everybody ask for everything: an action has no more rights than its caller.
func TestActionPermissionMatrix(t *testing.T) {
	r := newRig(t, "")
	for _, id := range slices.Sorted(maps.Keys(rights)) {
		need := rights[id]
		t.Run(id, func(t *testing.T) {
			r.t = t
			anonymous := http.StatusUnauthorized
			if strings.HasPrefix(id, "auth:") {
				anonymous = http.StatusForbidden // its feature lets everybody pass
			}
			expect := func(who string, want int) {
				t.Helper()
				if status, body := r.invoke(who, id, need.input); status != want {
					t.Errorf("%s: %d %s", who, status, body)
				}
			}
			expect("nobody", anonymous)
			for _, who := range []string{"service", "plugin"} {
				if need.users {
					expect(who, http.StatusForbidden)
				}
			}
			if need.needs != "" {
				r.deny[need.needs] = true
				r.refused(id, need.input, need.needs)
			}
			clear(r.deny)
			expect("ann", http.StatusOK)
		})
	}
}

// refused expects that an action does nothing for ann, who lacks what it needs.
func (r *rig) refused(id, input, needs string) {
	r.t.Helper()
	before := len(r.tasks.calls)
	status, body := r.invoke("ann", id, input)
	switch {
	case id == "catalog:query-catalog-entities" && status == http.StatusOK && strings.Contains(body, `"items":[]`):
	case id == "catalog:validate-entity" && status == http.StatusOK && strings.Contains(body, "Validation error: Request failed with 403 Forbidden"):
	case id == "catalog:get-catalog-entity" && status == http.StatusBadRequest && strings.Contains(body, "No entity found"):
	case status == http.StatusForbidden || status == http.StatusNotFound:
	default:
		r.t.Errorf("without %s: %d %s", needs, status, body)
	}
	if len(r.tasks.calls) != before {
		r.t.Errorf("without %s the scaffolder was called", needs)
	}
}

func TestInvoke_RestrictedTokensAreNotPassedOn(t *testing.T) {
	r := newRig(t, "")
	for _, id := range []string{"catalog:get-catalog-entity", "catalog:register-entity", "catalog:refresh-catalog-entity"} {
		status, body := r.invoke("reader", id, rights[id].input)
		if status != http.StatusForbidden || !strings.Contains(body, "Access to target plugin 'catalog' is restricted and cannot be delegated") {
			t.Errorf("%s: %d %s", id, status, body)
		}
	}
	if status, body := r.invoke("reader", "scaffolder:list-scaffolder-tasks", `{}`); status != http.StatusForbidden {
		t.Errorf("%d %s", status, body)
	}
}

func TestInvoke_TheScaffolderHearsWhoAsks(t *testing.T) {
	r := newRig(t, "")
	for who, want := range map[string]string{
		"ann": "user:default/ann by plugin:scaffolder", "bob": "user:default/bob by plugin:scaffolder",
		"service": "plugin:scaffolder", "plugin": "plugin:scaffolder",
	} {
		if status, body := r.invoke(who, "scaffolder:execute-template", rights["scaffolder:execute-template"].input); status != http.StatusOK {
			t.Errorf("%s: %d %s", who, status, body)
		}
		if got := r.tasks.last().who; got != want {
			t.Errorf("%s came as %q", who, got)
		}
	}
}
