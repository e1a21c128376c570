package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// underRace is set by the race detector, which makes virtual machines and long texts ten times slower. Of tests of which
// all cases share the same goroutines only some run then.
var underRace bool

// language is shared: to start a virtual machine costs more than any of the stories.
var language *remembering

// remembering is a language that does not render twice what it rendered before, since tests run the same tasks again and
// again.
type remembering struct {
	*templating.Engine

	values sync.Map // by what was asked
}

func (r *remembering) Value(ctx context.Context, template json.RawMessage, s templating.Scope) (templating.Result, error) {
	question := fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n%v", template, s.Variables, s.Each, s.Secrets, s.Plain, *s.Failed)
	if known, ok := r.values.Load(question); ok {
		return known.(templating.Result), nil
	}
	result, err := r.Engine.Value(ctx, template, s)
	if err == nil {
		r.values.Store(question, result)
	}
	return result, err
}

// tests closes the language before leaks are looked for.
type tests struct{ *testing.M }

func (m tests) Run() int {
	defer language.Close()
	return m.M.Run()
}

func TestMain(m *testing.M) {
	// The race detector makes virtual machines slow; their limit of time has tests of its own.
	engine, err := templating.New(templating.Options{Timeout: time.Minute})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	language = &remembering{Engine: engine}
	goleak.VerifyTestMain(tests{m})
}

// act is an action that does what a test says.
type act struct {
	about action.Description
	do    func(ctx context.Context, i action.Invocation, l action.Listener) error
}

func (a act) Description() action.Description { return a.about }

func (a act) Execute(ctx context.Context, i action.Invocation, l action.Listener) error {
	return a.do(ctx, i, l)
}

// echo is the action say, which logs its input and gives each of its members as an output.
func echo() act {
	return act{action.Description{ID: "say", SupportsDryRun: true, Repeatable: true}, func(_ context.Context, i action.Invocation, l action.Listener) error {
		var input map[string]json.RawMessage
		if err := json.Unmarshal(i.Input, &input); err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(input)) {
			if err := l.Output(name, input[name]); err != nil {
				return err
			}
		}
		return l.Log("info", string(i.Input))
	}}
}

// failing fails with that error.
func failing(id string, err error) act {
	return act{action.Description{ID: id}, func(context.Context, action.Invocation, action.Listener) error { return err }}
}

// newRunner is a runner with those actions, all of the host.
func newRunner(t testing.TB, actions ...action.Action) *workflow.Runner {
	t.Helper()
	registry := action.NewRegistry()
	if err := registry.Set("builtin", actions); err != nil {
		t.Fatal(err)
	}
	return workflow.New(workflow.Options{
		Language: language, Actions: registry, Logger: slog.New(slog.DiscardHandler), WorkingDirectory: t.TempDir(),
	})
}

// newSpec is a task of a template with that spec, whose parameters are values.
func newSpec(t testing.TB, spec, values string) workflow.Spec {
	t.Helper()
	template, err := workflow.ReadTemplate(json.RawMessage(`{"apiVersion":"scaffolder.backstage.io/v1beta3","kind":"Template","metadata":{"name":"x"},"spec":` + spec + `}`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := workflow.NewSpec(template, json.RawMessage(values))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var errCrash = errors.New("the host died")

// journal keeps what it is told as a store does that dies at a given write: what comes before a state is stored with it.
type journal struct {
	state   workflow.State
	entries []workflow.Entry // stored
	pending []workflow.Entry
	history []string // all that it was told, for people
	writes  int
	dieAt   int // 0 = never
	failure error
}

func (j *journal) write(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.writes++
	if j.writes == j.dieAt {
		j.failure = errCrash
	}
	return j.failure
}

func (j *journal) Log(ctx context.Context, e workflow.Entry) error {
	if err := j.write(ctx); err != nil {
		return err
	}
	j.pending = append(j.pending, e)
	j.history = append(j.history, strings.TrimRight(fmt.Sprintf("%-8s %-10s %s", e.StepID, e.Status, visible(e.Message)), " "))
	return nil
}

func (j *journal) Step(ctx context.Context, id string, s workflow.StepState) error {
	if err := j.write(ctx); err != nil {
		return err
	}
	j.store()
	if j.state.Steps == nil {
		j.state.Steps = map[string]workflow.StepState{}
	}
	s.Done = maps.Clone(s.Done)
	j.state.Steps[id] = s
	line := fmt.Sprintf("%-8s = %s", id, s.Status)
	for _, key := range slices.Sorted(maps.Keys(s.Done)) {
		line += fmt.Sprintf(" [%s]=%s", key, s.Done[key])
	}
	j.history = append(j.history, strings.TrimRight(line+" "+string(s.Output)+visible(s.Error), " "))
	return nil
}

func (j *journal) Checkpoint(ctx context.Context, step, key string, value json.RawMessage) error {
	if err := j.write(ctx); err != nil {
		return err
	}
	j.store()
	if j.state.Checkpoints == nil {
		j.state.Checkpoints = map[string]map[string]json.RawMessage{}
	}
	if j.state.Checkpoints[step] == nil {
		j.state.Checkpoints[step] = map[string]json.RawMessage{}
	}
	j.state.Checkpoints[step][key] = value
	j.history = append(j.history, fmt.Sprintf("%-8s @ %s %s", step, key, value))
	return nil
}

func (j *journal) store() {
	j.entries = append(j.entries, j.pending...)
	j.pending = nil
}

// messages are all log lines of one run.
func (j *journal) messages() []string {
	var all []string
	for _, e := range append(slices.Clone(j.entries), j.pending...) {
		all = append(all, e.Message)
	}
	return all
}

func visible(text string) string {
	return strings.NewReplacer("\x1b", "␛", "\n", "⏎", "\x00", "␀").Replace(text)
}
