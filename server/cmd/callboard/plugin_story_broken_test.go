package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// brokenPlugin is one that cannot start, and what the operator is told.
type brokenPlugin struct {
	id, run string
	// spoil makes it what it is, after the manifest was written.
	spoil func(t *testing.T, dir string)
	// state that it comes to, "" = it goes from try to try and is ready after none.
	state string
	// told are parts of the reason: the file and the rule.
	told []string
	// status of its routes.
	status int
}

func brokenPlugins(w *workshop) []brokenPlugin {
	const wait, gone = http.StatusServiceUnavailable, http.StatusNotFound
	program := func(mode os.FileMode, change func([]byte)) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			text, err := os.ReadFile(filepath.Join(w.dir, "hello-go", "hello-go"))
			if err != nil {
				t.Fatal(err)
			}
			change(text)
			if err := os.WriteFile(filepath.Join(dir, "program"), text, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	script := func(text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { writeText(t, filepath.Join(dir, "plugin.sh"), text) }
	}
	const binary = "{linux-amd64: ./program, linux-arm64: ./program}"
	const shell = "{command: [sh, plugin.sh]}"
	return []brokenPlugin{
		{"no-interpreter", "{command: [no-such-interpreter, plugin.x]}", script(""), "failed", []string{"no-such-interpreter"}, wait},
		{"other-machine", binary, program(0o755, func(b []byte) { b[18], b[19] = 0xf3, 0 }), "failed", []string{"riscv64"}, wait},
		{"not-executable", binary, program(0o644, func([]byte) {}), "rejected", []string{"plugin.yaml", "run.linux-", `"./program" is not executable; run chmod +x`}, gone},
		{"typo", "{command: [sh, plugin.sh]}\nneed: {}", script(""), "broken", []string{"plugin.yaml:7", `unknown key "need"`}, gone},
		{"no-manifest", shell, func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "plugin.yaml")) }, "broken", []string{"plugin.yaml"}, gone},
		{"no-folder", shell, func(t *testing.T, dir string) { remove(t, dir) }, "broken", []string{"no-folder"}, gone},
		{"other-id", shell, func(t *testing.T, dir string) { rename(t, dir, "id: other-id", "id: another") }, "rejected", []string{"another"}, gone},
		{"unreadable", shell, func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "plugin.sh"), nil, 0); err != nil {
				t.Fatal(err)
			}
		}, "failed", []string{"plugin.sh", "Permission denied"}, wait},
		{"ends", shell, script("echo the end >&2; exit 3"), "failed", []string{"exit", "3"}, wait},
		{"noise", shell, script("echo hello; sleep 1000"), "failed", []string{`the plugin printed "hello" before the handshake`}, wait},
		{"hangs", shell, script("sleep 1000"), "", nil, wait},
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, dir, from, to string) {
	t.Helper()
	file := filepath.Join(dir, "plugin.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, file, strings.ReplaceAll(string(text), from, to))
}

func tellBroken(t *testing.T, w *workshop) {
	o := w.operate(t)
	all := brokenPlugins(w)
	config := fmt.Sprintf("  pluginHost: {dataDir: 'DIR/d'}\n  plugins:\n    hello-go: {source: '%s', development: true}\n    leaky: {source: '%s', development: true}\n",
		filepath.Join(w.dir, "hello-go"), filepath.Join(w.dir, "leaky"))
	for _, b := range all {
		dir := filepath.Join(o.dir, b.id)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		writeText(t, filepath.Join(dir, "plugin.yaml"), fmt.Sprintf("apiVersion: callboard.dev/v1\nid: %s\nversion: 1.0.0\ntitle: Broken\nprovides: {http: {}}\nrun: %s\n", b.id, b.run))
		b.spoil(t, dir)
		config += fmt.Sprintf("    %s: {source: 'DIR/%s', development: true}\n", b.id, b.id)
	}
	o.configure(t, config+"catalog: {}\n")
	o.start(t)
	o.await(t, "hello-go", "ready")
	before, _, started := strings.Cut(o.logged(t), `"msg":"plugin starting","plugin":"hello-go"`)
	if !started || strings.Contains(before, `"plugin":"hangs","state":"backoff"`) {
		t.Error("the host and what is well have waited for a plugin that hangs")
	}
	others := o.steadily("/api/hello-go/greeting/ann")
	all = append(all, brokenPlugin{id: "leaky", state: "needs-config", told: []string{"callboard.plugins.leaky.settings", "needs the member token", "app-config.yaml:"}, status: http.StatusServiceUnavailable})
	for _, b := range all {
		t.Run(b.id, func(t *testing.T) { o.tellsOf(t, b) })
	}
	others(t, "plugins cannot start")
	o.end(t)
}

// tellsOf holds the list, which people read, and the answers of the plugin's routes to what they should say.
func (o *operated) tellsOf(t *testing.T, b brokenPlugin) {
	t.Helper()
	if b.state != "" {
		o.await(t, b.id, b.state)
	} else if state := string(o.view(t, b.id).State); !slices.Contains([]string{"starting", "backoff", "failed"}, state) {
		t.Errorf("%s is %s", b.id, state)
	}
	list := o.must(t, "list")
	var about string
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, b.id+" ") || strings.HasPrefix(line, b.id+":") {
			about += line
		}
	}
	for _, part := range append(b.told, b.state) {
		if !strings.Contains(about, part) {
			t.Errorf("the list does not say %q of %s:\n%s", part, b.id, list)
		}
	}
	status, body := o.get(t, "/api/"+b.id+"/x", token)
	if status != b.status || status == http.StatusServiceUnavailable && !strings.Contains(body, "Plugin '"+b.id+"' is not available: ") {
		t.Errorf("%s answers %d, want %d: %s", b.id, status, b.status, body)
	}
}
