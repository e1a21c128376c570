package app

import (
	"context"

	"github.com/callboard/callboard/server/internal/scaffolder"
	"github.com/callboard/callboard/server/internal/scaffolder/workflow"
)

// TryTemplate runs a template so that nothing outside is changed, with the actions and filters that this configuration
// offers, and without serving anything: what plugins and the catalog would add is not there. One call per App, which is
// closed when it returns.
func (a *App) TryTemplate(ctx context.Context, d scaffolder.DryRun) (workflow.Report, error) {
	report, err := a.features.scaffolder.DryRun(ctx, d)
	if closed := a.close(); err == nil {
		err = closed
	}
	return report, err
}
