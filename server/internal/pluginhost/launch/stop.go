package launch

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	shutdownMethod = "/plugin.GRPCController/Shutdown" // its messages are empty
	termTime       = 5 * time.Second
	// killTime is for a busy machine: a killed process still needs the CPU to end, and its low priority is the last in line.
	killTime = 5 * time.Second
)

// Stop asks the plugin to end (Shutdown, for grace), then tells it to (SIGTERM, 5 s), then ends it and everything that it
// started. It returns when all is gone, which is as good as at once after the last step, and never later than grace + 10 s; a ctx that ends shortens every wait to the last step. The
// error says that the plugin did not end by itself, or that it could not be ended.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	p.because(cause{text: "stopped by the host"})
	if p.shutdown(ctx, grace) {
		return nil
	}
	_ = p.child.Load().Process.Signal(syscall.SIGTERM) // it may just have ended
	if p.gone(ctx, termTime) {
		return nil
	}
	p.Kill()
	if !p.gone(context.Background(), killTime) {
		return fmt.Errorf("stop plugin %s: process %d does not end even when killed; it may wait for a device or a network file system", p.spec.ID, p.PID())
	}
	return fmt.Errorf("stop plugin %s: it did not end by itself within %s and was killed; handle Shutdown and SIGTERM", p.spec.ID, grace+termTime)
}

// shutdown tells whether the plugin ended after it was asked to.
func (p *Process) shutdown(ctx context.Context, grace time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if err := p.conn.Invoke(ctx, shutdownMethod, &emptypb.Empty{}, &emptypb.Empty{}); status.Code(err) == codes.Unimplemented {
		return p.gone(ctx, 0)
	}
	return p.gone(ctx, grace)
}

func (p *Process) gone(ctx context.Context, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Kill ends the process and everything that it started, at once, and does not wait for it.
func (p *Process) Kill() {
	p.because(cause{text: "killed by the host", kill: true})
	p.killed.Store(true)
	child := p.child.Load()
	if child == nil {
		return
	}
	killTree(child.Process.Pid)
	_ = child.Process.Kill() // by pidfd: a number that was given to another process is not hit
}
