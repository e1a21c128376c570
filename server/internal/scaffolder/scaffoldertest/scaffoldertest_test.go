package scaffoldertest

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/scaffolder"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type local struct {
	description scaffolder.Description
	run         Run
}

func (l local) Description() scaffolder.Description { return l.description }

func (l local) Execute(ctx context.Context, run scaffolder.Invocation, to scaffolder.Listener) error {
	return l.run(ctx, run, to)
}

func TestActions_InThisProcess(t *testing.T) {
	Actions(t, func(_ *testing.T, d scaffolder.Description, run Run) scaffolder.Action { return local{d, run} })
}
