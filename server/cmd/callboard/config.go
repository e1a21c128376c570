package main

import (
	"context"
	"fmt"
	"strconv"

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
	cfg, _, err := c.load(ctx, p)
	if err != nil {
		return err
	}
	return cfg.Print(p.Stdout, config.Format(c.Format), !c.Secrets)
}

// ConfigCheckCommand is `callboard config check`.
type ConfigCheckCommand struct{ ConfigFlags }

// Run prints each problem on a line of its own, as compilers do; it fails when one of them is an error.
func (c *ConfigCheckCommand) Run(ctx context.Context, p *Program) error {
	cfg, _, err := c.load(ctx, p)
	if err != nil {
		return err
	}
	_ = app.CheckConfig(cfg) // what it finds is among the problems
	errors, seen := 0, map[string]bool{}
	for _, problem := range cfg.Check(app.ConfigKeys...) {
		place := problem.At.String() + problem.Key
		if seen[place] {
			continue // found by two readers of the same key
		}
		seen[place] = true
		fmt.Fprintf(p.Stdout, "%s: %s: %s %s\n", problem.At, problem.Severity, problem.Key, problem.Message)
		if problem.Severity == config.Error {
			errors++
		}
	}
	if errors > 0 {
		fmt.Fprintf(p.Stdout, "%s in %s\n", count(errors, "error"), count(len(cfg.Files()), "file"))
		return errReported
	}
	fmt.Fprintf(p.Stdout, "%s read, the configuration can be served\n", count(len(cfg.Files()), "file"))
	return nil
}

// count is a number of things: "1 file", "2 files".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}
