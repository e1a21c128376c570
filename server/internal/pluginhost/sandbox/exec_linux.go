package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Exec is the body of `callboard plugin-exec`. It does not return when the plugin's program starts; otherwise it answers an
// exit code. Everything irrevocable is done on one locked thread, the one that calls execve: the kernel keeps that thread's
// restrictions and ends the others.
func Exec([]string) int {
	runtime.LockOSThread()
	in, out := os.NewFile(fdOrder, "order"), os.NewFile(fdAnswer, "answer")
	o, err := readOrder(in)
	if err != nil {
		fmt.Fprintln(os.Stderr, "callboard plugin-exec:", err)
		return exitLauncher
	}
	in.Close()
	l := &launcher{order: o, out: out, report: Report{Asked: o.Policy.Level, UID: o.UID, Cgroup: o.Cgroup, Notes: o.Notes}}
	failure := l.run()
	if failure == nil {
		return 0
	}
	if err := send(out, answer{Failure: failure}); err != nil { // the host is gone
		fmt.Fprintln(os.Stderr, "callboard plugin-exec:", failure.Reason)
	}
	return exitLauncher
}

// exitLauncher is what shells use for "found, but cannot be executed".
const exitLauncher = 126

type launcher struct {
	order  *order
	out    *os.File
	report Report
}

func (l *launcher) run() *Failure {
	l.look()
	if err := l.limit(); err != nil {
		return refusal(err)
	}
	forward, err := l.forwarder()
	if err != nil {
		return refusal(err)
	}
	if l.order.Policy.Level != Off {
		if err := dropPrivileges(); err != nil {
			return refusal(err)
		}
		if err := l.confine(); err != nil {
			return refusal(err)
		}
	}
	if missing := l.report.Missing(l.order.Policy); l.order.Policy.Level == Required && len(missing) > 0 {
		_ = send(l.out, answer{Report: &l.report})
		return &Failure{Reason: requiredReason(missing, l.report.Notes)}
	}
	if err := closeOnExec(); err != nil {
		return refusal(err)
	}
	if err := send(l.out, answer{Report: &l.report}); err != nil {
		return refusal(err)
	}
	if forward != nil {
		return l.stay(forward)
	}
	return l.become()
}

// look finds out what the host's arrangements came to, instead of believing them.
func (l *launcher) look() {
	l.report.PIDs = os.Getpid() == 1
	l.report.User = l.order.OwnUser
	if own, err := os.Readlink("/proc/self/ns/net"); err == nil && l.order.HostNet != "" {
		l.report.Network = own != l.order.HostNet
	}
}

// confine applies what cannot be taken back. Seccomp comes last, since it refuses some of what the others need.
func (l *launcher) confine() error {
	if err := l.landlock(); err != nil {
		return err
	}
	return l.seccomp()
}

// become replaces the launcher by the program.
func (l *launcher) become() *Failure {
	argv, err := syscall.SlicePtrFromStrings(l.order.Argv)
	if err != nil {
		return refusal(err)
	}
	env, err := syscall.SlicePtrFromStrings(os.Environ())
	if err != nil {
		return refusal(err)
	}
	fd, path, flags := uintptr(fdProgram), "", uintptr(unix.AT_EMPTY_PATH)
	if !l.order.ByFD {
		at := unix.AT_FDCWD
		fd, path, flags = uintptr(at), l.order.Path, 0
	}
	name, err := syscall.BytePtrFromString(path)
	if err != nil {
		return refusal(err)
	}
	for range 10 { // EAGAIN: another thread of this runtime is just being born
		_, _, errno := syscall.RawSyscall6(unix.SYS_EXECVEAT, fd, uintptr(unsafe.Pointer(name)), //nolint:gosec // arguments of a system call
			uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])), flags, 0) //nolint:gosec // as above
		err = errno
		if errno != unix.EAGAIN {
			break
		}
		runtime.Gosched()
	}
	return l.execFailure(err)
}

func (l *launcher) execFailure(err error) *Failure {
	f := refusal(fmt.Errorf("execute %s: %w", l.order.Path, err))
	f.Exec = true
	return f
}

func refusal(err error) *Failure {
	f := &Failure{Reason: err.Error()}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		f.Errno = int(errno)
	}
	return f
}

// dropPrivileges gives up all capabilities, such as the one to bring up the loopback device, and the right to gain any:
// set-user-ID programs do nothing from here on, and root, where the host could not choose another user, is root by name.
func dropPrivileges() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("drop ambient capabilities: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

// closeOnExec marks every descriptor but the standard ones, among them those that the host inherited from whoever started
// it and that are no business of a plugin.
func closeOnExec() error {
	if unix.CloseRange(3, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, fs.ErrPermission) { // Landlock is on already; the kernel that has it has CloseRange too
		return nil
	}
	if err != nil {
		return fmt.Errorf("close inherited descriptors: %w", err)
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

func requiredReason(missing, notes []string) string {
	text := "the sandbox is required, and this system does not give " + strings.Join(missing, ", ")
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, "; ") + ")"
	}
	return text
}
