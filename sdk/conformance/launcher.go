package conformance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Launcher starts the processes of a plugin.
type Launcher interface {
	// Start starts the plugin and returns at once, without waiting for its handshake. The process must have exactly s.Env,
	// nothing on its standard input, and s.Stdout and s.Stderr as they are, which the caller closes.
	Start(ctx context.Context, s Start) (Process, error)
	// Enclosure says in a word what keeps the plugin from the rest of the machine: "none", or what a sandbox reached.
	Enclosure() string
}

// Start is one start of a plugin.
type Start struct {
	ID      string
	Command []string
	// Dir is the plugin's code and the working folder. RuntimeDir holds the sockets, DataDir is the plugin's to write.
	Dir, RuntimeDir, DataDir string
	Env                      []string
	Stdout, Stderr           *os.File
}

// Process is a started process. Its methods may be called from several goroutines.
type Process interface {
	// PID is the process as the kit sees it.
	PID() int
	Signal(s syscall.Signal) error
	// Exited is closed when the process has ended, its children apart.
	Exited() <-chan struct{}
	// Exit says how it ended, "exit status 2"; "" = with status 0. It is valid once Exited is closed.
	Exit() string
	// Kill ends the process and all that it started, and waits until it has.
	Kill()
}

// Local starts plugins as ordinary child processes, without any enclosure.
type Local struct{}

// Enclosure implements [Launcher].
func (Local) Enclosure() string { return "none" }

// Start implements [Launcher].
func (Local) Start(_ context.Context, s Start) (Process, error) {
	cmd := &exec.Cmd{Path: s.Command[0], Args: s.Command, Dir: s.Dir, Env: s.Env, Stdout: s.Stdout, Stderr: s.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Command[0], err)
	}
	p := &localProcess{cmd: cmd, runtime: s.RuntimeDir, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		if err := cmd.Wait(); err != nil {
			p.exit = err.Error()
		}
	}()
	return p, nil
}

type localProcess struct {
	cmd     *exec.Cmd
	runtime string
	exited  chan struct{}
	exit    string
	kill    sync.Mutex
}

func (p *localProcess) PID() int                      { return p.cmd.Process.Pid }
func (p *localProcess) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }
func (p *localProcess) Exited() <-chan struct{}       { return p.exited }

func (p *localProcess) Exit() string {
	<-p.exited
	return p.exit
}

// Kill ends the process group first. Children that left the group are found by the runtime folder in their environment;
// one that has changed that as well escapes a launcher without an enclosure.
func (p *localProcess) Kill() {
	p.kill.Lock()
	defer p.kill.Unlock()
	for range 20 { // a process that forks while it is killed leaves some for the next turn
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
		left := startedIn(p.runtime)
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(left) == 0 {
			break
		}
	}
	<-p.exited
}

// findCommand makes the first element absolute, and tells the folder of an interpreter that is not a system one, which
// has to be in the PATH of the plugin.
func findCommand(dir string, command []string) (path, extra string, err error) {
	if len(command) == 0 {
		return "", "", errTarget("there is no command to start the plugin with")
	}
	name := command[0]
	if strings.Contains(name, "/") {
		path = name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, name)
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return "", "", errTarget("there is no %s; build the plugin first", path)
		}
		return path, "", nil
	}
	for _, system := range []string{"/usr/bin", "/bin"} {
		if found, err := exec.LookPath(filepath.Join(system, name)); err == nil {
			return found, "", nil
		}
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return "", "", errTarget("the interpreter %s is not installed: %v", name, err)
	}
	return found, filepath.Dir(found), nil
}
