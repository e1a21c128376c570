package workflow_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/goldentest"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

const aTemplate = `{"apiVersion":"scaffolder.backstage.io/v1beta3","kind":"Template","metadata":{"name":"Ship","namespace":"docks","uid":"u",
	"annotations":{"backstage.io/managed-by-location":"url:https://git.test/a/template.yaml"}},
	"spec":{"type":"service","parameters":[{"title":"One"}],"steps":[{"action":"say","input":{"a":1},"if":"${{ x }}","each":[1],"backstage:permissions":{"tags":["t"]},"other":1},
	{"id":"b","name":"B","action":"say","if":true}],"output":{"url":"u"},"EXPERIMENTAL_recovery":{"EXPERIMENTAL_strategy":"startOver"}}}`

func TestNewSpec_IsWhatClientsOfTheReferenceSee(t *testing.T) {
	template, err := workflow.ReadTemplate(json.RawMessage(aTemplate))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := workflow.NewSpec(template, json.RawMessage(`{"name":"tug"}`))
	if err != nil {
		t.Fatal(err)
	}
	spec.TemplateInfo = template.Info("template:docks/ship")
	got, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	goldentest.Compare(t, "Spec.golden", string(got)+"\n")
	if template.Ref() != "template:docks/ship" {
		t.Errorf("the template is %s", template.Ref())
	}
	var again workflow.Spec
	if err := json.Unmarshal(got, &again); err != nil {
		t.Fatal(err)
	}
	compact, _ := json.Marshal(again)
	once, _ := json.Marshal(spec)
	if diff := cmp.Diff(string(once), string(compact)); diff != "" {
		t.Errorf("a stored spec is another: %s", diff)
	}
}

func TestNewSpec_NamesThatAuthorsLeftEmptyStayEmpty(t *testing.T) {
	spec := newSpec(t, `{"steps":[{"id":"","name":"","action":"say"},{"id":null,"name":null,"action":"say"}]}`, `{}`)
	if spec.Steps[0].ID != "" || spec.Steps[0].Name != "" || spec.Steps[1].ID != "step-2" || spec.Steps[1].Name != "say" {
		t.Errorf("got %+v", spec.Steps)
	}
}

func TestTemplate_BaseURLIsWhereItWasRead(t *testing.T) {
	for annotations, want := range map[string]string{
		`{"backstage.io/managed-by-location":"url:https://a/t.yaml"}`:                                                    "https://a/t.yaml",
		`{"backstage.io/managed-by-location":"file:/srv/t.yaml"}`:                                                        "file:///srv/t.yaml",
		`{"backstage.io/source-location":"url:https://b/","backstage.io/managed-by-location":"file:/srv/t.yaml"}`:        "https://b/",
		`{"backstage.io/source-location":"","backstage.io/managed-by-location":"url:https://a/t.yaml"}`:                  "https://a/t.yaml",
		`{"backstage.io/source-location":"dir:.","backstage.io/managed-by-location":"url:https://a/t.yaml"}`:             "",
		`{"backstage.io/source-location":"url:javascript:alert(1)","backstage.io/managed-by-location":"url:https://a/"}`: "",
		`{"backstage.io/managed-by-location":7}`:                                                                         "",
		`{}`:                                                                                                             "",
		`null`:                                                                                                           "",
		`"text"`:                                                                                                         "",
	} {
		template, err := workflow.ReadTemplate(json.RawMessage(`{"apiVersion":"scaffolder.backstage.io/v1beta3","metadata":{"name":"x","annotations":` + annotations + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := template.BaseURL(); got != want {
			t.Errorf("%s: got %q, want %q", annotations, got, want)
		}
	}
}

func TestReadTemplate_RefusesWhatTasksCannotBeMadeOf(t *testing.T) {
	for document, says := range map[string]string{
		``:                           "InputError: Input template is not a template",
		`[]`:                         "InputError: Input template is not a template",
		`{"spec":{"steps":"x"}}`:     "InputError: Input template is not a template",
		`{"apiVersion":"v1"}`:        "InputError: Unsupported apiVersion field in schema entity, v1",
		`{"apiVersion":["a"]}`:       "InputError: Input template is not a template",
		`null`:                       "InputError: Unsupported apiVersion field in schema entity, ",
		strings.Repeat("[", 100_000): "InputError: Input template is not a template",
	} {
		if _, err := workflow.ReadTemplate(json.RawMessage(document)); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%.40s: got %v, want %s", document, err, says)
		}
	}
}

func TestCheckTemplate_TellsATemplateFromSomethingElse(t *testing.T) {
	if err := workflow.CheckTemplate(json.RawMessage(aTemplate)); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for document, name := range map[string]apierror.Name{
		`null`: apierror.Input, `7`: apierror.Input, `{`: apierror.Input, `{}`: apierror.TypeErr,
		`{"apiVersion":"scaffolder.backstage.io/v1beta3","kind":"Component","metadata":{"name":"x"},"spec":{}}`:            apierror.Input,
		`{"apiVersion":"scaffolder.backstage.io/v1beta3","kind":"Template","metadata":{"name":"x"},"spec":{"type":"x"}}`:   apierror.TypeErr,
		`{"apiVersion":"scaffolder.backstage.io/v1beta3","kind":"Template","metadata":{"name":"x"},"spec":{"steps":[{}]}}`: apierror.TypeErr,
	} {
		if err := workflow.CheckTemplate(json.RawMessage(document)); !apierror.Has(err, name) {
			t.Errorf("%s: got %v, want %s", document, err, name)
		}
	}
}

func TestNewSpec_RefusesStepsThatAreNone(t *testing.T) {
	for steps, says := range map[string]string{
		`[7]`:                       "step 1 of the template cannot be read",
		`[{},{"action":{}}]`:        "step 2 of the template cannot be read",
		`[{"id":[]}]`:               "step 1 of the template cannot be read",
		"[" + manySteps(1001) + "]": "1001 steps, at most 1000 are possible",
	} {
		template, err := workflow.ReadTemplate(json.RawMessage(`{"apiVersion":"scaffolder.backstage.io/v1beta3","spec":{"steps":` + steps + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := workflow.NewSpec(template, nil); !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40s: got %v, want %s", steps, err, says)
		}
	}
}

func manySteps(n int) string {
	return strings.TrimSuffix(strings.Repeat(`{"action":"say"},`, n), ",")
}

// FuzzReadTemplate: whatever the document is, what is made of it can be stored, read back and checked.
func FuzzReadTemplate(f *testing.F) {
	f.Add([]byte(aTemplate))
	f.Add([]byte(`{"apiVersion":"scaffolder.backstage.io/v1beta3","metadata":null,"spec":{"steps":[null,{"if":null,"each":null,"input":[]}]}}`))
	f.Add([]byte(`{"apiVersion":"scaffolder.backstage.io/v1beta3","metadata":{"annotations":[]},"spec":[]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		_ = workflow.CheckTemplate(document)
		template, err := workflow.ReadTemplate(document)
		if err != nil {
			return
		}
		_, _ = template.Ref(), template.BaseURL()
		spec, err := workflow.NewSpec(template, json.RawMessage(`{}`))
		if err != nil {
			return
		}
		spec.TemplateInfo = template.Info(template.Ref())
		stored, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		var again workflow.Spec
		if err := json.Unmarshal(stored, &again); err != nil {
			t.Fatalf("%s cannot be read back: %v", stored, err)
		}
		if len(again.Steps) != len(template.Spec.Steps) {
			t.Errorf("%d steps became %d", len(template.Spec.Steps), len(again.Steps))
		}
	})
}
