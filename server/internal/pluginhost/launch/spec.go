// Package launch starts one process of a plugin, shakes hands with it, and ends it with everything that it started.
//
// It is the only package that knows go-plugin, and it takes little of it: the handshake. The process is started by the
// sandbox's launcher, its output is read here, and the gRPC connection is dialled here with limits of its own. A [Process]
// lives once: who wants the plugin again calls [Start] again.
package launch

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/pluginhost/sandbox"
)

// Names of the sockets in a runtime folder.
const (
	SocketRPC    = "rpc.sock"
	SocketHTTP   = "http.sock"
	SocketHost   = "host.sock"
	SocketEgress = "egress.sock"
)

// Spec says what to start.
type Spec struct {
	ID      manifest.ID
	Version string
	// Argv is the command line of [manifest.Manifest.Argv]: its first element is a path, or the name of an interpreter that
	// is looked for in /usr/bin, /bin and Interpreters.
	Argv []string
	// Program is Argv[0] opened already, by whoever checked its hash; nil = it is opened here. Start does not close it.
	Program *os.File
	// Dir is the folder of the plugin's code, and the working folder of the process.
	Dir string
	// RuntimeDir holds the sockets of this start, see [NewRuntimeDir]. It is created if it is not there, and removed when
	// the process has ended.
	RuntimeDir string
	// DataDir is the plugin's own folder; created if it is not there, and kept.
	DataDir string
	// Interpreters are further folders for interpreters, for development. They and the installations that they belong to
	// become readable to the plugin, and they end its PATH.
	Interpreters []string
	// Policy is completed here: code, data and runtime folder and Limits are added.
	Policy sandbox.Policy
	Limits manifest.Limits
	// Logger gets what the plugin writes. Its handler is called on goroutines of this package, one line after the other.
	Logger *slog.Logger
	// Redact takes secret values out of a text before anybody sees it; nil = none are known. Called for every text that the
	// plugin writes, from several goroutines.
	Redact func(string) string
	// HandshakeTimeout is how long the process may take until it serves; 0 = 10 s.
	HandshakeTimeout time.Duration
	// Self is the callboard binary that holds the launcher; "" = the running one.
	Self string
	// Spawned hears of the process before it runs any code of the plugin: the host's sockets may trust it from then on.
	// uid is the user that its connections show (SO_PEERCRED).
	Spawned func(pid int, uid uint32)
}

// Stage is how far a start came.
type Stage string

// The stages in their order.
const (
	StagePrepare   Stage = "prepare"   // folders, program, interpreter
	StageSpawn     Stage = "spawn"     // the launcher could not be started
	StageSandbox   Stage = "sandbox"   // the launcher could not reach what the policy requires
	StageExec      Stage = "exec"      // the kernel refused the program
	StageHandshake Stage = "handshake" // the program ran, but did not shake hands
	StageConnect   Stage = "connect"   // it shook hands, but does not serve
)

// StartError is why a plugin did not start.
type StartError struct {
	Plugin manifest.ID
	Stage  Stage
	// Reason is one sentence without a full stop; Hint is what to do next, and may be empty.
	Reason, Hint string
	// Stderr are the last lines that the process wrote there, secrets removed.
	Stderr []string
	// Report is what the sandbox reached, as far as it came.
	Report sandbox.Report
	// Err is the cause that programs may look at, or nil.
	Err error
}

func (e *StartError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "start plugin %s: %s", e.Plugin, e.Reason)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	if n := len(e.Stderr); n > 0 {
		b.WriteString("; last on stderr: " + e.Stderr[n-1])
	}
	return b.String()
}

func (e *StartError) Unwrap() error { return e.Err }

// Stats are what a process and everything that it started use together.
type Stats struct {
	// RSS is resident memory; pages that processes share are counted for each.
	RSS manifest.Size
	// Private is what is not backed by files, resident or swapped out. The memory limit is about it.
	Private manifest.Size
	// CPU is the time used since the start.
	CPU                           time.Duration
	Processes, Threads, OpenFiles int
}
