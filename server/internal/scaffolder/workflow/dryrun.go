package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// DryRun is a template to try out.
type DryRun struct {
	// Spec is made by [NewSpec]; its TemplateInfo is set by the run.
	Spec     Spec
	Metadata json.RawMessage // of the template
	Secrets  secret.Set
	// Files stand beside the template, for steps that fetch them.
	Files     []File
	Initiator *principal.Principal
}

// File is a file as data.
type File struct {
	Path       string `json:"path"`
	Executable bool   `json:"executable"`
	Content    []byte `json:"base64Content"`
}

// Report is what a dry run came to.
type Report struct {
	Log               []ReportLine    `json:"log"`
	DirectoryContents []File          `json:"directoryContents"` // of the workspace, in the end
	Output            json.RawMessage `json:"output"`
	Steps             []Step          `json:"steps"`
}

// ReportLine is one line of the log of a dry run.
type ReportLine struct {
	Body Entry `json:"body"`
}

// The limits of dry runs.
const (
	maxFiles         = 10_000
	maxFilesBytes    = 10 << 20
	maxContentsBytes = 32 << 20
)

// DryRun runs a template so that nothing outside is changed. Of its steps, those that can be tried are; the others give
// examples of outputs.
func (r *Runner) DryRun(ctx context.Context, d DryRun) (_ Report, err error) {
	parent, id := r.WorkingDirectory, uuid.NewString()
	if parent == "" {
		parent = os.TempDir()
	}
	// The names are the reference's, which users see in logs.
	beside, err := furnish(filepath.Join(parent, "dry-run-content-"+id), d.Files)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, beside.Destroy()) }()
	space, err := workspace.Create(filepath.Join(parent, "dry-run-"+id))
	if err != nil {
		return Report{}, fmt.Errorf("dry run: %w", err)
	}
	defer func() { err = errors.Join(err, space.Destroy()) }()

	d.Spec.TemplateInfo = &TemplateInfo{
		EntityRef: "template:default/dry-run", Entity: jsvalue.Object(member("metadata", orEmpty(d.Metadata))),
		BaseURL: (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(beside.Name(), "template.yaml"))}).String(),
	}
	log := &memory{}
	output, err := r.Run(ctx, Run{
		TaskID: "dry-run-" + id, Spec: d.Spec, Secrets: d.Secrets, Initiator: d.Initiator, Workspace: space.Name(), DryRun: true,
	}, log)
	if err != nil {
		return Report{}, err
	}
	files, err := contents(space)
	return Report{Log: log.lines, DirectoryContents: files, Output: output, Steps: d.Spec.Steps}, err
}

// furnish makes the folder of the template.
func furnish(path string, files []File) (*workspace.Dir, error) {
	if len(files) > maxFiles {
		return nil, apierror.Inputf("directoryContents has %d files, at most %d are possible", len(files), maxFiles)
	}
	size, list := 0, make([]workspace.File, len(files))
	for i, f := range files {
		if size += len(f.Content); size > maxFilesBytes {
			return nil, apierror.Inputf("directoryContents is larger than %d bytes, at %s", maxFilesBytes, f.Path)
		}
		list[i] = workspace.File{Path: f.Path, Content: f.Content}
	}
	dir, err := workspace.Create(path)
	if err != nil {
		return nil, fmt.Errorf("dry run: %w", err)
	}
	if err := dir.Restore(list); err != nil {
		return nil, errors.Join(err, dir.Destroy())
	}
	return dir, nil
}

func contents(space *workspace.Dir) ([]File, error) {
	all, err := space.Serialise(".", maxContentsBytes)
	if err != nil {
		return nil, err
	}
	list := make([]File, len(all))
	for i, f := range all {
		list[i] = File{Path: f.Path, Executable: f.Executable, Content: f.Content}
	}
	return list, nil
}

// memory is the journal of a dry run.
type memory struct{ lines []ReportLine }

// Log implements [Journal].
func (m *memory) Log(_ context.Context, e Entry) error {
	m.lines = append(m.lines, ReportLine{e})
	return nil
}

// Step implements [Journal].
func (*memory) Step(context.Context, string, StepState) error { return nil }

// Checkpoint implements [Journal].
func (*memory) Checkpoint(context.Context, string, string, json.RawMessage) error { return nil }

// preview tells what the action would get, with stars for secrets. An action that cannot be tried ends with examples.
func (a *attempt) preview(ctx context.Context) error {
	input := json.RawMessage("{}")
	if templating.Truthy(a.step.Input) {
		result, err := a.render(a.cancellable(), a.step.Input, templating.Scope{Variables: a.variables.withStars()})
		if err != nil {
			return err
		}
		input = orEmpty(result.Value)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, input, "", "  "); err != nil {
		return err
	}
	if err := a.line(ctx, fmt.Sprintf("Running %s in dry-run mode with inputs (secrets redacted): %s", a.about.ID, indented.String())); err != nil {
		return err
	}
	if a.about.SupportsDryRun {
		return nil
	}
	var output json.RawMessage
	if a.about.Output != nil {
		output = exampleOutput(a.about.Output)
	}
	a.variables.setOutput(a.step.ID, output)
	return a.say(ctx, a.step, Skipped, "Skipping because %s does not support dry-run", a.about.ID)
}
