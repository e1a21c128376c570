//go:build !linux

package conform

import (
	"context"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// Enclosure has no sandbox to offer here: plugins are started as ordinary processes.
type Enclosure struct {
	ID     manifest.ID
	Level  sandbox.Level
	Limits manifest.Limits
	Self   string
}

// Enclosure implements [conformance.Launcher].
func (*Enclosure) Enclosure() string { return conformance.Local{}.Enclosure() }

// Start implements [conformance.Launcher].
func (*Enclosure) Start(ctx context.Context, s conformance.Start) (conformance.Process, error) {
	return conformance.Local{}.Start(ctx, s)
}
