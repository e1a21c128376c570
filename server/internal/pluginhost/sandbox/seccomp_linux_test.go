package sandbox

import (
	"encoding/binary"
	"os"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// answerTo runs the filter as the kernel does. The library's machine reads big-endian words, so they are written so.
func answerTo(t *testing.T, onlyUnix bool, architecture uint32, call int, args ...uint64) uint32 {
	t.Helper()
	program, err := filter(onlyUnix)
	if err != nil {
		t.Skip(err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data, uint32(call))
	binary.BigEndian.PutUint32(data[4:], architecture)
	for i, arg := range args { // little-endian halves, as on all architectures that Go has system call tables for here
		binary.BigEndian.PutUint32(data[16+8*i:], uint32(arg))
		binary.BigEndian.PutUint32(data[20+8*i:], uint32(arg>>32))
	}
	out, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(out)
}

func TestSeccomp_RefusesWhatNoPluginNeeds(t *testing.T) {
	info, err := arch.GetInfo("")
	if err != nil {
		t.Skip(err)
	}
	const allowed = 0x7fff0000
	denied := uint32(0x00050000 | unix.EPERM)
	absent := uint32(0x00050000 | unix.ENOSYS)
	for _, name := range refused {
		number, ok := info.SyscallNames[name]
		if !ok { // not on this architecture
			continue
		}
		if got := answerTo(t, false, uint32(info.ID), number); got != denied {
			t.Errorf("%s: %#x", name, got)
		}
	}
	for _, name := range []string{"read", "write", "execve", "execveat", "futex", "mmap", "openat", "connect", "fork", "vfork", "wait4", "seccomp", "prctl", "setpriority"} {
		if number, ok := info.SyscallNames[name]; ok {
			if got := answerTo(t, true, uint32(info.ID), number); got != allowed {
				t.Errorf("%s: %#x", name, got)
			}
		}
	}
	socket, clone := info.SyscallNames["socket"], info.SyscallNames["clone"]
	for _, c := range []struct {
		name     string
		onlyUnix bool
		call     int
		args     []uint64
		want     uint32
	}{
		{"unix socket", true, socket, []uint64{unix.AF_UNIX, unix.SOCK_STREAM, 0}, allowed},
		{"tcp socket", false, socket, []uint64{unix.AF_INET, unix.SOCK_STREAM, 0}, allowed},
		{"tcp socket without a namespace", true, socket, []uint64{unix.AF_INET, unix.SOCK_STREAM, 0}, denied},
		{"udp6 socket without a namespace", true, socket, []uint64{unix.AF_INET6, unix.SOCK_DGRAM, 0}, denied},
		{"multipath tcp", false, socket, []uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, denied},
		{"vsock", false, socket, []uint64{unix.AF_VSOCK, unix.SOCK_STREAM, 0}, denied},
		{"vsock with high bits", false, socket, []uint64{1<<32 | unix.AF_VSOCK, unix.SOCK_STREAM, 0}, denied},
		{"unix with high bits", true, socket, []uint64{1<<32 | unix.AF_INET, unix.SOCK_STREAM, 0}, denied},
		{"thread", false, clone, []uint64{unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD}, allowed},
		{"user namespace", false, clone, []uint64{unix.CLONE_NEWUSER | uint64(syscall.SIGCHLD)}, denied},
		{"clone3", false, info.SyscallNames["clone3"], nil, absent},
	} {
		if got := answerTo(t, c.onlyUnix, uint32(info.ID), c.call, c.args...); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
	if got := answerTo(t, false, 0x40000003, 26); got != absent { // ptrace by the numbers of i386
		t.Errorf("a foreign architecture: %#x", got)
	}
}

func uidOf(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no owner")
	}
	return stat.Uid
}
