package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/pluginhost"
)

// HostFlags choose the running host that a command talks to.
type HostFlags struct {
	ConfigFlags
	Socket string `help:"Control socket of the host; by default the one in callboard.pluginHost.dataDir of the configuration." placeholder:"PATH" type:"path"`
}

// client reaches the host. Without a configuration the default data folder is looked in.
func (f HostFlags) client(ctx context.Context, p *Program) (*pluginhost.Client, error) {
	if f.Socket != "" {
		return pluginhost.NewClient(f.Socket), nil
	}
	cfg, _, err := f.load(ctx, p)
	if _, missing := os.Stat(defaultConfig); err != nil && len(f.Files) == 0 && errors.Is(missing, fs.ErrNotExist) {
		cfg, err = config.FromValue(map[string]any{}), nil
	}
	if err != nil {
		return nil, err
	}
	return pluginhost.NewClient(filepath.Join(pluginhost.ReadSettings(cfg, "").DataDir, pluginhost.ControlSocket)), nil
}

// oneLine is a text that fits a table.
func oneLine(text string, limit int) string {
	runes := []rune(text)
	for i, r := range runes {
		if r < ' ' {
			runes[i] = ' '
		}
	}
	if len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return string(runes)
}

// megabytes is a number of bytes for people.
func megabytes(bytes int64) string {
	switch {
	case bytes == 0:
		return "-"
	case bytes < 1<<20:
		return fmt.Sprintf("%d KiB", bytes>>10)
	default:
		return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20))
	}
}
