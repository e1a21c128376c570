//go:build unix && !linux

package program

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// runGroup runs cmd as the leader of a process group. After the leader's end its group is killed by a number that may
// in theory belong to others by then; on Linux it cannot.
func runGroup(ctx context.Context, cmd *exec.Cmd, grace time.Duration) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	group := -cmd.Process.Pid
	select {
	case err := <-exited:
		_ = syscall.Kill(group, syscall.SIGKILL)
		return err
	case <-ctx.Done():
	}
	_ = syscall.Kill(-group, syscall.SIGTERM)
	timer := time.AfterFunc(grace, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
	err := <-exited
	timer.Stop()
	_ = syscall.Kill(group, syscall.SIGKILL)
	return err
}
