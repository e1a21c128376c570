// Package workflow runs the steps of one task from its beginning, or from where an earlier run of it ended: conditions,
// loops, inputs and outputs through the template language, input schemas, permission for each action, and what is told to
// the user. It knows no database and no HTTP: what must outlive the process goes to a [Journal]. The real run and the dry
// run are the same code. Contract page: scaffolder, §3.
package workflow

import (
	"context"
	"encoding/json"

	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// Spec is what a task does, in the JSON that clients see: the template's steps with ids and names filled in, the values
// of the form, and who asked.
type Spec struct {
	APIVersion   string          `json:"apiVersion"`
	Steps        []Step          `json:"steps"`
	Output       json.RawMessage `json:"output,omitempty"` // an object of templates
	Parameters   json.RawMessage `json:"parameters"`       // the values, an object
	User         *User           `json:"user,omitempty"`   // a service's is empty
	TemplateInfo *TemplateInfo   `json:"templateInfo,omitempty"`
	Recovery     json.RawMessage `json:"EXPERIMENTAL_recovery,omitempty"`
}

// Step is one step of a template. Input, If and Each are JSON whose strings are templates.
type Step struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Action string          `json:"action"`
	Input  json.RawMessage `json:"input,omitempty"`
	If     json.RawMessage `json:"if,omitempty"` // a string or a boolean
	Each   json.RawMessage `json:"each,omitempty"`
	// Permissions are what the template says about who may read the step: {"tags":[…]}.
	Permissions json.RawMessage `json:"backstage:permissions,omitempty"`
}

// User is who started a task.
type User struct {
	Entity json.RawMessage `json:"entity,omitempty"` // nil = not in the catalog
	Ref    string          `json:"ref,omitempty"`
}

// TemplateInfo is the template that a task was made from.
type TemplateInfo struct {
	EntityRef string          `json:"entityRef"`
	BaseURL   string          `json:"baseUrl,omitempty"`
	Entity    json.RawMessage `json:"entity,omitempty"` // {"metadata":…}
}

// Run is what one run of a task gets.
type Run struct {
	TaskID    string
	Spec      Spec
	Secrets   secret.Set
	Initiator *principal.Principal
	// State is what earlier runs of the task reached; the zero State = it begins.
	State State
	// Workspace is an existing folder for the task's files.
	Workspace string
	DryRun    bool
}

// Status is where a step is, in the words of event bodies.
type Status string

// The states of steps. Of a step that began and was not ended the state is Processing: whether it did its work is not known.
const (
	Processing Status = "processing"
	Completed  Status = "completed"
	Failed     Status = "failed"
	Skipped    Status = "skipped"
	Cancelled  Status = "cancelled"
)

// State is what a task has reached. It may hold secrets, so it is sealed where it rests. A run goes on from it as it is:
// what failed stays failed. When a user asks to try a task again, the steps that are to be run again are taken out of it.
type State struct {
	Steps map[string]StepState `json:"steps,omitempty"`
	// Checkpoints are by step and key.
	Checkpoints map[string]map[string]json.RawMessage `json:"checkpoints,omitempty"`
}

// StepState is what is known of one step.
type StepState struct {
	Status Status          `json:"status"`
	Output json.RawMessage `json:"output,omitempty"` // an object, of completed steps
	Error  string          `json:"error,omitempty"`  // of failed steps, redacted
	// Done are the iterations that ended well before the step as a whole did, by key, with their outputs.
	Done map[string]json.RawMessage `json:"done,omitempty"`
}

// Entry is one line of a task's log: the body of an event of type "log", already redacted.
type Entry struct {
	Message string `json:"message"`
	StepID  string `json:"stepId,omitempty"`
	Status  Status `json:"status,omitempty"`
}

// Journal is where a run writes what must outlive the process. Its calls come from one goroutine at a time, in order.
//
// Laws: Log may return before the entry is stored; everything else returns when it is, together with all entries before
// it. What was stored is never lost, reordered or stored twice. An error ends the run at once: ErrLost when the task was
// taken from this run (its lease ended), after which nothing more may be done for it.
type Journal interface {
	Log(ctx context.Context, e Entry) error
	// Step records the state of a step. Before an action is called Step says Processing, so that afterwards it is known that
	// it may have done its work; its outcome is recorded before the next step begins.
	Step(ctx context.Context, id string, s StepState) error
	// Checkpoint records what a step reached.
	Checkpoint(ctx context.Context, step, key string, value json.RawMessage) error
}
