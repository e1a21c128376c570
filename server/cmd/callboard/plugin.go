package main

import (
	"fmt"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// PluginCommand is `callboard plugin`: what authors of plugins and administrators of hosts do with them.
type PluginCommand struct {
	Schema PluginSchemaCommand `cmd:"" help:"Print the JSON Schema of plugin.yaml."`
}

// PluginSchemaCommand is `callboard plugin schema`.
type PluginSchemaCommand struct{}

// Run prints the schema as it is published.
func (c *PluginSchemaCommand) Run(p *Program) error {
	fmt.Fprint(p.Stdout, manifest.Schema())
	return nil
}
