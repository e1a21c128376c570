package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// PluginInspectCommand is `callboard plugin inspect`.
type PluginInspectCommand struct {
	HostFlags
	ID string `arg:"" help:"Plugin."`
}

// Run prints everything that is known of a plugin and that it says about itself.
func (c *PluginInspectCommand) Run(ctx context.Context, p *Program) error {
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	text, err := host.Inspect(ctx, manifest.ID(c.ID))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, out.String())
	return nil
}
