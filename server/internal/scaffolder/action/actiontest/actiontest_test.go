package actiontest

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/scaffolder/action"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type local struct {
	description action.Description
	run         Run
}

func (l local) Description() action.Description { return l.description }

func (l local) Execute(ctx context.Context, run action.Invocation, to action.Listener) error {
	return l.run(ctx, run, to)
}

func TestActions_InThisProcess(t *testing.T) {
	Actions(t, func(_ *testing.T, d action.Description, run Run) action.Action { return local{d, run} })
}
