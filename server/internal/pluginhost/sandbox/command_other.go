//go:build !linux

package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"time"
)

// Command is a plugin's program about to be started. Systems other than Linux are for development: the program is started
// as it is, and the report says so.
type Command struct {
	Self           string
	Policy         Policy
	Owner          Owner
	Argv           []string
	Path           string
	Program        *os.File
	Dir            string
	Env            []string
	Stdout, Stderr *os.File
	Cgroup         int
	Notes          []string
}

// Child is a started program.
type Child struct {
	*exec.Cmd
	report Report
}

// Start starts the program, unless the policy requires a sandbox.
func (c *Command) Start() (*Child, error) {
	if c.Policy.Level == Required {
		return nil, errors.New("the sandbox is required, and there is none on this system; see callboard.pluginHost.sandbox")
	}
	cmd := &exec.Cmd{Path: c.Path, Args: c.Argv, Dir: c.Dir, Env: c.Env, Stdout: c.Stdout, Stderr: c.Stderr}
	if err := cmd.Start(); err != nil {
		return nil, &Failure{Exec: true, Reason: err.Error()}
	}
	report := Report{Asked: c.Policy.Level, UID: c.Owner.UID, Notes: c.Notes}
	report.note("there is no sandbox on this system")
	return &Child{Cmd: cmd, report: report}, nil
}

// Hand answers at once.
func (c *Child) Hand(time.Time) (Report, error) { return c.report, nil }

// Ended is nil: the process itself is the program.
func (c *Child) Ended() *Exit { return nil }
