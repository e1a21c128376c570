package task

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// snapshot is a workspace at the end of a step.
type snapshot struct {
	// any: there are files.
	any bool
	// archive is a compressed tar of them, nil = there are none, or they are not kept.
	archive []byte
	hash    [sha256.Size]byte
}

// outline tells two snapshots apart.
type outline struct {
	any, kept bool
	hash      [sha256.Size]byte
}

func (s *snapshot) outline() outline { return outline{s.any, s.archive != nil, s.hash} }

// errTooLarge is why a workspace is not kept.
var errTooLarge = errors.New("the files are larger than what is kept")

// takeSnapshot reads the folder. Files, folders and links are kept with their permissions, nothing else is. With an error
// the snapshot still tells whether there are files.
func takeSnapshot(folder string, limit int64) (*snapshot, error) {
	root, err := os.OpenRoot(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return &snapshot{}, nil
	}
	if err != nil {
		return &snapshot{any: true}, err
	}
	defer root.Close()
	var s snapshot
	var out bytes.Buffer
	compressed, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return &snapshot{any: true}, err
	}
	hash := sha256.New()
	p := packer{root: root, to: tar.NewWriter(io.MultiWriter(compressed, hash)), left: limit}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		s.any = true
		return p.add(name, entry)
	})
	if err = errors.Join(err, p.to.Close(), compressed.Close()); err != nil || !s.any {
		return &s, err
	}
	s.archive, s.hash = out.Bytes(), [sha256.Size]byte(hash.Sum(nil))
	return &s, nil
}

type packer struct {
	root *os.Root
	to   *tar.Writer
	left int64
}

// entryCost is what a name counts beside its content.
const entryCost = 512

func (p *packer) add(name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Format: tar.FormatPAX}
	switch info.Mode().Type() {
	case fs.ModeDir:
		h.Typeflag = tar.TypeDir
	case fs.ModeSymlink:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = p.root.Readlink(name); err != nil {
			return err
		}
	case 0:
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
	default:
		return nil
	}
	if p.left -= h.Size + entryCost; p.left < 0 {
		return errTooLarge
	}
	if err := p.to.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	f, err := p.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(p.to, f, h.Size) // fails when the file became shorter meanwhile
	return err
}

// restore fills an empty folder with an archive of [takeSnapshot].
func restore(folder string, archive []byte) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	plain, err := zstd.NewReader(bytes.NewReader(archive), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer plain.Close()
	var folders []*tar.Header // their permissions come last: they may forbid to write
	for files := tar.NewReader(plain); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return chmodAll(root, folders)
		}
		if err == nil {
			err = restoreOne(root, h, files)
		}
		if err != nil {
			return fmt.Errorf("restore the files of the task: %w", err)
		}
		if h.Typeflag == tar.TypeDir {
			folders = append(folders, h)
		}
	}
}

func restoreOne(root *os.Root, h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return root.Mkdir(h.Name, 0o700)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, h.Name)
	}
	f, err := root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Chmod(fs.FileMode(h.Mode).Perm()), f.Close())
}

func chmodAll(root *os.Root, folders []*tar.Header) error {
	var all error
	for _, h := range slices.Backward(folders) { // inner ones first
		all = errors.Join(all, root.Chmod(h.Name, fs.FileMode(h.Mode).Perm()))
	}
	return all
}
