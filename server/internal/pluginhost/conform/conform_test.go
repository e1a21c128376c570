package conform_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/server/internal/pluginhost/conform"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// TestMain is the launcher too: the sandbox starts the running binary again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "plugin-exec" {
		os.Exit(sandbox.Exec(os.Args[2:]))
	}
	code := m.Run()
	if programDir != "" {
		_ = os.RemoveAll(programDir)
	}
	os.Exit(code)
}

// brokenProgram builds the plugin that breaks rules, once.
var brokenProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cb")
	if err != nil {
		return "", err
	}
	programDir = dir
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "broken"), "./conformance/testdata/brokenplugin")
	cmd.Dir = root + "sdk"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return filepath.Join(dir, "broken"), nil
})

const root = "../../../../"

// run runs a program of the developer's, to make something ready.
func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s in %s: %v\n%s", name, strings.Join(args, " "), dir, err, out)
	}
}

// copied is a folder of the plugin that others may read, as an installed one.
func copied(t *testing.T, from string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestVerify_PassesTheHelloPlugins(t *testing.T) {
	if testing.Short() {
		t.Skip("starts each plugin some thirty times")
	}
	prepare := map[string]func(t *testing.T, dir string){
		"hello-go": func(t *testing.T, dir string) {
			program, err := filepath.Abs(filepath.Join(dir, "hello-go"))
			if err != nil {
				t.Fatal(err)
			}
			run(t, root+"examples/hello-go", "go", "build", "-o", program, ".")
		},
		"hello-python": func(*testing.T, string) {},
		"hello-node": func(t *testing.T, dir string) {
			if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
				run(t, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
			}
		},
	}
	for name, ready := range prepare {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, root+"examples/"+name)
			ready(t, dir)
			target, err := conform.Target(dir, sandbox.Auto)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range broken(t, target) {
				t.Errorf("%s %s: %s", r.Rule.Level, r.Rule.ID, r.Message())
			}
		})
	}
}

// broken are the rules that a plugin breaks. One is about time alone, of which a busy machine has little: who broke no other is
// asked for it twice more.
func broken(t *testing.T, target conformance.Target) (results []conformance.Result) {
	t.Helper()
	for range 3 {
		report, err := conformance.Check(t.Context(), target, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(report.Summary(), "| sandbox:", report.Enclosure)
		results, target.Only = nil, nil
		for _, r := range report.Results {
			if r.Status == conformance.Failed {
				results, target.Only = append(results, r), append(target.Only, r.Rule.ID)
			}
		}
		if !slices.Equal(target.Only, []string{"start.handshake"}) {
			break
		}
	}
	return results
}

// programDir is where it was built, for TestMain; "" = it was not needed.
var programDir string

// brokenFolder is an installed plugin that breaks one rule.
func brokenFolder(t *testing.T, mode string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := brokenProgram()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken"), data, 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"plugin.yaml": `apiVersion: callboard.dev/v1
id: broken
version: 1.0.0
title: Broken
description: Breaks one rule.
license: Apache-2.0
run: { command: [./broken, -mode, "` + mode + `"] }
provides:
  http: { unauthenticated: [/health] }
  catalog: { providers: [things], processors: [mark] }
  scaffolder: { actions: ["broken:do"], filters: [brokenEcho] }
  search: { types: [thing] }
  widgets: [count]
  permissionRules: [IS_THING]
needs:
  egress: ["http://api.example.com"]
  limits: { memory: 128MiB, processes: 24 }
config: settings.schema.json
`,
		"settings.schema.json": schemaOfBroken(t),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func schemaOfBroken(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(root + "sdk/conformance/testdata/brokenplugin/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "const Schema = `")
	schema, _, _ := strings.Cut(rest, "`")
	return schema
}

func check(t *testing.T, mode string, only ...string) (*conformance.Report, *conform.Enclosure) {
	t.Helper()
	target, err := conform.Target(brokenFolder(t, mode), sandbox.Auto)
	if err != nil {
		t.Fatal(err)
	}
	target.Only, target.Restarts, target.Parallel = only, 3, 40
	enclosure, ok := target.Launcher.(*conform.Enclosure)
	if !ok {
		t.Fatal("no enclosure")
	}
	report, err := conformance.Check(t.Context(), target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report, enclosure
}

func TestVerify_PassesAPluginThatKeepsAllRulesInTheSandbox(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	report, _ := check(t, "none")
	for _, r := range report.Results {
		if r.Status == conformance.Failed {
			t.Errorf("%s %s: %s", r.Rule.Level, r.Rule.ID, r.Message())
		}
	}
	t.Log(report.Summary(), "| sandbox:", report.Enclosure)
}

// In the sandbox what reaches out gets nothing; the rest is seen and stopped as without one.
func TestVerify_StopsWhatReachesOut(t *testing.T) {
	if testing.Short() {
		t.Skip("starts six plugins")
	}
	for mode, ids := range map[string][]string{
		"tells-neighbour": {"confine.reads"}, "reads-neighbour": {"confine.reads"}, "reads-passwords": {"confine.reads"}, "environment-probe": {"confine.environment"},
		"writes-neighbour": {"confine.writes"}, "writes-code-folder": {"confine.writes"},
	} {
		t.Run(mode, func(t *testing.T) {
			report, enclosure := check(t, mode, append(slices.Clone(ids), "confine.refused")...)
			if r := enclosure.Report(); r == nil || r.Landlock == 0 {
				t.Skip("this kernel does not confine files")
			}
			for _, result := range report.Results {
				t.Log(result.Rule.ID, result.Status, result.Message())
				if slices.Contains(ids, result.Rule.ID) && result.Status != conformance.Passed {
					t.Errorf("%s %s: %s; the sandbox should have stopped it", result.Rule.ID, result.Status, result.Message())
				}
			}
		})
	}
}

func TestVerify_TellsWhatIsStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("some of them have to be waited for")
	}
	for mode, id := range map[string]string{
		"fork-bomb": "limit.processes", "memory": "limit.memory", "egress-beyond": "egress.list", "reads-passwords": "confine.refused", "writes-code-folder": "confine.refused",
		"survives-host": "stop.host-death", "ignores-sigterm": "stop.sigterm", "log-flood": "logs.flood",
	} {
		t.Run(mode, func(t *testing.T) {
			report, enclosure := check(t, mode, id)
			if r := enclosure.Report(); id == "confine.refused" && (r == nil || r.Landlock == 0) {
				t.Skip("this kernel does not confine files")
			}
			result := report.Results[0]
			t.Log(result.Message())
			if result.Status != conformance.Failed {
				t.Errorf("%s is %s", id, result.Status)
			}
		})
	}
}

func TestTarget_NamesTheFileAndTheRule(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"is missing":                           {},
		"run.command: the program \"./none\"":  {"plugin.yaml": manifestWith("run: { command: [./none] }")},
		"openapi.yaml: it is no OpenAPI":       {"plugin.yaml": manifestWith("run: { command: [sh] }\nprovides: { http: { openapi: openapi.yaml } }"), "openapi.yaml": "paths: 1"},
		"openapi.yaml: it is no OpenAPI descr": {"plugin.yaml": manifestWith("run: { command: [sh] }\nprovides: { http: { openapi: openapi.yaml } }"), "openapi.yaml": "openapi: 3.0.3\ninfo: {title: a, version: 1.0.0}\npaths: {/a: {$ref: /etc/passwd}}"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := conform.Target(dir, sandbox.Auto)
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want one with %q and the folder", err, name)
			}
		})
	}
}

// The protocol's page shows a plugin in two files; the kit's own tests run the one, this reads the other.
func TestTarget_ReadsTheManifestOfTheProtocolPage(t *testing.T) {
	page, err := os.ReadFile(root + "sdk/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml plugin.yaml\n")
	text, _, found := strings.Cut(rest, "```")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plugin.yaml"), []byte(text), 0o600); err != nil || !found {
		t.Fatal("the page has no plugin.yaml", err)
	}
	target, err := conform.Target(dir, sandbox.Auto)
	if err != nil {
		t.Fatal(err)
	}
	if target.Manifest.ID != "minimal" || !slices.Equal(target.Manifest.Provides.GetCatalogProviders(), []string{"one"}) {
		t.Errorf("read %+v", target.Manifest)
	}
}

func manifestWith(lines string) string {
	return "apiVersion: callboard.dev/v1\nid: sample\nversion: 1.0.0\ntitle: Sample\nlicense: Apache-2.0\n" + lines + "\n"
}
