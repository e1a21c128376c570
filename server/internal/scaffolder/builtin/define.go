package builtin

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/callboard/callboard/catalog-info/jsvalue"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// define makes an action of a function that gets its input as In.
func define[In any](d action.Description, do func(ctx context.Context, in In, r *run) error) action.Action {
	return defined[In]{d, do}
}

type defined[In any] struct {
	description action.Description
	do          func(ctx context.Context, in In, r *run) error
}

func (a defined[In]) Description() action.Description { return a.description }

func (a defined[In]) Execute(ctx context.Context, invocation action.Invocation, l action.Listener) error {
	var in In
	if err := json.Unmarshal(invocation.Input, &in); err != nil {
		return apierror.Inputf("Invalid input passed to action %s: it does not fit the action's schema", a.description.ID)
	}
	r := &run{Invocation: invocation, to: l}
	err := a.do(ctx, in, r)
	if r.dir != nil {
		err = cmp.Or(err, r.dir.Close())
	}
	return err
}

// run is one run of an action and what it can do.
type run struct {
	action.Invocation
	to  action.Listener
	dir *workspace.Dir
}

// files is the task's folder. It is closed when the run ends.
func (r *run) files() (*workspace.Dir, error) {
	if r.dir != nil {
		return r.dir, nil
	}
	if r.Workspace == "" {
		return nil, errors.New("the step was given no workspace")
	}
	var err error
	r.dir, err = workspace.Open(r.Workspace)
	return r.dir, err
}

// target is a name within the task's folder.
func (r *run) target(name string) (*workspace.Dir, string, error) {
	dir, err := r.files()
	if err != nil {
		return nil, "", err
	}
	target, err := dir.Resolve(name)
	return dir, target, err
}

func (r *run) info(format string, args ...any) error {
	return r.to.Log("info", fmt.Sprintf(format, args...))
}

func (r *run) warn(format string, args ...any) error {
	return r.to.Log("warn", fmt.Sprintf(format, args...))
}

func (r *run) output(name string, value any) error {
	data, err := jsvalue.JSON(value)
	if err != nil {
		return fmt.Errorf("output %s: %w", name, err)
	}
	return r.to.Output(name, data)
}

// Descriptions and schemas are wire data: clients validate forms and compare texts by them.
//
//go:embed schemas/*.json
var schemas embed.FS

// describe is the description of the action id. The embedded files are part of the program, so a broken one is a mistake
// of its author.
func describe(id string) action.Description {
	data, err := schemas.ReadFile("schemas/" + strings.ReplaceAll(id, ":", ".") + ".json")
	if err != nil {
		panic(err)
	}
	var file struct {
		Description   string
		Examples      []action.Example
		Input, Output json.RawMessage
	}
	if err := json.Unmarshal(data, &file); err != nil {
		panic(fmt.Sprintf("description of %s: %v", id, err))
	}
	return action.Description{ID: id, Description: file.Description, Examples: file.Examples, Input: compact(file.Input), Output: compact(file.Output)}
}

func compact(data json.RawMessage) json.RawMessage {
	if data == nil {
		return nil
	}
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// dryRunnable and repeatable complete a description.
func dryRunnable(d action.Description) action.Description { d.SupportsDryRun = true; return d }

func repeatable(d action.Description) action.Description { d.Repeatable = true; return d }
