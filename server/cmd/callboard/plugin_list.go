package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost"
)

// PluginListCommand is `callboard plugin list`.
type PluginListCommand struct {
	HostFlags
	JSON bool `name:"json" help:"Everything that is known, as JSON."`
}

// Run prints the plugins of a running host.
func (c *PluginListCommand) Run(ctx context.Context, p *Program) error {
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	views, err := host.Plugins(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p, views)
	}
	if len(views) == 0 {
		fmt.Fprintln(p.Stdout, "This host has no plugins. Name them under callboard.plugins, or put them into a folder of callboard.pluginHost.path.")
		return nil
	}
	return printPlugins(p, views, time.Now())
}

func printPlugins(p *Program, views []pluginhost.View, now time.Time) error {
	table := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tVERSION\tSTATE\tSINCE\tRESTARTS\tMEMORY\tIN FLIGHT\tREASON")
	for _, v := range views {
		version, state := v.Version, string(v.State)
		if version == "" {
			version = "-"
		}
		if v.Development {
			state += " (development)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%d\t%s\n", v.ID, version, state, now.Sub(v.Since).Round(time.Second),
			v.Restarts, megabytes(v.Health.Memory), v.InFlight, oneLine(reasonOf(v), shortReason))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, v := range views { // what was cut names the file first and the rule last
		if reason := reasonOf(v); len([]rune(reason)) > shortReason {
			fmt.Fprintf(p.Stdout, "\n%s: %s\n", v.ID, oneLine(reason, 4000))
		}
	}
	return nil
}

// shortReason is how much of a reason fits the table.
const shortReason = 100

func reasonOf(v pluginhost.View) string { return cmp.Or(v.Reason, v.Remark()) }

func printJSON(p *Program, v any) error {
	out := json.NewEncoder(p.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(v)
}
