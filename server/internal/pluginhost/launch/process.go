package launch

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

const defaultHandshakeTimeout = 10 * time.Second

// Process is a plugin's process that has shaken hands and serves. Its methods may be called from any goroutine.
type Process struct {
	spec    Spec
	command sandbox.Command
	output  *output
	conn    *grpc.ClientConn

	group  *sandbox.Group                // nil = there is none
	child  atomic.Pointer[sandbox.Child] // nil until live has started it
	report atomic.Pointer[sandbox.Report]

	killed atomic.Bool
	cause  atomic.Pointer[cause] // why the host ended it; nil = it was not the host
	reason atomic.Pointer[string]
	exited chan struct{}
	usage  atomic.Pointer[Stats] // last look of the watcher
}

// cause is why the host ended a process.
type cause struct {
	text string
	// kill: it explains no end but one by SIGKILL, so that a process which ended by itself a moment earlier is not said to
	// have been killed.
	kill bool
}

// Start starts what s says and returns when the process serves gRPC and answers a health check. When it fails, nothing of
// the process is left, and the error is a *StartError. ctx bounds the start alone.
func Start(ctx context.Context, s Spec) (*Process, error) {
	if s.HandshakeTimeout == 0 {
		s.HandshakeTimeout = defaultHandshakeTimeout
	}
	s.Limits = s.Limits.WithDefaults()
	ctx, cancel := context.WithTimeout(ctx, s.HandshakeTimeout)
	defer cancel()
	p, err := prepare(s)
	if err != nil {
		return nil, err
	}
	if err := p.shakeHands(ctx); err != nil {
		return nil, p.abandon(err)
	}
	if err := p.greet(ctx); err != nil {
		return nil, p.abandon(err)
	}
	return p, nil
}

// abandon ends a process that did not come up, and completes the error with what is known once it has ended.
func (p *Process) abandon(e *StartError) error {
	p.Kill()
	<-p.exited
	e.Plugin, e.Stderr = p.spec.ID, p.output.last()
	if r := p.report.Load(); r != nil {
		e.Report = *r
	}
	return e
}

// Conn is the connection to rpc.sock; messages are at most 4 MiB either way. It is closed when the process has ended.
func (p *Process) Conn() *grpc.ClientConn { return p.conn }

// PID is the process as the host sees it. What it started is not counted; see [Process.Owns].
func (p *Process) PID() int { return p.child.Load().Process.Pid }

// UID is the user that its connections show.
func (p *Process) UID() uint32 { return p.command.Owner.UID }

// Exited is closed when the process and everything that belongs to it is gone: output read, runtime folder removed.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// ExitReason is how the process ended, in words: "memory limit 256 MiB reached", "exit status 2: panic: …"; "" = it runs.
func (p *Process) ExitReason() string {
	if r := p.reason.Load(); r != nil {
		return *r
	}
	return ""
}

// Stderr are the last 20 lines that the process wrote there, secrets removed.
func (p *Process) Stderr() []string { return p.output.last() }

// Report is what the sandbox reached.
func (p *Process) Report() sandbox.Report {
	if r := p.report.Load(); r != nil {
		return *r
	}
	return sandbox.Report{Asked: p.spec.Policy.Level}
}

// live starts the process and stays until it is gone. It keeps its thread: the kernel kills the process (PDEATHSIG) when
// the thread that started it ends, so the thread must end with the host and not before. The thread would be taken anyway,
// by waiting.
func (p *Process) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child, err := p.command.Start()
	p.output.handOver()
	if err != nil {
		p.never()
		started <- err
		return
	}
	p.child.Store(child)
	if p.killed.Load() { // before there was anything to kill
		p.Kill()
	}
	var owned sync.WaitGroup
	gone := make(chan struct{})
	owned.Go(func() { p.watch(gone) })
	started <- nil

	awaitExit(child.Process.Pid)
	close(gone)
	killGroup(child.Process.Pid)
	_ = child.Wait() // the state tells
	reason := p.exitReason(child.ProcessState, child.Ended())
	p.leaveGroup()
	p.output.finish()
	owned.Wait()
	p.reason.Store(&reason)
	p.disconnect()
	p.remove()
	close(p.exited)
}

// leaveGroup removes the control group, with what is left in it.
func (p *Process) leaveGroup() {
	if p.group == nil {
		return
	}
	if err := p.group.Close(); err != nil {
		p.output.logger.Warn("the control group of a plugin could not be removed", "error", err)
	}
}

// never ends a process that could not be started.
func (p *Process) never() {
	p.output.handOver()
	p.leaveGroup()
	p.output.finish()
	p.disconnect()
	p.remove()
	close(p.exited)
}

// remove takes the runtime folder away, whoever ended the process and however.
func (p *Process) remove() {
	if err := os.RemoveAll(p.spec.RuntimeDir); err != nil {
		p.output.logger.Warn("the runtime folder of a plugin could not be removed", "folder", p.spec.RuntimeDir, "error", err)
	}
}

func (p *Process) exitReason(state *os.ProcessState, inner *sandbox.Exit) string {
	status, signal := state.ExitCode(), 0
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		signal = int(ws.Signal())
	}
	if p.group != nil && p.group.OutOfMemory() {
		return outOfMemory(p.spec.Limits.Memory)
	}
	if c := p.cause.Load(); c != nil && (!c.kill || signal == int(syscall.SIGKILL)) {
		return c.text
	}
	if inner != nil {
		status, signal = inner.Code, inner.Signal
	}
	text := fmt.Sprintf("exit status %d", status)
	if signal != 0 {
		text = fmt.Sprintf("killed by signal %d (%s)", signal, syscall.Signal(signal))
		if syscall.Signal(signal) == syscall.SIGKILL {
			text += ", not by this host: perhaps the system ran out of memory"
		}
	}
	if fault := p.output.fault(); fault != "" {
		text += ": " + fault
	}
	return text
}

// because remembers the first reason for which the host ends the process.
func (p *Process) because(c cause) { p.cause.CompareAndSwap(nil, &c) }
