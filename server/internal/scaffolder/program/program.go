// Package program runs other people's programs for steps of the scaffolder: git, terraform, helm, ansible-playbook. There
// is never a shell, nothing of the host's environment is passed on, what is printed is bounded, and when a step ends
// nothing that it started is left running. What a program may read or reach is not limited here: it runs as the host's user.
package program

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Stream is where a line was written.
type Stream uint8

// The two streams of a program.
const (
	Stdout Stream = iota
	Stderr
)

// Limits that hold where a Command sets none.
const (
	DefaultMaxOutput = 1 << 20
	DefaultGrace     = 800 * time.Millisecond // a cancelled step has stopped within a second
)

// Command is one run of a program.
type Command struct {
	// Program is an absolute path, see [Find]: a name would be looked up in folders that a template may write to.
	Program string
	Args    []string // without the program's name; never text for a shell
	Dir     string   // an existing folder
	// Env is NAME=value. Beside it the program sees PATH (the system's folders), HOME and TMPDIR (empty folders of this
	// run, removed at its end) and LANG, unless Env says otherwise, and nothing of the host's own environment.
	Env   []string
	Stdin []byte
	// Line hears each line of both streams without its end, one at a time, and slows the program down when it is slow. It
	// must return when ctx has ended. An error ends the run. nil = nobody listens.
	Line func(s Stream, text string) error
	// MaxOutput bounds Result.Stdout.
	MaxOutput int
	Timeout   time.Duration // 0 = as long as ctx
	// Grace is how long a program that has to stop may clean up, between SIGTERM, which it gets alone, and SIGKILL, which all
	// that it started get too.
	Grace time.Duration
}

// Result is what a program left behind.
type Result struct {
	ExitCode int    // -1 = ended by a signal, or never started
	Stdout   []byte // the first MaxOutput bytes
	Cut      bool   // there was more, or a process that got away still writes
	Stderr   string // the last 8 KiB
}

// ExitError says that a program ended with another status than 0.
type ExitError struct {
	Program string // its name without folders
	State   string // "exit status 1", "signal: killed"
	Code    int
	Stderr  string // the last 8 KiB, which may hold what the program was given
}

// Error implements error. It leaves out what the program printed: that was streamed, and may need to be redacted.
func (e *ExitError) Error() string { return fmt.Sprintf("%s failed: %s", e.Program, e.State) }

// ErrTimeout ends a run that took longer than its Timeout.
var ErrTimeout = errors.New("it took longer than it may")

// Find is the absolute path of a program: of a name in the host's own PATH, or of an absolute path itself.
func Find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find the program %s: %w", name, err)
	}
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("find the program %s: give its absolute path", name)
	}
	return path, nil
}

// Run runs c until it has ended and with it all processes that it started and that did not leave its process group. The
// error is nil when the program ended with status 0, an [*ExitError] when with another one, ctx's cause when ctx ended it,
// ErrTimeout, or Line's error. The Result is what there was until then.
func Run(ctx context.Context, c Command) (Result, error) {
	if err := c.check(); err != nil {
		return Result{ExitCode: -1}, err
	}
	home, err := os.MkdirTemp("", "callboard-run-")
	if err != nil {
		return Result{ExitCode: -1}, fmt.Errorf("run %s: %w", c.name(), err)
	}
	defer func() { _ = os.RemoveAll(home) }() // what is left, the system removes
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if c.Timeout > 0 {
		timer := time.AfterFunc(c.Timeout, func() { stop(fmt.Errorf("%w (%s)", ErrTimeout, c.Timeout)) })
		defer timer.Stop()
	}
	out := newOutput(ctx, c, stop)
	cmd := &exec.Cmd{
		Path: c.Program, Args: append([]string{c.name()}, c.Args...), Dir: c.Dir, Env: c.environment(home),
		WaitDelay: time.Second, // for a process that left the group and does not read what it was given
	}
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	if err = out.open(cmd); err == nil {
		err = runGroup(ctx, cmd, cmp.Or(c.Grace, DefaultGrace))
		out.close()
	}
	return out.result(cmd), c.explain(ctx, cmd, out, err)
}

func (c *Command) check() error {
	if !filepath.IsAbs(c.Program) {
		return fmt.Errorf("run %q: the program must be an absolute path", c.Program)
	}
	for _, e := range c.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" {
			return fmt.Errorf("run %s: %q is no NAME=value", c.name(), name)
		}
	}
	if info, err := os.Stat(c.Dir); err != nil {
		return fmt.Errorf("run %s in a folder: %w", c.name(), err)
	} else if !info.IsDir() {
		return fmt.Errorf("run %s: %s is no folder", c.name(), c.Dir)
	}
	return nil
}

func (c *Command) name() string { return filepath.Base(c.Program) }

// systemPath is where programs find the programs that they start, such as git its ssh.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is complete: exec takes the last of two values of one name.
func (c *Command) environment(home string) []string {
	return append([]string{"PATH=" + systemPath, "HOME=" + home, "TMPDIR=" + home, "LANG=C.UTF-8"}, c.Env...)
}

// explain makes the run's error: why it was stopped counts more than the signal that stopped it.
func (c *Command) explain(ctx context.Context, cmd *exec.Cmd, out *output, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s was stopped: %w", c.name(), cause)
	}
	var exit *exec.ExitError
	switch {
	case cmd.ProcessState == nil:
		return fmt.Errorf("start %s: %w", c.name(), err)
	case errors.As(err, &exit):
		return &ExitError{Program: c.name(), State: exit.String(), Code: exit.ExitCode(), Stderr: out.stderr()}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return fmt.Errorf("run %s: %w", c.name(), err)
	}
	return nil
}
