package builtin

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recordedCase is one dry run as the reference answered it.
type recordedCase struct {
	ID, Why string
	Steps   []struct {
		Request struct {
			Body struct {
				Template          json.RawMessage
				Values            json.RawMessage
				Secrets           map[string]string
				DirectoryContents []struct{ Path, Base64Content string }
			}
		}
		Expect struct {
			Status int
			Body   json.RawMessage
		}
		Compare struct{ Ignore []string }
		Select  string
	}
}

func recordedCases(t *testing.T, file string) (all []recordedCase) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../conformance/testdata/cases", file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var c recordedCase
		if json.Unmarshal(line, &c) == nil && len(c.Steps) == 1 && c.Steps[0].Request.Body.Template != nil {
			all = append(all, c)
		}
	}
	return all
}

// outcome is what recorded and own answers are compared by.
type outcome struct {
	Log   []string
	Files map[string]string
	// Output is JSON, Error a name and, where it is recorded, a message.
	Output, Error string
}

func TestActions_DoWhatTheReferenceWasRecordedToDo(t *testing.T) {
	engine, err := templating.New(templating.Options{Timeout: time.Minute, Integrations: []templating.Integration{{Type: "github", Host: "github.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	cases := recordedCases(t, "scaffolder.fetch.jsonl")
	if len(cases) != 54 {
		t.Fatalf("%d recorded cases of fetching", len(cases))
	}
	for _, c := range recordedCases(t, "scaffolder.templating.jsonl") {
		if slices.Contains([]string{"catalog:write", "catalog:fetch", "catalog:fetch of several", "catalog:fetch of a missing one"}, c.Why) {
			cases = append(cases, c)
		}
	}
	if len(cases) != 58 {
		t.Fatalf("%d recorded cases", len(cases))
	}
	registry := action.NewRegistry()
	if err := registry.Set("host", Actions(Deps{Language: engine, Catalog: &fakeCatalog{}})); err != nil {
		t.Fatal(err)
	}
	runner := workflow.New(workflow.Options{Language: engine, Actions: registry, WorkingDirectory: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	for i, c := range cases {
		if underRace && i%12 != 0 {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			if diff := cmp.Diff(expected(t, c), replay(t, runner, c)); diff != "" {
				t.Errorf("%s (-reference +this host):\n%s", c.Why, diff)
			}
		})
	}
}

var temporaryName = regexp.MustCompile(`\S*/dry-run-[0-9a-f-]{36}`)

func replay(t *testing.T, runner *workflow.Runner, c recordedCase) outcome {
	t.Helper()
	body := c.Steps[0].Request.Body
	template, err := workflow.ReadTemplate(body.Template)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := workflow.NewSpec(template, body.Values)
	if err != nil {
		t.Fatal(err)
	}
	secrets := secret.Set{}
	for name, text := range body.Secrets {
		secrets[name] = secret.New(text)
	}
	var files []workflow.File
	for _, f := range body.DirectoryContents {
		data, err := base64.StdEncoding.DecodeString(f.Base64Content)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, workflow.File{Path: f.Path, Content: data})
	}
	report, err := runner.DryRun(context.Background(), workflow.DryRun{Spec: spec, Secrets: secrets, Files: files})
	if err != nil {
		return outcome{Error: described(err, len(c.Steps[0].Compare.Ignore) > 0)}
	}
	own := outcome{Files: map[string]string{}, Output: canonical(t, report.Output)}
	for _, line := range report.Log {
		own.Log = append(own.Log, temporaryName.ReplaceAllString(line.Body.Message, "<tmp>/dry-run-<uid>"))
	}
	slices.Sort(own.Log)
	for _, f := range report.DirectoryContents {
		own.Files[f.Path] = string(f.Content)
	}
	if c.Steps[0].Select != "" {
		own.Log, own.Files = nil, nil
	}
	return own
}

func described(err error, nameOnly bool) string {
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		e = apierror.New(apierror.Generic, err.Error())
	}
	if nameOnly {
		return string(e.Name)
	}
	return string(e.Name) + ": " + e.Message
}

func expected(t *testing.T, c recordedCase) outcome {
	t.Helper()
	step := c.Steps[0]
	if step.Expect.Status != http.StatusOK {
		var body struct {
			Error struct{ Name, Message string }
		}
		if err := json.Unmarshal(step.Expect.Body, &body); err != nil {
			t.Fatal(err)
		}
		if len(step.Compare.Ignore) > 0 {
			return outcome{Error: body.Error.Name}
		}
		return outcome{Error: body.Error.Name + ": " + body.Error.Message}
	}
	if step.Select == "/output" {
		return outcome{Output: canonical(t, step.Expect.Body)}
	}
	var body struct {
		Log               []struct{ Body struct{ Message string } }
		DirectoryContents []struct{ Path, Base64Content string }
		Output            json.RawMessage
	}
	if err := json.Unmarshal(step.Expect.Body, &body); err != nil {
		t.Fatal(err)
	}
	want := outcome{Files: map[string]string{}, Output: canonical(t, body.Output)}
	for _, line := range body.Log {
		want.Log = append(want.Log, line.Body.Message)
	}
	slices.Sort(want.Log)
	for _, f := range body.DirectoryContents {
		want.Files[f.Path] = f.Base64Content // recorded decoded, unless it is binary
		if data, err := base64.StdEncoding.DecodeString(f.Base64Content); err == nil && strings.HasSuffix(f.Path, ".bin") {
			want.Files[f.Path] = string(data)
		}
	}
	return want
}

func canonical(t *testing.T, data json.RawMessage) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
