//go:build !unix

package launch

import (
	"io/fs"
	"os"
)

func lockFolder(dir string) (*os.File, error) { return os.Open(dir) }

func ours(fs.FileInfo) bool { return false }
