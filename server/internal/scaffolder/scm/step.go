package scm

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/rest"
	"github.com/callboard/callboard/server/internal/scaffolder/scm/git"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

// step is one run of an action of this package.
type step struct{ *action.Step }

// named gives an answer of a host the name under which the step's user sees it.
func named(err error) error {
	if e, ok := err.(*rest.Error); ok { //nolint:errorlint // an error that wraps one has a text of its own
		return apierror.New(apierror.NameOf(e), e.Error())
	}
	return err
}

// once does what an earlier run of the step has not done yet, and keeps what it answered under key.
func once[T any](t *step, key string, do func() (T, error)) (T, error) {
	var value T
	if kept, ok := t.Checkpoints[key]; ok && json.Unmarshal(kept, &value) == nil {
		return value, nil
	}
	value, err := do()
	if err != nil {
		return value, err
	}
	return value, t.Keep(key, value)
}

// do is once for what has no answer.
func (t *step) do(key string, do func() error) error {
	_, err := once(t, key, func() (any, error) { return nil, do() })
	return err
}

// begin tells that a thing is about to be made that the host refuses to make twice. again: an earlier run of the step got
// here, and did not learn what became of it; what is there already may then be its own.
func (t *step) begin(key string) (again bool, err error) {
	key += ".begun"
	if _, again = t.Checkpoints[key]; again {
		return true, nil
	}
	return false, t.Keep(key, true)
}

// files reads the folder sourcePath of the workspace, "" = all of it, without what .gitignore leaves out.
func (t *step) files(sourcePath string) ([]git.File, error) {
	if t.Workspace == "" {
		return nil, errors.New("the step has no workspace")
	}
	dir, err := workspace.Open(t.Workspace)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if sourcePath != "" {
		sub, err := dir.Sub(sourcePath)
		if err != nil {
			return nil, err
		}
		defer sub.Close()
		dir = sub
	}
	return git.ReadTree(t.Context, dir, true)
}

// startedAt is the time of the step's first run. With it a commit that is made again is the same one.
func (t *step) startedAt(now func() time.Time) (time.Time, error) {
	seconds, err := once(t, "git.commit.time", func() (int64, error) { return now().Unix(), nil })
	return time.Unix(seconds, 0), err
}
