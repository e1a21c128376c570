//go:build !linux

package sandbox

import "github.com/callboard/callboard/server/internal/pluginhost/manifest"

// Group is a control group, which there is on Linux only.
type Group struct{}

// NewGroup answers none.
func NewGroup(string, manifest.Limits) (g *Group, note string) { return nil, "" }

// FD is for [Command.Cgroup].
func (*Group) FD() int { return 0 }

// OutOfMemory is false.
func (*Group) OutOfMemory() bool { return false }

// Close does nothing.
func (*Group) Close() error { return nil }
