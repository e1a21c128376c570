// Package sandbox holds a plugin's process to what its policy grants, as far as the operating system lets it.
//
// The host never starts a plugin's program itself. It starts its own binary again with the hidden command
// `callboard plugin-exec` ([Exec]), inside new namespaces where it may have them; that launcher takes its order from
// descriptor 3, gives up what the policy does not grant (resource limits, Landlock, seccomp), writes down on descriptor 4
// what it reached ([Report]), and becomes the plugin by execve. So there is one path for every plugin, in development too,
// and what could not be reached is said and never pretended.
package sandbox

import (
	"slices"
	"strings"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Level is how much of the sandbox an operator asks for.
type Level string

const (
	// Off leaves out namespaces, Landlock and seccomp, and keeps the limits of resources. For development: the program can
	// be debugged, and can read whatever its developer can.
	Off Level = "off"
	// Auto takes what the system offers and reports the rest.
	Auto Level = "auto"
	// Required refuses to start a plugin that cannot be cut off from the files, processes and networks of the host.
	Required Level = "required"
)

// Policy is what a plugin's process may do. It crosses to the launcher as JSON.
type Policy struct {
	Level Level `json:"level"`
	// ReadOnly are files and folders that the plugin may read and execute, beside those that every program needs
	// (/usr, /lib, certificates, time zones).
	ReadOnly []string `json:"readOnly,omitempty"`
	// Readable are files and folders that the plugin may read as data.
	Readable []string `json:"readable,omitempty"`
	// ReadWrite are folders that it may change. Programs in them cannot be executed.
	ReadWrite []string `json:"readWrite,omitempty"`
	// Sockets are folders with the unix sockets between host and plugin.
	Sockets []string        `json:"sockets,omitempty"`
	Limits  manifest.Limits `json:"limits"`
	// FileSize is the largest file that it may write; 0 = 1 GiB.
	FileSize manifest.Size `json:"fileSize,omitempty"`
	// Network lets the plugin keep the host's network. Without it the egress socket is its only way out.
	Network bool `json:"network,omitempty"`
	// Forward is a port of 127.0.0.1 inside the plugin's own network, on which the launcher stays behind as process 1 and
	// pipes every connection to the egress socket, for languages whose HTTP clients cannot use a unix socket; 0 = none.
	Forward uint16 `json:"forward,omitempty"`
	// EgressSocket is where Forward leads.
	EgressSocket string `json:"egressSocket,omitempty"`
}

// Report is what the launcher reached for one process. The zero value means that nothing was.
type Report struct {
	// Asked is the level of the policy.
	Asked Level `json:"asked"`
	// Rlimits: open files, processes, file sizes and core dumps are limited by the kernel.
	Rlimits bool `json:"rlimits"`
	// Landlock is the version of the kernel's interface that confines files (1), TCP (4), signals and abstract sockets (6);
	// 0 = files are not confined.
	Landlock int `json:"landlock"`
	// Seccomp: system calls that no plugin needs are refused.
	Seccomp bool `json:"seccomp"`
	// Network: the process has no network but its sockets to the host.
	Network bool `json:"network"`
	// PIDs: it sees no other process, and whatever it starts ends with it.
	PIDs bool `json:"pids"`
	// User: it runs as a user of its own, or in a user namespace without privileges over the host's.
	User bool `json:"user"`
	// UID is the user that it runs as, seen from the host.
	UID uint32 `json:"uid"`
	// Cgroup: memory, processes and CPU are limited by the kernel. Without it the host's watcher limits memory and
	// processes, and CPU is only weighed.
	Cgroup bool `json:"cgroup"`
	// Forward is the port of the forwarder to the egress socket; 0 = there is none.
	Forward uint16 `json:"forward,omitempty"`
	// Notes say why something was not reached, a sentence each.
	Notes []string `json:"notes,omitempty"`
}

// Reached is the report in a word: "full", "partial" or "none".
func (r Report) Reached() string {
	switch {
	case r.Landlock > 0 && r.Seccomp && r.Network && r.PIDs && r.User:
		return "full"
	case r.Landlock > 0 || r.Seccomp || r.Network || r.PIDs || r.User:
		return "partial"
	default:
		return "none"
	}
}

// Missing names what level Required demands and r lacks.
func (r Report) Missing(p Policy) []string {
	var missing []string
	for name, reached := range map[string]bool{
		"limits of resources":                r.Rlimits,
		"Landlock":                           r.Landlock > 0,
		"seccomp":                            r.Seccomp,
		"its own process namespace":          r.PIDs,
		"a user of its own":                  r.User,
		"being cut off from the network":     r.Network || p.Network,
		"the forwarder to the egress socket": r.Forward == p.Forward,
	} {
		if !reached {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing
}

func (r *Report) note(parts ...string) { r.Notes = append(r.Notes, strings.Join(parts, "")) }
