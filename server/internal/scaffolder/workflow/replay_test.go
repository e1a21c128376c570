package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/conformance"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/builtin"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

const recorded = "../../conformance/testdata"

// guest is who the recordings were made as.
var guest = workflow.User{Ref: "user:default/guest", Entity: json.RawMessage(`{"apiVersion":"backstage.io/v1alpha1","kind":"User","metadata":{"name":"guest"}}`)}

// harbour is a catalog with one domain.
type harbour struct{ builtin.Catalog }

func (harbour) Entities(_ context.Context, _ *principal.Principal, refs []entity.Ref) ([]json.RawMessage, error) {
	found := make([]json.RawMessage, len(refs))
	for i, ref := range refs {
		if ref.Name == "cranes" {
			found[i] = json.RawMessage(`{"kind":"Domain","metadata":{"name":"cranes","description":"Lifting gear"}}`)
		}
	}
	return found, nil
}

// stock is a runner as the recorded reference was configured.
func stock(t *testing.T) *workflow.Runner {
	t.Helper()
	r := newRunner(t, builtin.Actions(builtin.Deps{
		Language: language, Catalog: harbour{},
		LocalTemplate: func(context.Context, action.Template) (bool, error) { return true, nil },
	})...)
	r.Environment = workflow.Environment{
		Parameters: json.RawMessage(`{"region":"north-quay","tier":"3"}`), Secrets: secret.Set{"envSecret": secret.New("very-secret-value")},
	}
	return r
}

func recordedCases(t *testing.T) (all []conformance.Case) {
	t.Helper()
	all, err := conformance.LoadCases(filepath.Join(recorded, "cases"), nil, func(line string) string { return line })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// bench is an HTTP API of dry runs alone.
func bench(t *testing.T, r *workflow.Runner) *conformance.Runner {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, rq *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		report, err := tryOut(rq, r)
		if err != nil {
			e, ok := errors.AsType[*apierror.Error](err)
			if !ok {
				e = apierror.New(apierror.Generic, err.Error())
			}
			w.WriteHeader(e.HTTPStatus())
			_ = json.NewEncoder(w).Encode(map[string]any{
				"error":   map[string]any{"name": e.Name, "message": e.Message},
				"request": map[string]any{"method": rq.Method, "url": "/v2/dry-run"}, "response": map[string]any{"statusCode": e.HTTPStatus()},
			})
			return
		}
		_ = json.NewEncoder(w).Encode(report)
	}))
	t.Cleanup(server.Close)
	runner, err := conformance.NewRunner(server.URL, conformance.Suite{}, "/fixtures", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return runner
}

func tryOut(rq *http.Request, r *workflow.Runner) (workflow.Report, error) {
	var body struct {
		Template, Values  json.RawMessage
		Secrets           map[string]string
		DirectoryContents []workflow.File
	}
	if err := json.NewDecoder(rq.Body).Decode(&body); err != nil {
		return workflow.Report{}, err
	}
	if err := workflow.CheckTemplate(body.Template); err != nil {
		return workflow.Report{}, err
	}
	template, err := workflow.ReadTemplate(body.Template)
	if err != nil {
		return workflow.Report{}, err
	}
	spec, err := workflow.NewSpec(template, body.Values)
	if err != nil {
		return workflow.Report{}, err
	}
	spec.User = &guest
	secrets := secret.Set{"backstageToken": secret.New("the-token-of-the-guest")}
	for name, value := range body.Secrets {
		secrets[name] = secret.New(value)
	}
	return r.DryRun(rq.Context(), workflow.DryRun{Spec: spec, Metadata: template.Metadata, Secrets: secrets, Files: body.DirectoryContents})
}

// elsewhere are dry runs of which the answer is not the runner's: what bodies and values may be, and who may ask.
var elsewhere = regexp.MustCompile(`no template|no values|no directory|values against the parameters|without content|without credentials|^user|\$\{\{ user`)

func TestDryRun_IsTheReferences(t *testing.T) {
	runner, replayed := bench(t, stock(t)), 0
	for _, c := range recordedCases(t) {
		steps := strings.HasPrefix(c.ID, "scaffolder.templating.step-")
		if !steps && (c.Area != "scaffolder.api" || !strings.HasPrefix(c.Why, "dry run: ")) || elsewhere.MatchString(c.Why) {
			continue
		}
		if replayed++; underRace && replayed%16 != 0 {
			continue
		}
		c.Auth = "static:x"
		for _, d := range runner.Run(t.Context(), c) {
			t.Errorf("%s (%s): %s", c.ID, c.Why, d)
		}
	}
	if replayed < 74 {
		t.Errorf("only %d cases", replayed)
	}
}

// recordedTask is a task as the reference showed it in the end.
type recordedTask struct {
	Spec workflow.Spec
}

type recordedEvent struct {
	Type string
	Body struct {
		workflow.Entry

		Output json.RawMessage
		Error  *struct{ Name, Message string }
	}
}

func TestRun_IsTheReferences(t *testing.T) {
	r, replayed := stock(t), 0
	fixtures, err := filepath.Abs(filepath.Join(recorded, "fixtures"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range recordedCases(t) {
		if c.Area != "scaffolder.api" || len(c.Steps) != 3 || !strings.HasPrefix(c.Why, "run ") {
			continue
		}
		if replayed++; underRace && replayed%8 != 1 {
			continue
		}
		var task recordedTask
		var events []recordedEvent
		var request struct {
			Body struct{ Secrets map[string]string }
		}
		decode(t, []byte(strings.ReplaceAll(string(c.Steps[1].Expect.Body), "${FIXTURES}", fixtures)), &task)
		decode(t, c.Steps[2].Expect.Body, &events)
		remarshal(t, c.Steps[0].Request, &request)
		secrets := secret.Set{"backstageToken": secret.New("the-token-of-the-guest")}
		for name, value := range request.Body.Secrets {
			secrets[name] = secret.New(value)
		}
		checkTask(t, r, c, workflow.Run{TaskID: "7d0b7a5e-5d3a-4d39-9c53-0a7a0a1c2b3d", Spec: task.Spec, Secrets: secrets, Workspace: t.TempDir()}, events)
	}
	if replayed < 7 {
		t.Errorf("only %d cases", replayed)
	}
}

func checkTask(t *testing.T, r *workflow.Runner, c conformance.Case, run workflow.Run, events []recordedEvent) {
	t.Helper()
	j := &journal{}
	output, err := r.Run(t.Context(), run, j)
	var want []workflow.Entry
	for _, e := range events[:len(events)-1] {
		want = append(want, e.Body.Entry)
	}
	got := slices.Concat(j.entries, j.pending)
	for i := range got {
		got[i].Message = strings.ReplaceAll(got[i].Message, run.Workspace, "<tmp>/<uid>")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (%s): (-reference +this)\n%s", c.ID, c.Why, diff)
	}
	end := events[len(events)-1].Body
	switch {
	case end.Error != nil:
		if want := end.Error.Name + ": " + end.Error.Message; err == nil || err.Error() != want {
			t.Errorf("%s (%s): got %v, want %s", c.ID, c.Why, err, want)
		}
	case err != nil || !sameJSON(t, []byte(strings.ReplaceAll(string(output), run.TaskID, "<uid>")), end.Output):
		t.Errorf("%s (%s): got %s, %v, want %s", c.ID, c.Why, output, err, end.Output)
	}
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func remarshal(t *testing.T, from, into any) {
	t.Helper()
	data, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, data, into)
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	decode(t, a, &x)
	decode(t, b, &y)
	return reflect.DeepEqual(x, y)
}
