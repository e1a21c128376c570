package main

import (
	"context"
	"fmt"

	"github.com/callboard/callboard/server/internal/app"
	"github.com/callboard/callboard/server/internal/config"
)

// ConfigCommand groups `callboard config …`.
type ConfigCommand struct {
	Print ConfigPrintCommand `cmd:"" help:"Print the merged configuration; secrets are masked."`
	Check ConfigCheckCommand `cmd:"" help:"Report what is wrong or suspicious in the configuration, with file and line."`
}

// ConfigPrintCommand is `callboard config print`.
type ConfigPrintCommand struct {
	ConfigFlags
	Format  string `enum:"yaml,json" default:"yaml" help:"yaml or json."`
	Secrets bool   `help:"Print secrets too. Mind who sees the terminal and its history."`
}

// Run prints.
func (c *ConfigPrintCommand) Run(ctx context.Context, p *Program) error {
	cfg, err := config.Load(ctx, config.Options{Files: c.Files, Env: p.Env})
	if err != nil {
		return err
	}
	return cfg.Print(p.Stdout, config.Format(c.Format), !c.Secrets)
}

// ConfigCheckCommand is `callboard config check`.
type ConfigCheckCommand struct{ ConfigFlags }

// Run reports problems; it fails when one of them would keep the host from starting.
func (c *ConfigCheckCommand) Run(ctx context.Context, p *Program) error {
	cfg, err := config.Load(ctx, config.Options{Files: c.Files, Env: p.Env})
	if err != nil {
		return err
	}
	err = app.CheckConfig(cfg)
	for _, problem := range cfg.Check(app.ConfigKeys...) {
		fmt.Fprintln(p.Stdout, problem)
	}
	if err != nil {
		fmt.Fprintln(p.Stdout, err)
		return errReported
	}
	fmt.Fprintf(p.Stdout, "%d files read, the configuration can be served\n", len(cfg.Files()))
	return nil
}
