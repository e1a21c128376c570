package main

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/verify"
)

// pluginSettings is what the configuration says about the host of plugins.
type pluginSettings struct {
	dataDir, lockFile string
	keys              []verify.TrustedKey
	configured        func(id manifest.ID) bool
}

func readPluginSettings(cfg *config.Config) (pluginSettings, error) {
	host := cfg.Section("callboard.pluginHost")
	s := pluginSettings{
		dataDir: host.String("dataDir", filepath.Join(".cache", "plugins")), lockFile: host.String("lockFile", verify.LockFile),
		configured: func(id manifest.ID) bool { return cfg.Section("callboard.plugins").Has(string(id)) },
	}
	for _, k := range host.Sections("trustedKeys") {
		key, err := verify.ParseTrustedKey(k.String("ids", ""), k.String("key", ""), verify.Level(k.String("level", string(verify.Partner))))
		if err != nil {
			return s, fmt.Errorf("%s: %w", k.Path(), err)
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

// verifier judges plugins as the configured host does.
func (s pluginSettings) verifier() (*verify.Verifier, error) {
	store, err := verify.OpenStore(s.dataDir)
	if err != nil {
		return nil, err
	}
	return &verify.Verifier{Store: store, Keys: s.keys, HostVersion: version, Protocols: []int{1}, OS: runtime.GOOS, Arch: runtime.GOARCH}, nil
}
