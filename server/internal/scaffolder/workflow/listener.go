package workflow

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/scaffolder/secret"
)

// listener hears one call of an action.
type listener struct {
	*attempt

	ctx     func() context.Context
	prefix  string
	names   []string // of outputs, in the order in which they came
	outputs map[string]json.RawMessage
	refused error // the first thing that the action was refused
	// messages are what it logs as one text, in which a secret that is split over lines is found; levels are those of the
	// lines that are held back until the next one tells.
	messages *secret.Messages
	levels   []string
}

// Log implements [action.Listener].
func (l *listener) Log(level, message string) error {
	l.levels = append(l.levels, level)
	return l.tell(l.messages.Add(message))
}

// flush tells what was held back.
func (l *listener) flush() error { return l.tell(l.messages.Flush()) }

func (l *listener) tell(ready []string) error {
	for _, message := range ready {
		level := l.levels[0]
		l.levels = l.levels[1:]
		if err := l.redacted(l.ctx(), level, message); err != nil {
			return err
		}
	}
	return nil
}

// Output implements [action.Listener].
func (l *listener) Output(name string, value json.RawMessage) error {
	if len(value) == 0 {
		return nil // undefined, as in the reference
	}
	if !json.Valid(value) {
		return l.refuse(apierror.Inputf("the output %s of action %s is not JSON", name, l.about.ID))
	}
	before, known := l.outputs[name]
	if !known {
		l.names = append(l.names, name)
	}
	l.outputs[name] = value
	if l.output += len(name) + len(value) - len(before); l.output > maxStepOutput {
		return l.refuse(apierror.Inputf("the outputs of action %s are larger than %d bytes, at %s", l.about.ID, maxStepOutput, name))
	}
	return nil
}

// Checkpoint implements [action.Listener].
func (l *listener) Checkpoint(key string, value json.RawMessage) error {
	if !json.Valid(value) {
		return l.refuse(apierror.Inputf("the checkpoint %s of action %s is not JSON", key, l.about.ID))
	}
	if l.reached += len(key) + len(value); l.reached > maxStepOutput {
		return l.refuse(apierror.Inputf("the checkpoints of action %s are larger than %d bytes, at %s", l.about.ID, maxStepOutput, key))
	}
	return l.diary.checkpoint(l.ctx(), l.key, l.prefix+key, value)
}

func (l *listener) refuse(err error) error {
	if l.refused == nil {
		l.refused = err
	}
	return err
}

func (l *listener) object() json.RawMessage {
	all := make([]jsvalue.Member, len(l.names))
	for i, name := range l.names {
		all[i] = member(name, l.outputs[name])
	}
	return jsvalue.Object(all...)
}

// colours are those of the log lines of the reference, by level.
var colours = map[string]int{"error": 31, "info": 32, "warn": 33, "debug": 34}

// line writes what the engine says in the manner of an action.
func (a *attempt) line(ctx context.Context, message string) error {
	return a.redacted(ctx, "info", a.lines.Redact(message))
}

// redacted writes a line without secrets. Of an action that does not stop talking the rest is left out.
func (a *attempt) redacted(ctx context.Context, level, message string) error {
	if level == "debug" && !a.Logger.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	if a.logged > maxLog {
		return nil
	}
	message = excerpt.Of(message, maxLine)
	if a.logged += len(message); a.logged > maxLog {
		level, message = "warn", fmt.Sprintf("The log of this run is larger than %d bytes, the rest is left out", maxLog)
	}
	if colours[level] == 0 {
		level = "info"
	}
	return a.diary.log(ctx, Entry{Message: fmt.Sprintf("\x1b[%dm%s\x1b[39m: %s", colours[level], level, message), StepID: a.step.ID})
}
