package sandbox

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// refused are system calls that no plugin needs: they look into other processes, change the system, or open parts of the
// kernel with a history of holes. A deny-list and not an allow-list, since plugins come with runtimes that the host does not
// know; files, networks and processes are for the other layers.
var refused = []string{
	// other processes and their memory
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	// mounts, namespaces, file handles
	"mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	"unshare", "setns", "open_by_handle_at", "name_to_handle_at", "fanotify_init", "quotactl", "quotactl_fd",
	// keys, kernel code, tracing
	"keyctl", "add_key", "request_key", "bpf", "perf_event_open", "init_module", "finit_module", "delete_module",
	"kexec_load", "kexec_file_load", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "lookup_dcookie",
	// the machine
	"reboot", "swapon", "swapoff", "acct", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
	"sethostname", "setdomainname", "iopl", "ioperm", "modify_ldt", "vhangup", "uselib", "ustat", "sysfs", "nfsservctl",
}

// seccomp loads the filter for this thread. execve carries it on, and the program's threads and children inherit it.
func (l *launcher) seccomp() error {
	// Where the network namespace is the host's, no socket but unix ones: Landlock knows neither UDP nor older kernels.
	cut := !l.report.Network && !l.order.Policy.Network
	program, err := filter(cut)
	if err != nil {
		l.report.note("system calls are not filtered: ", err.Error())
		return nil
	}
	if err := load(program); err != nil {
		l.report.note("system calls are not filtered: ", err.Error())
		return nil
	}
	l.report.Seccomp = true
	if cut {
		l.report.Network = true
		l.report.note("there is no network namespace: the plugin cannot make sockets but unix ones")
	}
	return nil
}

// filter is the program for this machine. onlyUnix refuses internet sockets as well.
func filter(onlyUnix bool) ([]bpf.Instruction, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil, fmt.Errorf("there is no table of system calls for %s: %w", runtime.GOARCH, err)
	}
	known := func(name string) bool { _, ok := info.SyscallNames[name]; return ok }
	policy := seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls: []seccomp.SyscallGroup{
			// Its flags lie in memory, where a filter cannot look. Libraries fall back to clone when it does not exist.
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{"clone3"}},
			// Rules with conditions stand last: the library compares what follows a condition that failed with its argument.
			{
				Action:             seccomp.ActionErrno | seccomp.Action(unix.EPERM),
				Names:              slices.DeleteFunc(slices.Clone(refused), func(n string) bool { return !known(n) }),
				NamesWithCondtions: conditions(onlyUnix),
			},
		},
	}
	program, err := policy.Assemble()
	if err != nil {
		return nil, err
	}
	// The library lets calls by another architecture's numbers pass (int 0x80 on amd64), past every rule.
	return slices.Concat([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 4, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(info.ID), SkipTrue: 1},
		bpf.RetConstant{Val: uint32(seccomp.ActionErrno) | uint32(unix.ENOSYS)},
	}, program), nil
}

// conditions refuse by argument: new user namespaces, and families of sockets that no network namespace holds back
// (vsock reaches the hypervisor) or that are little used parts of the kernel.
func conditions(onlyUnix bool) []seccomp.NameWithConditions {
	families := []uint64{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}
	if onlyUnix {
		families = []uint64{unix.AF_UNIX, unix.AF_NETLINK}
	}
	var other seccomp.ArgumentConditions
	for _, family := range families {
		other = append(other, seccomp.Condition{Argument: 0, Operation: seccomp.NotEqual, Value: family})
	}
	return []seccomp.NameWithConditions{
		{Name: "socket", Conditions: other},
		// Landlock's rules for TCP do not know multipath TCP, which Go listens with unless it cannot.
		{Name: "socket", Conditions: seccomp.ArgumentConditions{{Argument: 2, Operation: seccomp.Equal, Value: unix.IPPROTO_MPTCP}}},
		{Name: "clone", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.BitsSet, Value: unix.CLONE_NEWUSER}}},
	}
}

func load(program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	filters := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		filters[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filters)), Filter: &filters[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog))) //nolint:gosec // an argument of a system call
	if errno != 0 {
		return fmt.Errorf("load the filter: %w", errno)
	}
	return nil
}
