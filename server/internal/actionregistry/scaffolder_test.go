package actionregistry

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
)

const sources = "  actions: {pluginSources: [auth, catalog, scaffolder, catalog], filter: {exclude: [{id: '*:unregister-*'}]}}"

// step is one of the actions as templates have it.
func (r *rig) step(id string) action.Action {
	r.t.Helper()
	list := r.registry.ScaffolderActions()
	i := slices.IndexFunc(list, func(a action.Action) bool { return a.Description().ID == id })
	if i < 0 {
		r.t.Fatalf("there is no step %s", id)
	}
	return list[i]
}

func (r *rig) principal(who string) *principal.Principal {
	r.t.Helper()
	p, err := r.identity.AuthenticateToken(r.t.Context(), r.tokens[who], "scaffolder", false)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func TestScaffolderActions_AreThoseOfTheSources(t *testing.T) {
	var ids []string
	for _, a := range newRig(t, sources).registry.ScaffolderActions() {
		d := a.Description()
		if readOnly := d.ID != "catalog:register-entity" && d.ID != "catalog:refresh-catalog-entity" && d.ID != "scaffolder:execute-template"; d.SupportsDryRun != readOnly {
			t.Errorf("%s: dry run %v", d.ID, d.SupportsDryRun)
		}
		if once := d.ID == "catalog:register-entity" || d.ID == "scaffolder:execute-template"; d.Repeatable == once {
			t.Errorf("%s: repeatable %v", d.ID, d.Repeatable)
		}
		ids = append(ids, d.ID)
	}
	if len(ids) != len(rights)-1 || slices.Contains(ids, "catalog:unregister-entity") {
		t.Errorf("%v", ids)
	}
	if list := newRig(t, "").registry.ScaffolderActions(); len(list) != 0 {
		t.Errorf("without sources there are %d", len(list))
	}
}

func TestStep_ActsForWhoStartedTheTask(t *testing.T) {
	r := newRig(t, sources)
	run := action.Invocation{Input: action.Input(`{"templateRef":"template:default/x","values":{}}`), Initiator: r.principal("bob")}
	var heard actiontest.Recorder
	if err := r.step("scaffolder:execute-template").Execute(t.Context(), run, &heard); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`taskId = "t-1"`}, heard.Lines); diff != "" {
		t.Error(diff)
	}
	if got := r.tasks.last().who; got != "user:default/bob by plugin:scaffolder" {
		t.Errorf("came as %q", got)
	}
	run.Initiator = nil
	if err := r.step("scaffolder:execute-template").Execute(t.Context(), run, &heard); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("for nobody: %v", err)
	}
}

func TestStep_OutputsAreTheMembersInOrder(t *testing.T) {
	r := newRig(t, sources)
	run := action.Invocation{Input: action.Input(`{"templateYaml":"a: 1"}`), Initiator: r.principal("ann")}
	var heard actiontest.Recorder
	if err := r.step("scaffolder:dry-run-template").Execute(t.Context(), run, &heard); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`valid = true`, `message = "Template validation successful"`, `log = [{"message":"hi","stepId":"s"}]`,
		`output = {"b":2,"a":1}`, `steps = [{"id":"s","name":"S","action":"debug:log"}]`,
	}
	if diff := cmp.Diff(want, heard.Lines); diff != "" {
		t.Error(diff)
	}
	full := actiontest.Recorder{Refuse: errors.New("the database is full")}
	if err := r.step("scaffolder:dry-run-template").Execute(t.Context(), run, &full); err == nil || !strings.Contains(err.Error(), "the database is full") {
		t.Errorf("a listener that refuses: %v", err)
	}
}

func TestStep_IsHiddenFromWhoMayNotUseIt(t *testing.T) {
	r := newRig(t, sources)
	r.deny["scaffolder.template.dry-run"] = true
	s, ok := r.step("scaffolder:dry-run-template").(Step)
	if !ok {
		t.Fatal("it is no Step")
	}
	if visible, err := s.Visible(t.Context(), r.principal("ann")); visible || err != nil {
		t.Errorf("%v, %v", visible, err)
	}
}
