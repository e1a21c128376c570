package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Group is a control group of one process and what it starts, in which the kernel keeps its limits.
type Group struct {
	dir string
	fd  *os.File
}

const cgroupRoot = "/sys/fs/cgroup"

// NewGroup makes a group below the one that was delegated to the host. Without delegation there is none, and note says why:
// the tree belongs to the system's manager, and a group made in it without its knowledge may be removed at any time.
func NewGroup(name string, limits manifest.Limits) (g *Group, note string) {
	membership, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, "there are no control groups: " + err.Error()
	}
	parent, note := delegated(cgroupRoot, string(membership))
	if note != "" {
		return nil, note
	}
	g, err = makeGroup(filepath.Join(parent, "callboard-"+name), limits.WithDefaults())
	if err != nil {
		return nil, "no control group could be made: " + err.Error()
	}
	return g, ""
}

const noDelegation = "memory and processes are limited by the watcher alone, and CPU is only weighed: no control group is delegated to the host " +
	"(in systemd: Delegate=yes with DelegateSubgroup=host)"

// delegated finds the group above the host's own, if it was given to the host with the controllers that limits need. The
// host must not be in it itself: version 2 gives controllers to groups without processes only.
func delegated(root, membership string) (parent, note string) {
	for line := range strings.Lines(membership) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok || path == "/" || filepath.Dir(path) == "/" {
			continue
		}
		parent = filepath.Join(root, filepath.Dir(path))
		if !givenToUs(parent) {
			return "", noDelegation
		}
		if err := enable(parent); err != nil {
			return "", noDelegation + ": " + err.Error()
		}
		return parent, ""
	}
	return "", noDelegation
}

// givenToUs reads the mark that systemd leaves on what it delegates, or sees that the folder is the host's user's own.
func givenToUs(dir string) bool {
	mark := make([]byte, 4)
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		if n, err := unix.Getxattr(dir, name, mark); err == nil && string(mark[:n]) == "1" {
			return true
		}
	}
	info, err := os.Stat(dir)
	if err != nil || os.Getuid() == 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}

var controllers = []string{"memory", "pids", "cpu"}

// enable hands the controllers on to groups in dir.
func enable(dir string) error {
	file := filepath.Join(dir, "cgroup.subtree_control")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var missing []string
	for _, c := range controllers {
		if !slices.Contains(strings.Fields(string(text)), c) {
			missing = append(missing, "+"+c)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return writeControl(file, strings.Join(missing, " "))
}

func makeGroup(dir string, limits manifest.Limits) (*Group, error) {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // as all groups are
		return nil, err
	}
	const period = 100_000 // microseconds
	for _, setting := range [][2]string{
		{"memory.high", strconv.FormatInt(int64(limits.Memory), 10)},
		{"memory.max", strconv.FormatInt(int64(limits.Memory)/5*6, 10)},
		{"memory.oom.group", "1"},
		{"pids.max", strconv.Itoa(limits.Processes*tasksPerProcess + spareTasks)},
		{"cpu.max", fmt.Sprintf("%d %d", max(1000, int(math.Round(limits.CPU*period))), period)},
	} {
		if err := writeControl(filepath.Join(dir, setting[0]), setting[1]); err != nil {
			return nil, errors.Join(err, os.Remove(dir))
		}
	}
	_ = writeControl(filepath.Join(dir, "memory.swap.max"), "0") // not on systems without swap
	fd, err := os.Open(dir)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &Group{dir: dir, fd: fd}, nil
}

// writeControl writes a setting, which the kernel must have: nothing is created.
func writeControl(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// FD is for [Command.Cgroup].
func (g *Group) FD() int { return int(g.fd.Fd()) }

// OutOfMemory tells whether the kernel ended processes of the group at its memory limit.
func (g *Group) OutOfMemory() bool {
	text, err := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		name, count, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "oom_kill" && count != "0" {
			return true
		}
	}
	return false
}

// Close ends what is left in the group and removes it.
func (g *Group) Close() error {
	_ = writeControl(filepath.Join(g.dir, "cgroup.kill"), "1") // since Linux 5.14; it is empty in most cases anyway
	return errors.Join(g.fd.Close(), os.Remove(g.dir))
}
