package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// awaitExit returns when the process has ended and before it is reaped, so that its number still means it and its group.
func awaitExit(pid int) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil { // a kernel without; then reaping is how one learns of it
		return
	}
	defer unix.Close(fd)
	for {
		err := unix.Waitid(unix.P_PIDFD, fd, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// killGroup ends what is left of the group whose leader is pid. In a process namespace the kernel has done it already.
func killGroup(pid int) { _ = unix.Kill(-pid, unix.SIGKILL) }

// killTree ends all that descends from root, also what left its group. In a process namespace one signal would do. It holds
// on to each process before it looks whether it is still the one that was meant, since a number may be given to another at
// any time; and it holds on to all before it ends the first, since orphans are nobody's descendants.
func killTree(root int) {
	var held []int
	for _, pid := range tree(root)[1:] {
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			if descends(pid, root) {
				held = append(held, fd)
			} else {
				_ = unix.Close(fd)
			}
		}
	}
	for _, fd := range held {
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) // it may just have ended
		_ = unix.Close(fd)
	}
}

// dialSocket connects to the socket name in dir itself, whatever the path leads to meanwhile.
func dialSocket(ctx context.Context, dir, name string) (net.Conn, error) {
	fd, err := unix.Open(filepath.Join(dir, name), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, errors.New("it is not a socket")
	}
	return (&net.Dialer{}).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", fd))
}

// peer is the process that listens at the other end.
func peer(conn net.Conn) (int, error) {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, errors.New("it is not a unix socket")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	if cerr := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); cerr != nil {
		return 0, cerr
	}
	if err != nil {
		return 0, err
	}
	return int(cred.Pid), nil
}

// Owns tells whether pid is the plugin's process or descends from it.
func (p *Process) Owns(pid int) bool { return descends(pid, p.PID()) }

// descends follows parents. Numbers are those of the host.
func descends(pid, ancestor int) bool {
	for range 64 {
		if pid == ancestor {
			return true
		}
		if pid <= 1 {
			return false
		}
		stat, err := readStat(pid)
		if err != nil {
			return false
		}
		pid = stat.parent
	}
	return false
}

// tree is root and all that descends from it, root first. What is being born while it is read may be missed; the next look
// finds it.
func tree(root int) []int {
	found := []int{root}
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", root, root)); errors.Is(err, os.ErrNotExist) && exists(root) {
		return scan(root)
	}
	for at := 0; at < len(found) && len(found) < maxTree; at++ {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", found[at]))
		if err != nil {
			continue
		}
		for _, file := range tasks {
			data, _ := os.ReadFile(file) // a thread that ended has none
			for field := range strings.FieldsSeq(string(data)) {
				if pid, err := strconv.Atoi(field); err == nil {
					found = append(found, pid)
				}
			}
		}
	}
	return found
}

const maxTree = 4096

func exists(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid))
	return err == nil
}

// scan is tree for kernels that do not list children.
func scan(root int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if stat, err := readStat(pid); err == nil {
				children[stat.parent] = append(children[stat.parent], pid)
			}
		}
	}
	found := []int{root}
	for at := 0; at < len(found) && len(found) < maxTree; at++ {
		found = append(found, children[found[at]]...)
	}
	return found
}

// processStat is what the host reads of /proc/<pid>/stat.
type processStat struct {
	parent int
	cpu    time.Duration
	zombie bool
}

// ticksPerSecond is USER_HZ, the same on every architecture that Go runs on.
const ticksPerSecond = 100

func readStat(pid int) (processStat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processStat{}, err
	}
	// The name in parentheses may hold anything, parentheses too.
	at := bytes.LastIndexByte(data, ')')
	fields := strings.Fields(string(data[at+1:]))
	if at < 0 || len(fields) < 13 {
		return processStat{}, fmt.Errorf("/proc/%d/stat has another form", pid)
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
	return processStat{
		parent: int(number(1)), zombie: fields[0] == "Z",
		cpu: time.Duration(number(11)+number(12)) * (time.Second / ticksPerSecond),
	}, nil
}

var errEnded = errors.New("the process has ended")

// measure sums up the tree below pid.
func measure(pid int) (Stats, error) {
	var sum Stats
	for i, member := range tree(pid) {
		stat, err := readStat(member)
		if i == 0 && (err != nil || stat.zombie) {
			return Stats{}, errEnded
		}
		if err != nil {
			continue
		}
		sum.CPU += stat.cpu
		sum.Processes++
		if stat.zombie {
			continue
		}
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", member)) // it may have ended meanwhile
		sum.addStatus(string(status))
		descriptors, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", member))
		sum.OpenFiles += len(descriptors)
	}
	return sum, nil
}

func (s *Stats) addStatus(text string) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		n, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmRSS":
			s.RSS += manifest.Size(n << 10)
		case "RssAnon", "RssShmem", "VmSwap":
			s.Private += manifest.Size(n << 10)
		case "Threads":
			s.Threads += int(n)
		}
	}
}
