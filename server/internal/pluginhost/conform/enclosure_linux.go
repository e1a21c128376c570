package conform

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/callboard/callboard/sdk/conformance"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// Enclosure starts plugins inside the host's sandbox.
type Enclosure struct {
	ID     manifest.ID
	Level  sandbox.Level
	Limits manifest.Limits
	// Self is the binary that holds the launcher; "" = the running one.
	Self string

	mu     sync.Mutex
	report *sandbox.Report
}

// Enclosure implements [conformance.Launcher]: "none" without a sandbox, else what it reached and why not more.
func (e *Enclosure) Enclosure() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.report == nil || e.report.Reached() == "none":
		return conformance.Local{}.Enclosure()
	case len(e.report.Notes) > 0:
		return e.report.Reached() + ": " + strings.Join(e.report.Notes, "; ")
	}
	return e.report.Reached()
}

// Start implements [conformance.Launcher].
func (e *Enclosure) Start(_ context.Context, s conformance.Start) (conformance.Process, error) {
	command := sandbox.Command{
		Self: e.Self, Argv: s.Command, Path: s.Command[0], Dir: s.Dir, Env: s.Env, Stdout: s.Stdout, Stderr: s.Stderr,
		Policy: sandbox.Policy{
			Level: e.Level, ReadOnly: append([]string{s.Dir}, folders(s)...), ReadWrite: []string{s.DataDir}, Sockets: []string{s.RuntimeDir}, Limits: e.Limits,
		},
	}
	if err := e.choose(&command, s); err != nil {
		return nil, fmt.Errorf("verify %s: %w", e.ID, err)
	}
	p := &process{exited: make(chan struct{})}
	started := make(chan error, 1)
	go p.live(&command, started, e.remember)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("verify %s: %w", e.ID, err)
	}
	return p, nil
}

func (e *Enclosure) remember(r sandbox.Report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.report = &r
}

// folders are those of an interpreter that is not a system one.
func folders(s conformance.Start) []string {
	if strings.HasPrefix(s.Command[0], "/usr/") || strings.HasPrefix(s.Command[0], "/bin/") || strings.HasPrefix(s.Command[0], s.Dir) {
		return nil
	}
	target, err := filepath.EvalSymlinks(s.Command[0])
	if err != nil {
		return nil
	}
	return []string{filepath.Dir(filepath.Dir(s.Command[0])), filepath.Dir(filepath.Dir(target))}
}

// choose gives the folders to a user of the plugin's own, if that one can get to them.
func (e *Enclosure) choose(command *sandbox.Command, s conformance.Start) error {
	owner := sandbox.OwnerOf(e.ID, e.Level)
	for _, path := range []string{s.Dir, s.Command[0], filepath.Dir(s.RuntimeDir), filepath.Dir(s.DataDir)} {
		if obstacle, ok := owner.Reaches(path, path == s.Dir || path == s.Command[0]); !ok {
			command.Notes = append(command.Notes, "it runs as the present user: "+obstacle+" is closed to others")
			owner = sandbox.Owner{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
			break
		}
	}
	command.Owner = owner
	for _, dir := range []string{s.RuntimeDir, s.DataDir} {
		if err := owner.Take(dir); err != nil {
			return fmt.Errorf("give %s to the plugin's user: %w", dir, err)
		}
	}
	for _, name := range []string{"host.sock", "egress.sock"} {
		if err := os.Chmod(filepath.Join(s.RuntimeDir, name), 0o666); err != nil && !os.IsNotExist(err) { //nolint:gosec // nobody else gets into the folder
			return fmt.Errorf("open %s to the plugin's user: %w", name, err)
		}
	}
	return nil
}

// process is one plugin in the sandbox.
type process struct {
	child  *sandbox.Child
	exited chan struct{}
	exit   string
}

// startTime is how long the launcher may take until it has become the plugin.
const startTime = 10 * time.Second

// live keeps its thread until the process has ended: the kernel kills the process when the thread that started it ends.
func (p *process) live(command *sandbox.Command, started chan<- error, remember func(sandbox.Report)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child, err := command.Start()
	if err != nil {
		started <- err
		return
	}
	p.child = child
	report, err := child.Hand(time.Now().Add(startTime))
	remember(report)
	if err != nil {
		_ = child.Process.Kill()
		_ = child.Wait() // the state tells nothing more
		child.Ended()
		started <- fmt.Errorf("the sandbox does not start it: %w", err)
		return
	}
	started <- nil
	if err := child.Wait(); err != nil {
		p.exit = err.Error()
	}
	if inner := child.Ended(); inner != nil {
		p.exit = ""
		if inner.Signal != 0 {
			p.exit = "signal: " + syscall.Signal(inner.Signal).String()
		} else if inner.Code != 0 {
			p.exit = fmt.Sprintf("exit status %d", inner.Code)
		}
	}
	close(p.exited)
}

func (p *process) PID() int                      { return p.child.Process.Pid }
func (p *process) Signal(s syscall.Signal) error { return p.child.Process.Signal(s) }
func (p *process) Exited() <-chan struct{}       { return p.exited }

func (p *process) Exit() string {
	<-p.exited
	return p.exit
}

// Kill ends the first process of the plugin's own namespace, with which the kernel ends all others. Without a namespace it
// is a process group.
func (p *process) Kill() {
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	_ = p.child.Process.Kill()
	<-p.exited
}

var (
	_ conformance.Launcher = (*Enclosure)(nil)
	_ conformance.Process  = (*process)(nil)
)

// Report is what the sandbox reached for the last process; nil = none was started.
func (e *Enclosure) Report() *sandbox.Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.report
}
