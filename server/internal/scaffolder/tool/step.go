package tool

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/program"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

//go:embed actions/*.yaml
var descriptions embed.FS

// describe reads what the action says about itself.
func describe(id, file string) (action.Description, error) {
	data, err := descriptions.ReadFile("actions/" + file + ".yaml")
	if err != nil {
		return action.Description{}, err
	}
	var d struct {
		Description string           `yaml:"description"`
		Repeatable  bool             `yaml:"repeatable"`
		Input       any              `yaml:"input"`
		Output      any              `yaml:"output"`
		Examples    []action.Example `yaml:"examples"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		return action.Description{}, fmt.Errorf("read the description of %s: %w", id, err)
	}
	input, err := json.Marshal(d.Input)
	if err != nil {
		return action.Description{}, err
	}
	output, err := json.Marshal(d.Output)
	return action.Description{ID: id, Description: d.Description, Input: input, Output: output, Examples: d.Examples, Repeatable: d.Repeatable}, err
}

// tool is an action whose input is an In.
type tool[In any] struct {
	description action.Description
	run         func(t *step, in In) error
}

// define makes an action of the description in actions/<file>.yaml.
func define[In any](id, file string, dryRun bool, run func(t *step, in In) error) (action.Action, error) {
	d, err := describe(id, file)
	d.SupportsDryRun = dryRun
	return tool[In]{d, run}, err
}

// Description implements [action.Action].
func (a tool[In]) Description() action.Description { return a.description }

// Execute implements [action.Action].
func (a tool[In]) Execute(ctx context.Context, run action.Invocation, l action.Listener) error {
	return action.Run(ctx, run, l, func(s *action.Step) error {
		var in In
		if err := s.ReadInput(&in); err != nil {
			return err
		}
		return a.run(&step{s}, in)
	})
}

// step is one run of an action of this package.
type step struct{ *action.Step }

// execute runs a program whose lines go to the task's log.
func (t *step) execute(p programSettings, c program.Command) (program.Result, error) {
	if c.Timeout == 0 {
		c.Timeout = p.timeout
	}
	c.Line = func(s program.Stream, text string) error {
		level := "info"
		if s == program.Stderr {
			level = cmp.Or(p.stderr, "error")
		}
		return t.Listener.Log(level, p.hidden.Redact(text))
	}
	return program.Run(t.Context, c)
}

// inspect runs a program whose standard output is data. What it says on the other stream is part of the error.
func (t *step) inspect(p programSettings, c program.Command) ([]byte, error) {
	c.Timeout = p.timeout
	r, err := program.Run(t.Context, c)
	var exit *program.ExitError
	switch {
	case errors.As(err, &exit):
		return nil, fmt.Errorf("%w: %s", err, p.hidden.Redact(exit.Stderr))
	case err != nil:
		return nil, err
	case r.Cut:
		return nil, fmt.Errorf("%s %s printed more than %d bytes", c.Program, c.Args[0], c.MaxOutput)
	}
	return r.Stdout, nil
}

// files opens the workspace, and a folder beside it for what a program must be given but the workspace must not hold.
func (t *step) files() (dir, scratch *workspace.Dir, end func(), err error) {
	dir, err = workspace.Open(t.Workspace)
	if err != nil {
		return nil, nil, nil, err
	}
	scratch, err = workspace.Temporary(t.Workspace)
	if err != nil {
		dir.Close()
		return nil, nil, nil, err
	}
	return dir, scratch, func() {
		dir.Close()
		_ = scratch.Destroy() // what is left is removed with the task's folder
	}, nil
}

// folder is the absolute path of a folder in the workspace for a program. "" = the workspace itself.
func folder(dir *workspace.Dir, name string) (string, error) {
	if name == "" {
		name = "."
	}
	info, err := dir.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", apierror.Inputf("%q is not a folder in the workspace", name)
	}
	return dir.Path(name)
}
