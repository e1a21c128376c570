package app

import (
	"context"
	"errors"

	"github.com/callboard/callboard/server/internal/console"
	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// consolePlugins are plugins as the console shows them.
func consolePlugins(views []pluginhost.View) []console.Plugin {
	var all []console.Plugin
	for _, v := range views {
		p := console.Plugin{ID: string(v.ID), Title: v.Title, Version: v.Version, State: string(v.State), Since: v.Since, Reason: v.Reason,
			Remark: v.Remark(), Development: v.Development, Restarts: v.Restarts, InFlight: v.InFlight, Memory: v.Health.Memory,
			Sandbox: v.Reached, Needs: v.Needs, Asks: v.Asks, Lines: v.LastLines}
		if v.Sandbox != nil {
			p.SandboxNotes = v.Sandbox.Notes
		}
		if v.Build != nil {
			p.Building = v.Build.Running
			if v.Build.Failed {
				p.BuildOutput = v.Build.Output
			}
		}
		all = append(all, p)
	}
	return all
}

// pluginOperator does what the console's buttons ask for.
type pluginOperator struct{ host *pluginhost.Host }

// Restart implements [console.Operator].
func (o pluginOperator) Restart(ctx context.Context, plugin string) error {
	return known(o.host.Restart(ctx, manifest.ID(plugin)))
}

// Logs implements [console.Operator].
func (o pluginOperator) Logs(ctx context.Context, plugin string, n int, follow bool, take func(console.LogLine) error) error {
	return known(o.host.Logs(ctx, manifest.ID(plugin), n, follow, func(l pluginhost.LogLine) error {
		return take(console.LogLine{At: l.At, Level: l.Level, Message: l.Message, Fields: l.Fields})
	}))
}

// Changed implements [console.Operator].
func (o pluginOperator) Changed(ctx context.Context) <-chan struct{} {
	changes := make(chan struct{})
	events := o.host.Events(ctx)
	go func() { // ends with ctx, which closes events
		defer close(changes)
		for range events {
			select {
			case changes <- struct{}{}:
			case <-ctx.Done():
			}
		}
	}()
	return changes
}

func known(err error) error {
	if _, unknown := errors.AsType[*pluginhost.UnknownError](err); unknown {
		return console.ErrUnknownPlugin
	}
	return err
}
