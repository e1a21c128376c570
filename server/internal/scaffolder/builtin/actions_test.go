package builtin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
)

func TestDefined_KeepsTheLawsOfActions(t *testing.T) {
	actiontest.Actions(t, func(_ *testing.T, d action.Description, do actiontest.Run) action.Action {
		return define(d, func(ctx context.Context, _ map[string]any, r *run) error { return do(ctx, r.Invocation, r.to) })
	})
}

func TestDefined_InputThatDoesNotFitIsAnInputError(t *testing.T) {
	for _, a := range Actions(Deps{GoTemplate: true}) {
		for _, input := range []string{`[]`, `7`, `{`, ``} {
			if err := a.Execute(t.Context(), action.Invocation{Input: action.Input(input)}, &actiontest.Recorder{}); !apierror.Has(err, apierror.Input) {
				t.Errorf("%s of %q: %v", a.Description().ID, input, err)
			}
		}
	}
}

// The recorded answers of the reference hold a description and schemas for each of its actions.
func TestActions_DescribeThemselvesAsTheReferences(t *testing.T) {
	data, err := os.ReadFile("../../conformance/testdata/cases/scaffolder.api.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]action.Description{}
	for _, a := range Actions(Deps{}) {
		own[a.Description().ID] = a.Description()
	}
	compared := 0
	for line := range strings.Lines(string(data)) {
		var c struct {
			Steps []struct {
				Request struct{ Path string }
				Expect  struct{ Body json.RawMessage }
				Select  string
			}
		}
		if json.Unmarshal([]byte(line), &c) != nil || len(c.Steps) != 1 || !strings.HasPrefix(c.Steps[0].Select, "/[id=") {
			continue
		}
		var want struct {
			ID, Description string
			Schema          struct{ Input, Output any }
		}
		if err := json.Unmarshal(c.Steps[0].Expect.Body, &want); err != nil {
			continue
		}
		d, ok := own[want.ID]
		if !ok {
			continue
		}
		compared++
		var input, output any
		if err := json.Unmarshal(d.Input, &input); err != nil {
			t.Fatal(err)
		}
		if d.Output != nil {
			if err := json.Unmarshal(d.Output, &output); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]any{want.Description, want.Schema.Input, want.Schema.Output}, []any{d.Description, input, output}); diff != "" {
			t.Errorf("%s:\n%s", want.ID, diff)
		}
	}
	if compared != len(own) || len(own) != 13 {
		t.Errorf("%d of %d actions were compared", compared, len(own))
	}
}

func TestActions_SayWhetherTheyMayBeTriedAndRepeated(t *testing.T) {
	var got []string
	for _, a := range Actions(Deps{GoTemplate: true}) {
		d := a.Description()
		got = append(got, fmt.Sprintf("%s dry run %v, repeatable %v", d.ID, d.SupportsDryRun, d.Repeatable))
		for _, e := range d.Examples {
			var template struct {
				Steps []struct{ Action string }
			}
			if err := yaml.Unmarshal([]byte(e.Example), &template); err != nil || e.Description == "" || len(template.Steps) == 0 {
				t.Errorf("%s: example %q: %v", d.ID, e.Description, err)
			}
		}
		if len(d.Examples) == 0 {
			t.Errorf("%s has no examples", d.ID)
		}
	}
	want := []string{
		"fetch:plain dry run true, repeatable true", "fetch:plain:file dry run true, repeatable true", "fetch:template dry run true, repeatable true",
		"fetch:template:file dry run true, repeatable true", "fs:delete dry run true, repeatable true", "fs:rename dry run true, repeatable true",
		"fs:readdir dry run true, repeatable true", "catalog:register dry run false, repeatable true", "catalog:write dry run true, repeatable true",
		"catalog:fetch dry run true, repeatable true", "debug:log dry run true, repeatable true", "debug:wait dry run false, repeatable true",
		"notification:send dry run false, repeatable false", "callboard:gotemplate dry run true, repeatable true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// step is one action, a workspace and what it needs.
type step struct {
	t *testing.T
	Deps
	reader *fakeReader
	action.Invocation
	*actiontest.Recorder
}

func newStep(t *testing.T) *step {
	t.Helper()
	reader := &fakeReader{}
	s := &step{t: t, reader: reader, Recorder: &actiontest.Recorder{}, Deps: Deps{Reader: reader, Language: braces{}, Catalog: &fakeCatalog{}, Notifier: &fakeNotifier{}, GoTemplate: true}}
	s.Workspace = filepath.Join(t.TempDir(), "ws")
	s.Initiator = &principal.Principal{Kind: principal.User, Subject: "user:default/ann"}
	if err := os.Mkdir(s.Workspace, 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *step) execute(id string, input any) error {
	s.t.Helper()
	data, err := json.Marshal(input)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Input = action.Input(data)
	for _, a := range Actions(s.Deps) {
		if a.Description().ID == id {
			return a.Execute(s.t.Context(), s.Invocation, s.Recorder)
		}
	}
	s.t.Fatalf("there is no action %s", id)
	return nil
}

func (s *step) must(id string, input any) {
	s.t.Helper()
	if err := s.execute(id, input); err != nil {
		s.t.Fatalf("%s: %v", id, err)
	}
}

func (s *step) put(files map[string]string) {
	s.t.Helper()
	for name, content := range files {
		at := filepath.Join(s.Workspace, name)
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if target, link := strings.CutPrefix(content, "-> "); err == nil && link {
			err = os.Symlink(target, at)
		} else if err == nil {
			err = os.WriteFile(at, []byte(content), 0o644)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// holds fails the test when the workspace has other files, or something was left beside it.
func (s *step) holds(want map[string]string) {
	s.t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(s.Workspace, func(at string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name := strings.TrimPrefix(at, s.Workspace+"/")
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if target, err := os.Readlink(at); err == nil {
			got[name] = "-> " + target
			return nil
		}
		data, err := os.ReadFile(at)
		if got[name] = string(data); info.Mode()&0o100 != 0 {
			got[name] += " (executable)"
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Error(diff)
	}
	if beside, _ := os.ReadDir(filepath.Dir(s.Workspace)); len(beside) != 1 {
		s.t.Errorf("beside the workspace is %v", beside)
	}
}

func (s *step) said(want ...string) {
	s.t.Helper()
	got := s.Lines
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], s.Workspace, "WS")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Error(diff)
	}
	s.Lines = nil
}

type object = map[string]any

// braces is the least of template languages: ${{ values.name }} is the value called name, and "${{ error }}" an error.
type braces struct{}

func (braces) Files(_ context.Context, variables json.RawMessage, _ templating.FileOptions) (templating.Files, error) {
	var v struct{ Values map[string]any }
	err := json.Unmarshal(variables, &v)
	return rendering(v.Values), err
}

type rendering map[string]any

func (r rendering) Render(_ context.Context, text string) (string, error) {
	if strings.Contains(text, "${{ error }}") {
		return "", apierror.New("TemplateRenderError", "there is an error")
	}
	for name, value := range r {
		text = strings.ReplaceAll(text, "${{ values."+name+" }}", fmt.Sprint(value))
	}
	return text, nil
}

func (rendering) Close() {}
