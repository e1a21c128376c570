package main

import (
	"runtime"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/pluginhost"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

// verifierFor judges plugins as the configured host does. A configuration with mistakes would judge otherwise, so they end it.
func verifierFor(cfg *config.Config) (pluginhost.Settings, *verify.Verifier, error) {
	settings := pluginhost.ReadSettings(cfg, "")
	if err := cfg.Err(); err != nil {
		return settings, nil, err
	}
	store, err := verify.OpenStore(settings.DataDir)
	if err != nil {
		return settings, nil, err
	}
	return settings, &verify.Verifier{
		Store: store, Keys: settings.Keys, HostVersion: version, Protocols: []int{pluginhost.Protocol}, OS: runtime.GOOS, Arch: runtime.GOARCH,
	}, nil
}
