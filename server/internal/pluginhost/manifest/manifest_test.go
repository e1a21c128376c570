package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const sentry = `
apiVersion: callboard.dev/v1
id: sentry
version: 1.4.0
title: Sentry
protocol: ">=1 <3"
requires: { callboard: ">=0.9" }
run: { linux-amd64: ./sentry, linux-arm64: ./sentry-arm64 }
provides:
  http: { openapi: openapi.yaml, unauthenticated: [/webhook] }
  catalog: { providers: [projects], processors: [dsn], annotations: [sentry.io/project-slug] }
  scaffolder: { actions: [sentry:release:create] }
  search: { types: [sentry-issue] }
  widgets: [open-issues]
  permissions: [sentry.issue.read]
needs:
  catalog: [read]
  egress: ["https://*.sentry.io:443"]
  storage: { kv: 10MiB, files: 100MiB }
  secrets: [token]
  onBehalfOf: true
  limits: { memory: 256MiB, cpu: 0.5, processes: 32, openFiles: 512, requestTimeout: 30s }
config: settings.schema.json
`

func TestParse_ReadsTheManifestOfTheHandbook(t *testing.T) {
	m, err := manifest.Parse("plugin.yaml", []byte(sentry))
	if err != nil {
		t.Fatal(err)
	}
	want := &manifest.Manifest{
		APIVersion: "callboard.dev/v1", ID: "sentry", Version: "1.4.0", Title: "Sentry", Protocol: ">=1 <3",
		Requires: manifest.Requires{Callboard: ">=0.9"},
		Run:      manifest.Run{Binaries: map[string]string{"linux-amd64": "sentry", "linux-arm64": "sentry-arm64"}},
		Provides: manifest.Provides{
			HTTP:       &manifest.HTTP{OpenAPI: "openapi.yaml", Unauthenticated: []string{"/webhook"}},
			Catalog:    manifest.ProvidesCatalog{Providers: []string{"projects"}, Processors: []string{"dsn"}, Annotations: []string{"sentry.io/project-slug"}},
			Scaffolder: manifest.ProvidesScaffolder{Actions: []string{"sentry:release:create"}},
			Search:     manifest.ProvidesSearch{Types: []string{"sentry-issue"}},
			Widgets:    []string{"open-issues"}, Permissions: []string{"sentry.issue.read"},
		},
		Needs: manifest.Needs{
			Catalog: []string{"read"}, Egress: []string{"https://*.sentry.io:443"}, Secrets: []string{"token"}, OnBehalfOf: true,
			Storage: manifest.Storage{KV: 10 << 20, Files: 100 << 20},
			Limits:  manifest.Limits{Memory: 256 << 20, CPU: 0.5, Processes: 32, OpenFiles: 512, RequestTimeout: 30e9},
		},
		Config: "settings.schema.json",
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

// folder writes files and answers their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead_NamesTheDocumentThatIsMissing(t *testing.T) {
	dir := folder(t, map[string]string{"plugin.yaml": sentry, "openapi.yaml": "{}"})
	_, err := manifest.Read(dir)
	if err == nil || !strings.Contains(err.Error(), `plugin.yaml:23: plugin sentry: config: the file "settings.schema.json" cannot be read`) {
		t.Errorf("got %v", err)
	}
}
