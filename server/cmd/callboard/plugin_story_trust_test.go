package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const signedConfig = `
  pluginHost: {dataDir: 'DIR/d', lockFile: 'DIR/plugins.lock.yaml', trustedKeys: [{ids: 'chor*', key: '%s'}]}
  plugins:
    hello-go: {source: '%s', development: true}
    chores: {%s}
catalog: {}
`

func tellTrust(t *testing.T, w *workshop) {
	o := w.operate(t)
	one := filepath.Join(o.dir, "one")
	copyFolder(t, filepath.Join(w.dir, "chores"), one)
	key := o.authored(t, `key: (RW\S+)`, "sign", "--generate", "--no-password", "--key", "author.key")
	pack := o.packed(t, one)
	config := func(chores string) {
		o.configure(t, fmt.Sprintf(signedConfig, key, filepath.Join(w.dir, "hello-go"), chores))
	}
	config("source: '" + pack + "'")
	if out := o.must(t, "install", "--yes", pack); !strings.Contains(out, "signed by "+key) || !strings.Contains(out, "It may store up to 64KiB") || !strings.Contains(out, "is approved") {
		t.Errorf("install says\n%s", out)
	}
	o.start(t)
	v := o.await(t, "chores", "ready")
	o.await(t, "hello-go", "ready")
	if v.Level != "partner" || v.Signer != key || v.Development || v.Hash == "" {
		t.Errorf("chores is trusted as %s by %s, hash %q", v.Level, v.Signer, v.Hash)
	}
	stored := filepath.Join(o.dir, "d", "store", v.Hash)
	if !o.runs(filepath.Join(stored, "chores")) {
		t.Errorf("no process runs %s/chores", stored)
	}
	o.answers(t, "chores", http.StatusOK, `"numbers"`)

	// The lock file and the store are enough.
	config("enabled: true")
	if err := os.Rename(pack, pack+".away"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new configuration is followed", func() bool { return o.view(t, "chores").Source == "" })
	if out := o.must(t, "restart", "chores"); out != "chores 1.0.0 is ready\n" {
		t.Errorf("restart from the store says %q", out)
	}
	o.detectsChanges(t, stored)
	if err := os.Rename(pack+".away", pack); err != nil {
		t.Fatal(err)
	}
	config("source: '" + pack + "'")
	o.await(t, "chores", "ready") // the damaged copy is replaced
	o.answers(t, "chores", http.StatusOK, `"numbers"`)
	o.asksAgain(t, config)
	o.end(t)
}

// authored runs a command of an author and takes what matches from its output.
func (o *operated) authored(t *testing.T, expression string, args ...string) string {
	t.Helper()
	out, code := o.command(t, args...)
	found := regexp.MustCompile(expression).FindStringSubmatch(out)
	if code != 0 || found == nil {
		t.Fatalf("callboard plugin %s ended with %d:\n%s", strings.Join(args, " "), code, out)
	}
	return found[1]
}

// packed is a signed package of a folder.
func (o *operated) packed(t *testing.T, folder string) string {
	t.Helper()
	pack := filepath.Join(o.dir, o.authored(t, `(?m)([^/\s]+\.tar\.zst): chores `, "pack", folder))
	o.authored(t, `(is signed)`, "sign", "--key", "author.key", pack)
	return pack
}

// runs reports whether a process of the host runs that file.
func (o *operated) runs(file string) bool {
	for pid := range descendants(o.cmd.Process.Pid) {
		if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && exe == file {
			return true
		}
	}
	return false
}

func (o *operated) answers(t *testing.T, id string, want int, text string) {
	t.Helper()
	path := map[string]string{"chores": "/api/chores/state", "hello-go": "/api/hello-go/greeting/ann"}[id]
	if status, body := o.get(t, path, token); status != want || !strings.Contains(body, text) {
		t.Errorf("GET %s: %d %.300s, want %d and %s", path, status, body, want, text)
	}
}

// detectsChanges flips a byte of the copy that runs, first while it runs and then while the host is down.
func (o *operated) detectsChanges(t *testing.T, stored string) {
	t.Helper()
	others := o.steadily("/api/hello-go/greeting/ann")
	flip(t, filepath.Join(stored, "plugin.yaml"))
	rule := filepath.Join(stored, "plugin.yaml") + " has been changed: its SHA-256 is not the one in checksums"
	if out, code := o.plugin(t, "restart", "chores"); code == 0 || !strings.Contains(out, "plugin chores cannot be started: rejected, "+rule) {
		t.Errorf("restart of a changed plugin ends with %d: %s", code, out)
	}
	// What runs was read before the change, and goes on.
	eventually(t, "the change is told of", func() bool {
		v := o.view(t, "chores")
		return v.State == "ready" && v.Refusal != nil && v.Refusal.State == "rejected"
	})
	if list := o.must(t, "list"); !strings.Contains(list, "rejected: "+rule) {
		t.Errorf("the list does not name file and rule:\n%s", list)
	}
	o.answers(t, "chores", http.StatusOK, `"numbers"`)

	// It does not come back, and least of all as another program.
	flip(t, filepath.Join(stored, "chores"))
	if err := syscall.Kill(o.view(t, "chores").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if v := o.await(t, "chores", "failed"); !strings.Contains(v.Reason, "chores has been changed since it was verified") {
		t.Errorf("the changed program: %s", v.Reason)
	}
	o.answers(t, "chores", http.StatusNotFound, "")
	others(t, "a plugin is changed")
	o.end(t)

	flip(t, filepath.Join(stored, "plugin.yaml")) // back
	o.start(t)
	o.await(t, "hello-go", "ready")
	if v := o.await(t, "chores", "rejected"); !strings.Contains(v.Reason, "chores has been changed: its SHA-256 is not the one in checksums") {
		t.Errorf("the changed plugin is %s: %s", v.State, v.Reason)
	}
	o.answers(t, "chores", http.StatusNotFound, "")
	o.answers(t, "hello-go", http.StatusOK, "ann!")
}

// flip changes the last byte of a file in the store, which may be running. The same again undoes it.
func flip(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-1] ^= 1
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".new", text, info.Mode()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// asksAgain brings a version that wants more than what was approved.
func (o *operated) asksAgain(t *testing.T, config func(string)) {
	t.Helper()
	two := filepath.Join(o.dir, "two")
	copyFolder(t, filepath.Join(o.dir, "one"), two)
	build(t, "./testdata/chores", filepath.Join(two, "chores"), "-X main.version=1.1.0")
	manifest, err := os.ReadFile(filepath.Join(two, "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(two, "plugin.yaml"), strings.NewReplacer("version: 1.0.0", "version: 1.1.0", "needs:", "needs:\n  egress: [\"https://*.example.com\"]").Replace(string(manifest)))
	config("source: '" + o.packed(t, two) + "'")
	eventually(t, "the new version waits while the old one goes on", func() bool {
		v := o.view(t, "chores")
		return v.State == "ready" && v.Version == "1.0.0" && v.Refusal != nil && v.Refusal.State == "needs-approval"
	})
	o.answers(t, "chores", http.StatusOK, `"numbers"`)
	o.end(t)
	o.start(t)
	v := o.await(t, "chores", "needs-approval")
	ask := "It may send requests to every host below example.com on port 443 (encrypted)."
	if len(v.Asks) != 1 || v.Asks[0] != ask {
		t.Errorf("chores asks for %q", v.Asks)
	}
	o.answers(t, "chores", http.StatusServiceUnavailable, "Plugin 'chores' is not available: it waits for the approval of an operator")
	if out, code := o.plugin(t, "approve", "chores"); code == 0 || !strings.Contains(out, "- "+ask) || !strings.Contains(out, "Nothing was approved") {
		t.Errorf("approve without --yes ends with %d: %s", code, out)
	}
	if out := o.must(t, "approve", "--yes", "chores"); !strings.HasSuffix(out, "chores 1.1.0 is approved and ready\n") {
		t.Errorf("approve says %s", out)
	}
	o.answers(t, "chores", http.StatusOK, `"numbers"`)
	if lock, err := os.ReadFile(filepath.Join(o.dir, "plugins.lock.yaml")); err != nil || !strings.Contains(string(lock), "https://*.example.com") {
		t.Errorf("the lock file is %v\n%s", err, lock)
	}
}
