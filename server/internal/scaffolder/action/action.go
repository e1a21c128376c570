// Package action is the seam between the scaffolder's engine and what its steps do: what an action says about itself, what
// one run of it gets, and the registry of those that are installed. Built-in actions and plugins' are the same to the engine;
// package actiontest holds the laws that both run. [Step] is for those that are written in Go. Contract page: scaffolder, §2 and §5.
package action

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/principal"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// Action is a kind of step that templates can use.
//
// Laws: Description does not block and is the same until the action is replaced. Execute is called from many goroutines,
// once for each step, and again with the same input for a step that was interrupted only when Repeatable says so; it
// returns when the step has ended and calls nobody afterwards. When ctx ends it stops within a second. An error fails the
// step, and its text is shown to the user who started the task. With DryRun, which is asked of those alone that support
// it, nothing outside is changed.
type Action interface {
	Description() Description
	Execute(ctx context.Context, run Invocation, l Listener) error
}

// Description is what an action says about itself.
type Description struct {
	ID             string // "sentry:release:create"; unique
	Description    string
	Input, Output  json.RawMessage // JSON Schemas, nil = an object with anything
	Examples       []Example
	SupportsDryRun bool
	// Repeatable: running it again with the same input after an interruption is harmless.
	Repeatable bool
}

// Example shows a template's steps, as YAML.
type Example struct{ Description, Example string }

// Invocation is one run of an action. With each, a step is one run for every item.
type Invocation struct {
	Task, Step string
	StepName   string
	Input      Input
	DryRun     bool
	User       string          // entity ref of the user who started the task, "" = nobody
	UserEntity json.RawMessage // that user's entity when the task was made, nil = not in the catalog
	// Initiator is who started the task. What a step asks of other features it asks in this name, so that a template never
	// reads or changes what its user may not. Not nil for actions of the host; plugins get User alone.
	Initiator *principal.Principal
	Template  Template
	// Secrets are what the user entered and what the host added, by name. Plugins get those alone that their input uses.
	Secrets secret.Set
	// Checkpoints are what earlier runs of this step reached, by key.
	Checkpoints map[string]json.RawMessage
	// Workspace is the folder of the task's files, "" = the action gets none. Actions of the host open it by package
	// workspace and never join paths themselves.
	Workspace string
}

// Template says which template a task runs.
type Template struct {
	EntityRef string // "template:default/go-service"; "" in the dry run of a file
	// BaseURL is where the template was read, "file:///…/template.yaml" or "https://…"; relative addresses resolve against it.
	BaseURL string
	Entity  json.RawMessage // {"metadata":…}
}

// Input is a JSON object that fits the action's input schema. It may hold secrets, so it prints as three dots.
type Input json.RawMessage

// String implements [fmt.Stringer].
func (Input) String() string { return "…" }

// GoString implements [fmt.GoStringer].
func (Input) GoString() string { return "…" }

// MarshalText keeps inputs out of structured logs and of JSON.
func (Input) MarshalText() ([]byte, error) { return []byte("…"), nil }

// Listener hears what a run does, in order and from one goroutine at a time. An error ends the run.
type Listener interface {
	// Log is for the user. level is debug, info, warn or error.
	Log(level, message string) error
	// Output sets one output of the step; of two with one name the last one counts.
	Output(name string, value json.RawMessage) error
	// Checkpoint records what was reached. It returns when that is stored.
	Checkpoint(key string, value json.RawMessage) error
}

// PluginSource begins the names of sources that are not of the host: "plugin:sentry".
const PluginSource = "plugin:"

// Registry is the actions that are installed. Sources bring and take theirs while the host runs. Safe for concurrent use.
type Registry struct {
	mu       sync.RWMutex
	bySource map[string][]Action
	byID     map[string]registered
}

type registered struct {
	Action
	source string
}

// NewRegistry is without any.
func NewRegistry() *Registry {
	return &Registry{bySource: map[string][]Action{}, byID: map[string]registered{}}
}

// Set makes list all that source has. An id that is taken is a ConflictError, and nothing changes then.
func (a *Registry) Set(source string, list []Action) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := map[string]registered{}
	for other, theirs := range a.bySource {
		for _, t := range theirs {
			if other != source {
				next[t.Description().ID] = registered{t, other}
			}
		}
	}
	for _, mine := range list {
		id := mine.Description().ID
		if _, taken := next[id]; taken {
			return apierror.Conflictf("%s cannot add the action %q: there is one of that id", source, id)
		}
		next[id] = registered{mine, source}
	}
	a.bySource[source], a.byID = slices.Clone(list), next
	return nil
}

// Remove takes away everything that source has.
func (a *Registry) Remove(source string) {
	_ = a.Set(source, nil) // nothing can be in conflict
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.bySource, source)
}

// List is every action, by id.
func (a *Registry) List() []Action {
	a.mu.RLock()
	defer a.mu.RUnlock()
	all := make([]Action, 0, len(a.byID))
	for _, x := range a.byID {
		all = append(all, x.Action)
	}
	slices.SortFunc(all, func(x, y Action) int { return cmp.Compare(x.Description().ID, y.Description().ID) })
	return all
}

// Find is the action with that id; NotFoundError in the reference's words.
func (a *Registry) Find(id string) (Action, error) {
	x, _, err := a.Lookup(id)
	return x, err
}

// Lookup is [Registry.Find] that tells the source too.
func (a *Registry) Lookup(id string) (found Action, source string, err error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if x, ok := a.byID[id]; ok {
		return x.Action, x.source, nil
	}
	return nil, "", apierror.NotFoundf("Template action with ID '%s' is not registered. See https://backstage.io/docs/features/software-templates/builtin-actions/ on how to add a new action module.", id)
}
