package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// fakeTree is a folder that looks like the part of a cgroup tree that is written to.
func fakeTree(t *testing.T, delegate bool) (root, parent string) {
	t.Helper()
	root, err := os.MkdirTemp("", "cbg") // t.TempDir is too long for sockets, and closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	parent = filepath.Join(root, "system.slice", "callboard.service")
	if err := os.MkdirAll(filepath.Join(parent, "host"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(parent, "cgroup.subtree_control"), "memory")
	if delegate {
		if err := unix.Setxattr(parent, "user.delegate", []byte("1"), 0); err != nil {
			t.Skip("this file system has no attributes: ", err)
		}
	}
	return root, parent
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestGroup_IsMadeOnlyWhereTheHostWasGivenAPartOfTheTree(t *testing.T) {
	const membership = "4:memory:/x\n0::/system.slice/callboard.service/host\n"
	root, parent := fakeTree(t, true)
	got, note := delegated(root, membership)
	text, err := os.ReadFile(filepath.Join(parent, "cgroup.subtree_control"))
	if got != parent || note != "" || err != nil || string(text) != "+pids +cpu" {
		t.Errorf("%s, %q, %q, %v", got, note, text, err)
	}
	for _, other := range []string{"", "0::/\n", "0::/host\n", "4:memory:/x\n"} {
		if got, note := delegated(root, other); got != "" || note != noDelegation {
			t.Errorf("%q: %s, %q", other, got, note)
		}
	}
	if os.Getuid() == 0 {
		root, _ = fakeTree(t, false)
		if got, note := delegated(root, membership); got != "" || note != noDelegation {
			t.Errorf("the system's own group was taken: %s, %q", got, note)
		}
	}
}

func TestGroup_WritesLimitsAndTellsOfTheKernelsKills(t *testing.T) {
	dir := t.TempDir()
	files := []string{"memory.high", "memory.max", "memory.oom.group", "pids.max", "cpu.max", "memory.events"}
	for _, name := range files {
		writeFile(t, filepath.Join(dir, name), "")
	}
	g, err := makeGroup(dir, manifest.Limits{Memory: 100 << 20, CPU: 0.5, Processes: 10})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"memory.high": "104857600", "memory.max": "125829120", "memory.oom.group": "1", "pids.max": "104", "cpu.max": "50000 100000"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if g.OutOfMemory() {
		t.Error("out of memory too early")
	}
	writeFile(t, filepath.Join(dir, "memory.events"), "low 0\noom 1\noom_kill 2\n")
	if !g.OutOfMemory() {
		t.Error("a kill went unseen")
	}
	for _, name := range files {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := makeGroup(filepath.Join(dir, "none", "x"), manifest.Limits{}); err == nil {
		t.Error("a group in a folder that is not there")
	}
	empty := filepath.Join(t.TempDir(), "g")
	if _, err := makeGroup(empty, manifest.Limits{}.WithDefaults()); err == nil || !strings.Contains(err.Error(), "memory.high") {
		t.Errorf("a group without controllers: %v", err)
	}
}
