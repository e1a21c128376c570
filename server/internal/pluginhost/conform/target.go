// Package conform lets the conformance kit check a plugin's folder as the host would run it: with what its manifest says,
// with the routes of its OpenAPI description, and inside the sandbox. It is what `callboard plugin verify` does.
package conform

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// Target reads a plugin's folder and says what there is to check. Errors name the file and the rule.
func Target(dir string, level sandbox.Level) (conformance.Target, error) {
	m, err := manifest.Read(dir)
	if err != nil {
		return conformance.Target{}, err
	}
	if m.Dir, err = filepath.Abs(m.Dir); err != nil {
		return conformance.Target{}, fmt.Errorf("verify %s: %w", dir, err)
	}
	argv, err := m.Argv(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return conformance.Target{}, err
	}
	says, err := announced(m)
	if err != nil {
		return conformance.Target{}, err
	}
	routes, err := routesOf(m)
	if err != nil {
		return conformance.Target{}, err
	}
	return conformance.Target{
		Command: argv, Dir: m.Dir, Manifest: says, Routes: routes,
		Launcher: &Enclosure{ID: m.ID, Level: level, Limits: m.Needs.Limits.WithDefaults()},
	}, nil
}

// announced is the manifest in the kit's words.
func announced(m *manifest.Manifest) (*conformance.Manifest, error) {
	needs, limits := m.Needs, m.Needs.Limits.WithDefaults()
	says := &conformance.Manifest{
		ID: string(m.ID), Version: m.Version, License: m.License, Annotations: m.Provides.Catalog.Annotations,
		Provides: &pluginv1.Provides{
			CatalogProviders: m.Provides.Catalog.Providers, CatalogProcessors: m.Provides.Catalog.Processors,
			ScaffolderActions: m.Provides.Scaffolder.Actions, ScaffolderFilters: m.Provides.Scaffolder.Filters,
			SearchTypes: m.Provides.Search.Types, Widgets: m.Provides.Widgets, Tasks: m.Provides.Tasks,
			Permissions: m.Provides.Permissions, PermissionRules: m.Provides.PermissionRules, EventTopics: m.Provides.Events.Topics,
		},
		Catalog: needs.Catalog, Egress: needs.Egress, Secrets: needs.Secrets, Plugins: needs.Plugins, Publish: needs.Events.Publish,
		KV: needs.Storage.KV > 0, OnBehalfOf: needs.OnBehalfOf, Permission: needs.Permission,
		Memory: int64(limits.Memory), Processes: limits.Processes,
	}
	if m.Provides.HTTP != nil {
		says.Provides.Http = true
		says.Provides.HttpUnauthenticated, says.Provides.HttpUserCookie = m.Provides.HTTP.Unauthenticated, m.Provides.HTTP.UserCookie
	}
	if m.Config != "" {
		schema, err := readInside(m.Dir, m.Config)
		if err != nil {
			return nil, fmt.Errorf("plugin %s: %s: config: %w", m.ID, filepath.Join(m.Dir, manifest.File), err)
		}
		says.SettingsSchema = string(schema)
	}
	return says, nil
}

// readInside reads a file that a manifest names: it is foreign text, so a link out of the folder leads nowhere.
func readInside(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.ReadFile(name)
}
