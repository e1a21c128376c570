package main

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/callboard/callboard/server/internal/app"
)

// ServeCommand is `callboard serve`.
type ServeCommand struct {
	ConfigFlags
	Frontend string `help:"Folder of a built Backstage frontend (packages/app/dist) to serve on the same origin; the same as callboard.frontend.dist." placeholder:"DIR" type:"path"`
}

// Run serves until ctx ends.
func (c *ServeCommand) Run(ctx context.Context, p *Program) error {
	var frontend []string
	if c.Frontend != "" {
		dist, _ := json.Marshal(c.Frontend)
		frontend = []string{"APP_CONFIG_callboard_frontend_dist=" + string(dist)}
	}
	cfg, options, err := c.load(ctx, p, frontend...)
	if err != nil {
		return err
	}
	logger := app.NewLogger(cfg.Section("callboard.log"), p.Stderr, p.Terminal)
	running, err := app.New(ctx, app.Options{Config: cfg, Source: options, Logger: logger, Version: version})
	if err != nil {
		return err
	}
	for _, problem := range cfg.Check(app.ConfigKeys...) {
		logger.Warn("configuration: "+problem.Error(), slog.String("hint", "callboard config check"))
	}
	return running.Run(ctx)
}
