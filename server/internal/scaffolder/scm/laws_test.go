package scm

import (
	"testing"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/scaffolder/action"
	"github.com/callboard/callboard/server/internal/scaffolder/action/actiontest"
)

func TestInstalled_KeepsTheLawsOfActions(t *testing.T) {
	actiontest.Actions(t, func(_ *testing.T, d action.Description, run actiontest.Run) action.Action {
		k := kind{id: d.ID, run: func(_ *service, t *step) error { return run(t.Context, t.Invocation, t.Listener) }}
		return &installed{newService(Deps{Config: config.FromYAML("{}")}), k, d}
	})
}
