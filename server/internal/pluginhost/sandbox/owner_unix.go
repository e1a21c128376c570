//go:build unix

package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// OwnerOf is who the plugin should run as: the host's own user, unless the host is root and may hand out others. Level off
// keeps the developer's user.
func OwnerOf(id manifest.ID, level Level) Owner {
	self := Owner{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	if self.UID != 0 || level == Off {
		return self
	}
	users, _ := os.ReadFile("/proc/self/uid_map") // without them nobody is mapped
	groups, _ := os.ReadFile("/proc/self/gid_map")
	own, ok := ownerOf(id, func(first, count uint32) bool {
		return covers(string(users), first, count) && covers(string(groups), first, count)
	})
	if !ok {
		return self
	}
	return own
}

// covers tells whether a map of users or groups has all numbers from first on.
func covers(table string, first, count uint32) bool {
	lines := bufio.NewScanner(strings.NewReader(table))
	for lines.Scan() {
		var inside, outside, length uint64
		if _, err := fmt.Sscan(lines.Text(), &inside, &outside, &length); err != nil {
			continue
		}
		if inside <= uint64(first) && uint64(first)+uint64(count) <= inside+length {
			return true
		}
	}
	return false
}

// Reaches tells whether o can get to path, as far as modes say, and read it if read is set; if not, what stands in the way.
func (o Owner) Reaches(path string, read bool) (obstacle string, ok bool) {
	if !o.Own {
		return "", true
	}
	path = filepath.Clean(path)
	for at := path; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return at, false
		}
		var need fs.FileMode
		if info.IsDir() {
			need = 0o1
		}
		if at == path && read {
			need |= 0o4
		}
		if stat, isStat := info.Sys().(*syscall.Stat_t); isStat && stat.Uid == o.UID {
			need <<= 6
		}
		if info.Mode().Perm()&need != need {
			return at, false
		}
		if at == filepath.Dir(at) {
			return "", true
		}
	}
}

// Take makes o the owner of dir and what is in it, unless it is already. Links are not followed.
func (o Owner) Take(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); os.Getuid() != 0 || ok && stat.Uid == o.UID && stat.Gid == o.GID {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	// The folder itself comes last: a walk that was interrupted is done again.
	err = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed meanwhile
			return nil
		case err != nil || name == ".":
			return err
		}
		if err := root.Lchown(name, int(o.UID), int(o.GID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return root.Lchown(".", int(o.UID), int(o.GID))
}
