package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
	"github.com/callboard/callboard/server/internal/store"
)

// victimEnv makes the test's own program a host that only runs tasks, until it is killed.
const victimEnv = "CALLBOARD_TEST_VICTIM"

// victimOptions are the value of victimEnv, as JSON.
type victimOptions struct {
	Database map[string]any
	Ledger   string // where actions write down what they do
	Dir      string
	Lease    time.Duration
}

// victim runs tasks by the real workflow; it returns when something is wrong.
func victim() int {
	fmt.Fprintln(os.Stderr, runVictim(os.Getenv(victimEnv)))
	return 1
}

func runVictim(options string) error {
	var o victimOptions
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return err
	}
	ctx := context.Background()
	db, err := store.Open(ctx, config.FromValue(map[string]any{"db": o.Database}).Section("db"))
	if err != nil {
		return err
	}
	sealer, err := secret.NewSealer([]byte(chaosKey))
	if err != nil {
		return err
	}
	tasks, err := OpenStore(ctx, db, sealer)
	if err != nil {
		return err
	}
	ledger, err := os.OpenFile(o.Ledger, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	actions := action.NewRegistry()
	if err := actions.Set("test", []action.Action{deed{"once", false, ledger}, deed{"again", true, ledger}}); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	runner := workflow.New(workflow.Options{Language: literal{}, Actions: actions, Logger: log})
	e := New(Options{Store: tasks, Run: runner.Run, Concurrency: 4, Lease: o.Lease, MaxLosses: 1000, WorkingDirectory: o.Dir, Logger: log})
	fmt.Fprintln(os.Stdout, "ready")
	return e.Run(ctx)
}

// literal is a language without expressions.
type literal struct{ templating.Language }

func (literal) Value(_ context.Context, template json.RawMessage, _ templating.Scope) (templating.Result, error) {
	return templating.Result{Value: template}, nil
}

func (literal) Validate(context.Context, json.RawMessage, json.RawMessage, string) ([]templating.Violation, error) {
	return nil, nil
}

// deed writes one line into the ledger, on the disk before it goes on, so that everything it did is known whenever the
// process is killed. It leaves a file in the workspace, and wants those of all earlier steps.
type deed struct {
	id         string
	repeatable bool
	ledger     *os.File
}

func (d deed) Description() action.Description {
	return action.Description{ID: d.id, Repeatable: d.repeatable}
}

func (d deed) Execute(_ context.Context, i action.Invocation, l action.Listener) error {
	var input struct{ After []string }
	if err := json.Unmarshal(i.Input, &input); err != nil {
		return err
	}
	for _, step := range input.After {
		if _, err := os.Stat(filepath.Join(i.Workspace, step)); err != nil {
			return fmt.Errorf("the file of an earlier step is gone: %w", err)
		}
	}
	if err := l.Log("info", "before"); err != nil {
		return err
	}
	time.Sleep(rand.N(4 * time.Millisecond))
	_, err := fmt.Fprintf(d.ledger, "%s %s %s\n", i.Task, i.Step, d.id)
	if err = errors.Join(err, d.ledger.Sync()); err != nil {
		return err
	}
	time.Sleep(rand.N(4 * time.Millisecond))
	return errors.Join(
		l.Checkpoint("did", json.RawMessage("true")),
		writeNew(filepath.Join(i.Workspace, i.Step)),
		l.Log("info", "after"),
		l.Output("step", json.RawMessage(`"`+i.Step+`"`)),
	)
}

// writeNew fails when the file is there: what an interrupted step left must be gone.
func writeNew(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
