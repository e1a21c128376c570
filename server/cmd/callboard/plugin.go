package main

import (
	"fmt"
	"strings"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// PluginCommand is `callboard plugin`: what authors of plugins and administrators of hosts do with them. Each command is in
// a file of its own, plugin_<command>.go.
type PluginCommand struct {
	Init    PluginInitCommand    `cmd:"" help:"Write the first files of a new plugin, in Go, Python or Node."`
	Verify  PluginVerifyCommand  `cmd:"" help:"Start a plugin and check everything that the protocol asks of it."`
	Pack    PluginPackCommand    `cmd:"" help:"Check a plugin's folder and make packages of it, one for each platform."`
	Sign    PluginSignCommand    `cmd:"" help:"Sign a plugin's package or folder, or make a key to sign with."`
	Install PluginInstallCommand `cmd:"" help:"Check a plugin, show what it may do, and approve it in the lock file."`
	Schema  PluginSchemaCommand  `cmd:"" help:"Print the JSON Schema of plugin.yaml."`

	Dev         PluginDevCommand         `cmd:"" help:"Run a plugin in a host of its own, and replace it whenever a file is saved."`
	List        PluginListCommand        `cmd:"" help:"List the plugins of a running host and how they are."`
	Logs        PluginLogsCommand        `cmd:"" help:"Print what a plugin of a running host logs."`
	Call        PluginCallCommand        `cmd:"" help:"Call a route of a plugin of a running host, as whoever you say."`
	Inspect     PluginInspectCommand     `cmd:"" help:"Print everything that a plugin of a running host says about itself, as JSON."`
	Restart     PluginRestartCommand     `cmd:"" help:"Start a plugin of a running host anew, without a gap."`
	Stop        PluginStopCommand        `cmd:"" help:"Stop a plugin of a running host."`
	Approve     PluginApproveCommand     `cmd:"" help:"Show what a plugin of a running host asks for, and approve it."`
	Upgrade     PluginUpgradeCommand     `cmd:"" help:"Move a plugin of a running host to another version, without a gap."`
	RunProvider PluginRunProviderCommand `cmd:"" help:"Refresh an entity provider of a plugin of a running host now."`
}

// PluginSchemaCommand is `callboard plugin schema`.
type PluginSchemaCommand struct{}

// Run prints the schema as it is published.
func (c *PluginSchemaCommand) Run(p *Program) error {
	_, err := fmt.Fprint(p.Stdout, manifest.Schema())
	return err
}

// env is a variable of the program's environment, "" = not set.
func (p *Program) env(name string) string {
	value := ""
	for _, entry := range p.Env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v // as os.Environ does, later ones win
		}
	}
	return value
}
