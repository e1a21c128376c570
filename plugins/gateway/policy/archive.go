package policy

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// readArchive reads a gzipped tar archive in memory: nothing of it is ever written. It is read no further than four times
// the bounds of a bundle, for the files in it that do not matter.
func readArchive(r io.Reader) (bundle, error) {
	b := reading{bundle{}, usual, 0}
	if err := b.unpack(r); err != nil {
		return nil, apierror.Inputf("policy: archive: %v", err)
	}
	return b.bundle, nil
}

func (r *reading) unpack(packed io.Reader) error {
	unzipped, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	entries := tar.NewReader(&bounded{r: unzipped, left: 4 * r.max.all})
	for {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.addEntry(h, entries); err != nil {
			return err
		}
	}
}

func (r *reading) addEntry(h *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimLeft(h.Name, "/"))
	switch {
	case !fs.ValidPath(name):
		return fmt.Errorf("%q is no path below the archive", h.Name)
	case hidden(name) || h.Typeflag == tar.TypeDir:
		return nil
	case !matters(name):
		return refuseYAML(name)
	case h.Typeflag != tar.TypeReg:
		return fmt.Errorf("%s is no regular file", name)
	}
	return r.add(name, content)
}

func hidden(name string) bool {
	return name != "." && (strings.HasPrefix(name, ".") || strings.Contains(name, "/."))
}

// bounded fails where io.LimitReader would pretend that the archive ends.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("it unpacks to four times what a bundle may have")
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
