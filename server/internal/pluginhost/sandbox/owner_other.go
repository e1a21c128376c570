//go:build !unix

package sandbox

import "github.com/callboard/callboard/server/internal/pluginhost/manifest"

// OwnerOf is the host's own user, whatever the plugin.
func OwnerOf(manifest.ID, Level) Owner { return Owner{} }

// Reaches is true: plugin and host are one user.
func (Owner) Reaches(string, bool) (obstacle string, ok bool) { return "", true }

// Take does nothing: plugin and host are one user.
func (Owner) Take(string) error { return nil }
