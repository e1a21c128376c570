package actionregistry

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/permission"
	"github.com/callboard/callboard/server/internal/principal"
)

// ids lists the actions that somebody sees in a feature.
func (r *rig) ids(who, feature string) []string {
	r.t.Helper()
	status, body := r.send(who, "GET", "/api/"+feature+"/.backstage/actions/v1/actions", "")
	var list struct {
		Actions []struct {
			ID      string `json:"id"`
			Feature string `json:"pluginId"`
		} `json:"actions"`
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK || list.Actions == nil {
		r.t.Fatalf("%d %s", status, body)
	}
	var ids []string
	for _, a := range list.Actions {
		if a.Feature != feature {
			r.t.Errorf("%s is said to be of %s", a.ID, a.Feature)
		}
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestList_ShowsEachFeatureItsOwn(t *testing.T) {
	r := newRig(t, "")
	var all []string
	for _, feature := range []string{"auth", "catalog", "scaffolder", "search"} {
		all = append(all, r.ids("ann", feature)...)
	}
	if len(all) != len(rights) {
		t.Errorf("%v", all)
	}
	for _, id := range all {
		if _, known := rights[id]; !known {
			t.Errorf("%s is not in the matrix of rights", id)
		}
	}
	if status, body := r.send("ann", "GET", "/api/techdocs/.backstage/actions/v1/actions", ""); status != http.StatusNotFound || body != "" {
		t.Errorf("a feature that takes no part: %d %s", status, body)
	}
	if ids := r.ids("", "auth"); len(ids) != 1 {
		t.Errorf("without credentials, where everybody may pass: %v", ids)
	}
	if status, _ := r.send("", "GET", "/api/catalog/.backstage/actions/v1/actions", ""); status != http.StatusUnauthorized {
		t.Errorf("without credentials: %d", status)
	}
	r.tokens["liar"] = "x"
	if status, _ := r.send("liar", "GET", "/api/auth/.backstage/actions/v1/actions", ""); status != http.StatusUnauthorized {
		t.Errorf("with a token that does not hold: %d", status)
	}
}

func TestList_HidesWhatTheCallerMayNotUse(t *testing.T) {
	r := newRig(t, "")
	r.deny["scaffolder.template.dry-run"] = true
	const id = "scaffolder:dry-run-template"
	if slices.Contains(r.ids("ann", "scaffolder"), id) {
		t.Error("the action is shown")
	}
	if status, body := r.invoke("ann", id, rights[id].input); status != http.StatusNotFound || !strings.Contains(body, `Action \"scaffolder:dry-run-template\" not found`) {
		t.Errorf("%d %s", status, body)
	}
	if !slices.Contains(r.ids("service", "scaffolder"), id) {
		t.Error("it is hidden from a service, which the policy is not about")
	}
}

func TestList_FollowsTheConfiguration(t *testing.T) {
	for _, c := range []struct{ name, yaml, feature, want string }{
		{"a feature that is no source", "  actions: {pluginSources: [auth]}", "catalog", ""},
		{"no source at all", "  actions: {pluginSources: []}", "auth", ""},
		{"a source", "  actions: {pluginSources: [auth]}", "auth", "auth:who-am-i"},
		{"included by a glob", "  actions: {filter: {include: [{id: 'catalog:get-*'}]}}", "catalog", "catalog:get-catalog-entity catalog:get-catalog-model-description"},
		{"included by attributes", "  actions: {filter: {include: [{attributes: {destructive: true}}]}}", "catalog", "catalog:unregister-entity"},
		{"excluded wins", "  actions: {filter: {include: [{id: 'catalog:*register*'}], exclude: [{attributes: {destructive: true}}]}}", "catalog", "catalog:register-entity"},
		{"all of a rule must match", "  actions: {filter: {exclude: [{id: 'catalog:*', attributes: {idempotent: true}}]}}", "catalog", "catalog:register-entity"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config.FromYAML("backend:\n" + c.yaml)
			r := New(Options{Settings: ReadSettings(cfg.Section("backend")), Identity: anyone{}, Authorizer: permission.Fake{}, Edge: http.NotFoundHandler()})
			caller := principal.Host("search")
			list, err := r.List(t.Context(), caller, c.feature)
			if err != nil || cfg.Err() != nil {
				t.Fatal(err, cfg.Err())
			}
			var ids []string
			for _, a := range list {
				ids = append(ids, a.ID)
			}
			slices.Sort(ids)
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for id := range rights {
				if feature, _, _ := strings.Cut(id, ":"); feature == c.feature && !slices.Contains(ids, id) {
					if _, err := r.Invoke(t.Context(), caller, Invocation{Feature: feature, Action: id}); !apierror.Has(err, apierror.NotFound) {
						t.Errorf("%s is not listed, and yet: %v", id, err)
					}
				}
			}
		})
	}
}

func TestReadSettings_NamesAGlobThatIsNone(t *testing.T) {
	cfg := config.FromYAML("backend: {actions: {filter: {include: [{id: '[a'}]}}}")
	ReadSettings(cfg.Section("backend"))
	if err := cfg.Err(); err == nil || !strings.Contains(err.Error(), "backend.actions.filter.include[0].id") {
		t.Errorf("got %v", err)
	}
}

func TestInvoke_AnswersAreThoseOfTheReference(t *testing.T) {
	r := newRig(t, "")
	var out bytes.Buffer
	for _, c := range []struct{ action, input string }{
		{"auth:who-am-i", `{}`},
		{"catalog:get-catalog-entity", `{"name":"ann","more":1}`},
		{"catalog:get-catalog-entity", `{"name":"nope"}`},
		{"catalog:get-catalog-entity", `{"name":5}`},
		{"catalog:query-catalog-entities", `{"query":{"kind":"Component"},"fields":["metadata.name"]}`},
		{"catalog:query-catalog-entities", `{"limit":"1","offset":1,"fields":["kind","metadata.name"],"orderFields":{"field":"kind","order":"desc"},"query":{"metadata.name":"shop"}}`},
		{"catalog:query-catalog-entities", `{"fields":["kind"],"orderFields":[{"field":"kind","order":"asc"}],"fullTextFilter":{"term":" shop ","fields":["metadata.name"]}}`},
		{"catalog:query-catalog-entities", `{"query":"x"}`},
		{"catalog:query-catalog-entities", `{"limit":"1.5","offset":-1}`},
		{"catalog:query-catalog-entities", `{"cursor":"zzz"}`},
		{"catalog:query-catalog-entities", `{"orderFields":{"field":"kind","order":"up"}}`},
		{"catalog:register-entity", `{"locationUrl":"nope"}`},
		{"catalog:register-entity", `{"locationUrl":"https://a.test/catalog-info.yaml"}`},
		{"catalog:unregister-entity", `{"type":{"locationId":"nope"}}`},
		{"catalog:unregister-entity", `{"type":{"locationUrl":"https://nope"}}`},
		{"catalog:unregister-entity", `{"type":{"locationUrl":"HTTPS://A.TEST/catalog-info.yaml"}}`},
		{"catalog:unregister-entity", `{"type":{}}`},
		{"catalog:refresh-catalog-entity", `{"name":" ann "}`},
		{"catalog:refresh-catalog-entity", `{"name":"  "}`},
		{"catalog:refresh-catalog-entity", `{"name":"shop","kind":"api","namespace":"default"}`},
		{"catalog:validate-entity", `{"entity":"kind: X"}`},
		{"catalog:validate-entity", `{"entity":"a: ["}`},
		{"catalog:validate-entity", `{"entity":"a: 1\n---\nb: 2"}`},
		{"catalog:validate-entity", `{"entity":"- a"}`},
		{"catalog:validate-entity", `{"entity":"apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: eve}\nspec: {}","location":"url:https://x.test/y"}`},
		{"catalog:validate-entity", `{"entity":"","location":"zz"}`},
		{"scaffolder:execute-template", `{"templateRef":"template:default/x","values":{"b":1,"a":[2]},"secrets":{"token":"s"}}`},
		{"scaffolder:execute-template", `{"templateRef":"x","values":[],"secrets":{"a":5}}`},
		{"scaffolder:dry-run-template", `{"templateYaml":"a: ["}`},
		{"scaffolder:dry-run-template", `{"templateYaml":"a: 1","values":{"n":1},"files":[{"path":"a","content":"x"}]}`},
		{"scaffolder:list-scaffolder-actions", `{}`},
		{"scaffolder:list-scaffolder-tasks", `{"owned":true,"limit":2,"offset":1,"status":["open","failed"]}`},
		{"scaffolder:list-scaffolder-tasks", `{"status":"open"}`},
		{"scaffolder:list-scaffolder-tasks", `{"status":[],"limit":1001}`},
		{"scaffolder:get-scaffolder-task-logs", `{"taskId":"a/../b","after":3}`},
		{"catalog:nope", `{}`},
		{"catalog:get-catalog-entity", `[]`},
		{"catalog:get-catalog-entity", `"x"`},
	} {
		asked := len(r.tasks.calls)
		status, body := r.invoke("ann", c.action, c.input)
		out.WriteString("> " + c.action + " " + c.input + "\n")
		if strings.HasPrefix(c.action, "scaffolder:") && len(r.tasks.calls) > asked {
			last := r.tasks.last()
			out.WriteString("  asks " + strings.TrimSpace(last.request+" "+last.body) + "\n")
		}
		out.WriteString(http.StatusText(status) + "\n" + shown(t, body) + "\n\n")
	}
	goldentest.Compare(t, "invoke.txt", out.String())
}

// changing are members whose values are others each time.
var changing = []string{"uid", "etag", "nextPageCursor", "backstage.io/managed-by-location", "backstage.io/managed-by-origin-location"}

// shown is a body for the golden file: what is told twice is left out.
func shown(t *testing.T, body string) string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	delete(v, "request")
	delete(v, "response")
	var settle func(v any)
	settle = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["issues"] != nil {
				delete(v, "message")
			}
			for name, member := range v {
				if slices.Contains(changing, name) {
					v[name] = "…"
				}
				settle(member)
			}
		case []any:
			for _, e := range v {
				settle(e)
			}
		}
	}
	settle(v)
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestInvoke_ANameOfSeveralEntitiesIsAConflictThatNamesThem(t *testing.T) {
	r := newRig(t, "")
	for _, id := range []string{"catalog:get-catalog-entity", "catalog:refresh-catalog-entity"} {
		status, body := r.invoke("ann", id, `{"name":"shop"}`)
		if status != http.StatusConflict || !strings.Contains(body, `\"component:default/shop\"`) || !strings.Contains(body, `\"api:default/shop\"`) {
			t.Errorf("%s: %d %s", id, status, body)
		}
	}
}

func TestInvoke_TheSecondVersionWrapsItsInput(t *testing.T) {
	r := newRig(t, "")
	for _, c := range []struct {
		body, want string
		status     int
	}{
		{`{"input":{"name":"ann"}}`, `"name":"ann"`, http.StatusOK},
		{`{"input":{"name":"ann"},"secrets":null}`, `"name":"ann"`, http.StatusOK},
		{`{}`, `"received":"undefined"`, http.StatusBadRequest},
		{`{"input":null}`, `"received":"null"`, http.StatusBadRequest},
		{`{"input":{"name":"ann"},"secrets":{"a":"b"}}`, `Action \"catalog:get-catalog-entity\" does not accept secrets`, http.StatusBadRequest},
	} {
		status, body := r.send("ann", "POST", "/api/catalog/.backstage/actions/v2/actions/catalog:get-catalog-entity/invoke", c.body)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.body, status, body)
		}
	}
}

func TestInvoke_OfAnotherFeatureIsUnknown(t *testing.T) {
	r := newRig(t, "")
	if status, body := r.send("ann", "POST", "/api/search/.backstage/actions/v1/actions/auth:who-am-i/invoke", "{}"); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
}

func TestQuery_ACursorLeadsThroughAllPages(t *testing.T) {
	r := newRig(t, "")
	for _, first := range []string{`{"limit":1,"fields":["kind"]}`, `{"limit":1,"query":{"$not":{"kind":"x"}},"fields":["kind"]}`} {
		seen := 0
		for input := first; ; seen++ {
			var page struct{ Output entityPage }
			status, body := r.invoke("ann", "catalog:query-catalog-entities", input)
			if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK || len(page.Output.Items) != 1 {
				t.Fatalf("%d %s", status, body)
			}
			if !page.Output.More {
				seen++
				break
			}
			input = `{"limit":1,"fields":["kind"],"cursor":"` + page.Output.NextCursor + `"}`
		}
		if seen < 4 {
			t.Errorf("%s: %d pages", first, seen)
		}
	}
}

func TestDryRun_AFileThatIsTooLargeIsReplacedByARemark(t *testing.T) {
	r := newRig(t, "")
	input, err := json.Marshal(map[string]any{"templateYaml": "a: 1", "files": []any{map[string]string{"path": "big", "content": strings.Repeat("x", maxContent+1)}}})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := r.invoke("ann", "scaffolder:dry-run-template", string(input)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if got := r.tasks.last().body; !strings.Contains(got, `"base64Content":"PGZpbGUgdG9vIGxhcmdlPg=="`) {
		t.Error(got)
	}
}

func TestExecute_ARefusalKeepsItsStatusAndWhatTheScaffolderSaid(t *testing.T) {
	r := newRig(t, "")
	r.tasks.refuse = http.StatusBadRequest
	status, body := r.invoke("ann", "scaffolder:execute-template", rights["scaffolder:execute-template"].input)
	if status != http.StatusBadRequest || !strings.Contains(body, `requires property`) || !strings.Contains(body, `"name":"ResponseError"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestDescribeModel_TellsOfKindsFieldsAndRelations(t *testing.T) {
	r := newRig(t, "")
	var answer struct {
		Output struct{ Description string }
	}
	_, body := r.invoke("ann", "catalog:get-catalog-model-description", "{}")
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	goldentest.Compare(t, "model.md", answer.Output.Description)
}
