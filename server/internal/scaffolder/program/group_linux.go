package program

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxFile is the size that no file written by a program may pass.
const maxFile = 4 << 30

// runGroup runs cmd as the leader of a process group and leaves nobody of that group alive.
//
// The leader is waited for without being reaped, so that its number still belongs to it, and the group's to the group,
// while the group is killed.
func runGroup(ctx context.Context, cmd *exec.Cmd, grace time.Duration) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	runtime.LockOSThread() // the kernel sends Pdeathsig at the end of the thread that started the process
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	limit(pid)
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
		}
	}()
	select {
	case <-exited:
	case <-ctx.Done():
		_ = unix.Kill(pid, unix.SIGTERM) // the leader alone: what it started it may need to clean up
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-exited:
		case <-timer.C:
		}
	}
	_ = unix.Kill(-pid, unix.SIGKILL)
	<-exited
	return cmd.Wait()
}

// limit is set from outside, a moment after the start: enough against accidents, which is what it is for.
func limit(pid int) {
	_ = unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
	_ = unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: maxFile, Max: maxFile}, nil)
}
