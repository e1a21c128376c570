package main

import (
	"os"

	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// PluginExecCommand is the launcher of plugins' processes. The host starts it; people have no use for it.
type PluginExecCommand struct{}

// pluginExec is the command's name, which the host puts first.
const pluginExec = "plugin-exec"

// becomePlugin runs the launcher if the host started this process for that. main calls it before anything else: the launcher
// should hold, read and start as little as possible before it gives up its rights.
func becomePlugin(args []string) {
	if len(args) > 1 && args[1] == pluginExec {
		os.Exit(sandbox.Exec(args[2:]))
	}
}

// Run is for whoever finds the command by other ways than main.
func (PluginExecCommand) Run() error {
	os.Exit(sandbox.Exec(nil))
	return nil
}
