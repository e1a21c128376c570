package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/supervise"
)

// PluginRestartCommand is `callboard plugin restart`.
type PluginRestartCommand struct {
	HostFlags
	ID string `arg:"" help:"Plugin."`
}

// Run starts a new instance beside the one that runs, and moves to it.
func (c *PluginRestartCommand) Run(ctx context.Context, p *Program) error {
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	v, err := host.Restart(ctx, manifest.ID(c.ID))
	if err == nil {
		fmt.Fprintf(p.Stdout, "%s %s is %s\n", v.ID, v.Version, v.State)
	}
	return err
}

// PluginStopCommand is `callboard plugin stop`.
type PluginStopCommand struct {
	HostFlags
	ID string `arg:"" help:"Plugin."`
}

// Run stops a plugin until it is restarted.
func (c *PluginStopCommand) Run(ctx context.Context, p *Program) error {
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	v, err := host.Stop(ctx, manifest.ID(c.ID))
	if err == nil {
		fmt.Fprintf(p.Stdout, "%s is %s; `callboard plugin restart %s` starts it again\n", v.ID, v.State, v.ID)
	}
	return err
}

// PluginUpgradeCommand is `callboard plugin upgrade`.
type PluginUpgradeCommand struct {
	HostFlags
	ID     string `arg:"" help:"Plugin."`
	Source string `arg:"" help:"Folder or package of the other version."`
}

// Run moves a running plugin to another version.
func (c *PluginUpgradeCommand) Run(ctx context.Context, p *Program) error {
	source, err := filepath.Abs(c.Source)
	if err != nil {
		return err
	}
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	v, err := host.Upgrade(ctx, manifest.ID(c.ID), source)
	if err == nil {
		fmt.Fprintf(p.Stdout, "%s %s is %s; write source: %s into the configuration, or it goes back when that is read again\n", v.ID, v.Version, v.State, source)
	}
	return err
}

// PluginApproveCommand is `callboard plugin approve`.
type PluginApproveCommand struct {
	HostFlags
	ID  string `arg:"" help:"Plugin."`
	Yes bool   `help:"Approve; without it the privileges are only shown."`
}

// Run shows what a plugin asks for, and lets it run as it is.
func (c *PluginApproveCommand) Run(ctx context.Context, p *Program) error {
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	id := manifest.ID(c.ID)
	v, err := host.Plugin(ctx, id)
	if err != nil {
		return err
	}
	if v.State != supervise.NeedsApproval && (v.Refusal == nil || v.Refusal.State != supervise.NeedsApproval) {
		fmt.Fprintf(p.Stdout, "%s is %s and waits for no approval\n", v.ID, v.State)
		return nil
	}
	printAsks(p, v)
	if !c.Yes {
		fmt.Fprintf(p.Stdout, "Nothing was approved. `callboard plugin approve %s --yes` does it, and writes the lock file.\n", c.ID)
		return errReported
	}
	if v, err = host.Approve(ctx, id, v.Asks); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, "%s %s is approved and %s\n", v.ID, v.Version, v.State)
	return nil
}

func printAsks(p *Program, v pluginhost.View) {
	fmt.Fprintf(p.Stdout, "%s %s from %s\n", v.ID, v.Version, v.Source)
	reason := v.Reason
	if reason == "" && v.Refusal != nil {
		reason = v.Refusal.Reason
	}
	fmt.Fprintln(p.Stdout, "  "+reason)
	for _, ask := range v.Asks {
		fmt.Fprintln(p.Stdout, "  - "+ask)
	}
}
