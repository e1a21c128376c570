package sandbox

import (
	"hash/fnv"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Owner is the user that a plugin runs as, and that its folders belong to.
type Owner struct {
	UID, GID uint32
	// Own: it is no user of the host's own.
	Own bool
}

// Users for plugins of a host that is root, where its user namespace has them: 2^28 numbers that no distribution hands out
// (above those of systemd's containers, below 2^31), else a range that systemd leaves unused. A number follows from the id,
// so that a plugin's files stay its own over restarts and without a table.
const (
	wideUsers, wideCount     = 0x70000000, 1 << 28
	narrowUsers, narrowCount = 60578, 606
)

// ownerOf answers the plugin's number; false = the host's user namespace has neither range.
func ownerOf(id manifest.ID, mapped func(first, count uint32) bool) (Owner, bool) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	for _, r := range []struct{ first, count uint32 }{{wideUsers, wideCount}, {narrowUsers, narrowCount}} {
		if mapped(r.first, r.count) {
			uid := r.first + h.Sum32()%r.count
			return Owner{UID: uid, GID: uid, Own: true}, true
		}
	}
	return Owner{}, false
}
