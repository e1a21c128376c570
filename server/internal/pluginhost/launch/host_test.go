//go:build linux

package launch_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/launch"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

func itoa(n int) string { return strconv.Itoa(n) }

// runTestHost is a host with one plugin that has children; args: site, mode. It prints the numbers of all processes and waits
// to be killed.
func runTestHost(args []string) {
	dir, mode := args[0], args[1]
	r, err := launch.OpenRuntime(filepath.Join(dir, "run"))
	if err == nil {
		var runtimeDir string
		runtimeDir, err = r.Dir("hello")
		if err == nil {
			err = hostOne(dir, runtimeDir, mode)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hostOne(dir, runtimeDir, mode string) error {
	spec := launch.Spec{
		ID: "hello", Argv: []string{filepath.Join(dir, "code", "plugin"), "test-plugin", mode}, Dir: filepath.Join(dir, "code"),
		RuntimeDir: runtimeDir, DataDir: filepath.Join(dir, "data", "hello"), Policy: sandbox.Policy{Level: sandbox.Auto},
		Spawned: func(pid int, _ uint32) {
			if mode == "silent" { // will never serve: tell at once
				fmt.Fprintln(os.Stdout, pid)
				fmt.Fprintln(os.Stdout, "ready")
			}
		},
	}
	spec.Policy.Level = sandbox.Level(cmp.Or(os.Getenv("TEST_LEVEL"), string(sandbox.Auto)))
	p, err := launch.Start(context.Background(), spec)
	if err != nil {
		return err
	}
	if mode == "ok" {
		return json.NewEncoder(os.Stdout).Encode(p.Report())
	}
	var pids []int
	for len(pids) < 5 {
		pids = launch.Tree(p.PID())
		time.Sleep(time.Millisecond)
	}
	for _, pid := range pids {
		fmt.Fprintln(os.Stdout, pid)
	}
	fmt.Fprintln(os.Stdout, "ready", p.Report().Reached())
	time.Sleep(time.Hour)
	return nil
}

func TestHostDeath_LeavesNoProcessAndTheNextHostTidiesUp(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	s := newSite(t)
	for i := range rounds {
		mode := "children"
		if i%4 == 3 {
			mode = "silent" // killed in the middle of a start
		}
		killHost(t, s, mode)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "run", "cb-*"))
	if err != nil || len(left) != 2 { // that of the last host, who found those of the others, and this test's own
		t.Fatalf("runtime folders are %v, %v", left, err)
	}
	if err := launch.CleanStale(filepath.Join(s.dir, "run")); err != nil {
		t.Fatal(err)
	}
	if left, _ = filepath.Glob(filepath.Join(s.dir, "run", "cb-*")); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
}

func killHost(t *testing.T, s *site, mode string) {
	t.Helper()
	host := exec.Command(s.program, "test-host", s.dir, mode)
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "ready") {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Errorf("the host said %q", lines.Text())
		}
		pids = append(pids, pid)
	}
	level := strings.TrimPrefix(lines.Text(), "ready ")
	if err := host.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = host.Wait()
	if len(pids) == 0 {
		t.Fatal("the host started nothing")
	}
	if level == "none" {
		pids = pids[:1] // without namespaces only the plugin itself is sure to end
	}
	for _, pid := range pids {
		awaitGone(t, pid)
	}
}

func TestDegraded_SaysWhatThisSystemDoesNotGive(t *testing.T) {
	for name, c := range map[string]struct {
		spaces       []string
		pids, killed bool
		note         string
	}{
		"no user namespaces": {[]string{"user"}, true, true, "there are no user namespaces here"},
		"no namespaces":      {[]string{"user", "pid", "net", "ipc"}, false, false, "there are no namespaces here, so what the plugin starts may outlive a host that is killed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			report, err := inPoorSystem(t, s, c.spaces, sandbox.Auto)
			if err != nil {
				t.Fatal(err)
			}
			if report.PIDs != c.pids || report.User || !report.Network || report.Reached() != "partial" || !strings.Contains(strings.Join(report.Notes, "\n"), c.note) {
				t.Errorf("%+v", report)
			}
			if _, err := inPoorSystem(t, s, c.spaces, sandbox.Required); err == nil || !strings.Contains(err.Error(), "the sandbox is required, and this system does not give a user of its own") {
				t.Errorf("%v", err)
			}
		})
	}
}

// inPoorSystem starts a plugin from a host in a user namespace that has one user and may have no more namespaces of some
// kinds, as containers are often run.
func inPoorSystem(t *testing.T, s *site, spaces []string, level sandbox.Level) (r sandbox.Report, err error) {
	t.Helper()
	if err := exec.Command("unshare", "-Ur", "true").Run(); err != nil {
		t.Skip("this system cannot be made poorer for a test: ", err)
	}
	script := ""
	for _, space := range spaces {
		script += "echo 0 > /proc/sys/user/max_" + space + "_namespaces && "
	}
	cmd := exec.Command("unshare", "-Ur", "/bin/sh", "-c", script+`exec "$0" test-host "$1" ok`, s.program, s.dir)
	cmd.Env = append(os.Environ(), "TEST_LEVEL="+string(level))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("%w: %s", err, stderr.String())
	}
	return r, json.Unmarshal(out, &r)
}

// awaitTick is a moment between two looks at something that must happen.
func awaitTick() { time.Sleep(5 * time.Millisecond) }
