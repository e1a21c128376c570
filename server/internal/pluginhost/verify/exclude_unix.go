//go:build unix

package verify

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// exclude holds an advisory lock on the folder of file, since the file itself is replaced by each write. The lock ends with
// the process at the latest.
func exclude(file string) (release func(), err error) {
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	for until := time.Now().Add(lockWait); ; time.Sleep(10 * time.Millisecond) {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = dir.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(until) {
			return nil, errors.Join(err, dir.Close())
		}
	}
}
