package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// PluginLogsCommand is `callboard plugin logs`.
type PluginLogsCommand struct {
	HostFlags
	ID     string `arg:"" help:"Plugin."`
	Lines  int    `short:"n" default:"100" help:"How many of the last lines; the host keeps 1000."`
	Follow bool   `short:"f" help:"Go on with new lines until interrupted."`
	JSON   bool   `name:"json" help:"One JSON object a line."`
}

// Run prints log lines of a plugin.
func (c *PluginLogsCommand) Run(ctx context.Context, p *Program) error {
	host, err := c.client(ctx, p)
	if err != nil {
		return err
	}
	err = host.Logs(ctx, manifest.ID(c.ID), c.Lines, c.Follow, func(l pluginhost.LogLine) error {
		if c.JSON {
			return json.NewEncoder(p.Stdout).Encode(l)
		}
		_, err := fmt.Fprintln(p.Stdout, logText(l))
		return err
	})
	if ctx.Err() != nil { // interrupted, as following ends
		return nil //nolint:nilerr // that is its end
	}
	return err
}

func logText(l pluginhost.LogLine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-5s %s", l.At.Local().Format("15:04:05.000"), strings.ToUpper(l.Level), l.Message)
	for _, key := range slices.Sorted(maps.Keys(l.Fields)) {
		if key == "plugin" {
			continue
		}
		text, ok := l.Fields[key].(string)
		if !ok || strings.ContainsAny(text, " \"\n") {
			quoted, _ := json.Marshal(l.Fields[key])
			text = string(quoted)
		}
		fmt.Fprintf(&b, " %s=%s", key, text)
	}
	return b.String()
}
