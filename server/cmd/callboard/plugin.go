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
	Pack    PluginPackCommand    `cmd:"" help:"Check a plugin's folder and make packages of it, one for each platform."`
	Sign    PluginSignCommand    `cmd:"" help:"Sign a plugin's package or folder, or make a key to sign with."`
	Install PluginInstallCommand `cmd:"" help:"Check a plugin, show what it may do, and approve it in the lock file."`
	Schema  PluginSchemaCommand  `cmd:"" help:"Print the JSON Schema of plugin.yaml."`
}

// PluginSchemaCommand is `callboard plugin schema`.
type PluginSchemaCommand struct{}

// Run prints the schema as it is published.
func (c *PluginSchemaCommand) Run(p *Program) error {
	fmt.Fprint(p.Stdout, manifest.Schema())
	return nil
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
