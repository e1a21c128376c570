package app

import "github.com/callboard/callboard/server/internal/widget"

// Widgets is where tests put widgets that no plugin has.
func (a *App) Widgets() *widget.Registry { return a.features.widgets }
