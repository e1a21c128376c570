package verify

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/excerpt"
)

// Store keeps contents of plugins in folders that are named by their [Hash]: <dir>/<sha256>/. Contents never change; a
// folder that does not hash to its name any more is thrown away and made again. Many callers, also in several processes,
// may add the same content at once: each makes a copy and the first rename wins. Signatures, of which there may be more
// later, are kept beside the contents in <sha256>.signatures/.
type Store struct{ dir string }

const (
	stagingPrefix    = ".staging-"
	signaturesSuffix = ".signatures"
	// A copy takes seconds. What is older belongs to nobody.
	stagingAge = time.Hour
)

// OpenStore opens or makes the store in dataDir.
func OpenStore(dataDir string) (*Store, error) {
	dir, err := filepath.Abs(filepath.Join(dataDir, "store"))
	if err == nil {
		err = os.MkdirAll(dir, 0o755) //nolint:gosec // plugins may run as other users, and read their code here
	}
	if err != nil {
		return nil, fmt.Errorf("open the store of plugins: %w", err)
	}
	return &Store{dir}, nil
}

// Path is where a content is, or would be.
func (s *Store) Path(hash Hash) string { return filepath.Join(s.dir, string(hash)) }

// Check hashes a content again: every file, every time. It answers the list that the content was checked against.
func (s *Store) Check(ctx context.Context, hash Hash) (Checksums, error) {
	if !hashForm.MatchString(string(hash)) {
		return nil, fmt.Errorf("%q is not the hash of a plugin", excerpt.Short(string(hash)))
	}
	root, err := os.OpenRoot(s.Path(hash))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	sums, err := checkFolder(ctx, root)
	if err == nil && sums.Hash() != hash {
		err = refusef(ChecksumsFile, "has been changed: the folder's name is not its hash any more")
	}
	return sums, err
}

// checkFolder compares a folder with the checksums file in it. Nothing else than what is listed may be there.
func checkFolder(ctx context.Context, root *os.Root) (Checksums, error) {
	listed, err := readChecksums(root)
	if err != nil {
		return nil, err
	}
	found, err := sumAll(ctx, root)
	if err != nil {
		return nil, err
	}
	return listed, listed.Compare(found).or(nil)
}

func readChecksums(root *os.Root) (Checksums, error) {
	text, err := readSmall(root, ChecksumsFile, maxChecksums)
	if err != nil {
		return nil, err
	}
	return ParseChecksums(text)
}

// AddFolder copies the files that sums lists from a folder. Files are hashed as they are copied, so what is in the store is
// what was checked, whatever happens to the folder meanwhile.
func (s *Store) AddFolder(ctx context.Context, from *os.Root, sums Checksums) error {
	return s.add(ctx, sums.Hash(), func(to *os.Root) error {
		if err := to.WriteFile(ChecksumsFile, sums.Text(), 0o444); err != nil {
			return err
		}
		for _, sum := range sums {
			if err := copyFile(ctx, from, to, sum); err != nil {
				return err
			}
		}
		return nil
	})
}

func copyFile(ctx context.Context, from, to *os.Root, sum Sum) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	in, err := openRegular(from, sum.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	return writeFile(to, sum, in, info.Mode()&0o111 != 0)
}

// writeFile writes one file of a content and refuses it when it is not what sum says.
func writeFile(to *os.Root, sum Sum, in io.Reader, executable bool) error {
	mode := fs.FileMode(0o444)
	if executable {
		mode = 0o555
	}
	if err := to.MkdirAll(path.Dir(sum.Path), 0o755); err != nil {
		return err
	}
	out, err := to.OpenFile(sum.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return refusef(sum.Path, "is in the package twice")
	}
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	// The mask of the process may have taken bits.
	if err = errors.Join(err, out.Chmod(mode), out.Close()); err != nil {
		return err
	}
	if [sha256.Size]byte(h.Sum(nil)) != sum.Hash {
		return refusef(sum.Path, "has been changed: its SHA-256 is not the one in %s", ChecksumsFile)
	}
	return nil
}

// add makes the content by fill unless it is there and whole.
func (s *Store) add(ctx context.Context, hash Hash, fill func(to *os.Root) error) error {
	switch _, err := s.Check(ctx, hash); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.Is(err, fs.ErrNotExist):
		if err := s.discard(hash); err != nil {
			return err
		}
	}
	staging := filepath.Join(s.dir, stagingPrefix+rand.Text())
	if err := s.stage(ctx, staging, hash, fill); err != nil {
		return errors.Join(err, removeTree(staging))
	}
	if err := os.Rename(staging, s.Path(hash)); err != nil {
		// Somebody was faster, which is as good if theirs is whole.
		if _, checked := s.Check(ctx, hash); checked != nil {
			err = fmt.Errorf("store plugin: %w", errors.Join(err, checked))
		} else {
			err = nil
		}
		return errors.Join(err, removeTree(staging))
	}
	return nil
}

func (s *Store) stage(ctx context.Context, staging string, hash Hash, fill func(to *os.Root) error) error {
	if err := os.Mkdir(staging, 0o750); err != nil {
		return fmt.Errorf("store plugin: %w", err)
	}
	root, err := os.OpenRoot(staging)
	if err != nil {
		return fmt.Errorf("store plugin: %w", err)
	}
	defer root.Close()
	if err := fill(root); err != nil {
		return err
	}
	sums, err := checkFolder(ctx, root)
	if err != nil {
		return err
	}
	if sums.Hash() != hash {
		return refusef(ChecksumsFile, "is another one than at the beginning of the package")
	}
	return chmodFolders(staging, 0o555)
}

// discard takes a damaged content away. It is renamed first, so that nobody sees half of it.
func (s *Store) discard(hash Hash) error {
	aside := filepath.Join(s.dir, stagingPrefix+rand.Text())
	if err := os.Rename(s.Path(hash), aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store plugin: take the damaged copy away: %w", err)
	}
	return removeTree(aside)
}

// Sweep removes contents that keep does not name, and what interrupted copies have left.
func (s *Store) Sweep(keep []Hash, now time.Time) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("sweep the store of plugins: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		name := entry.Name()
		info, err := entry.Info()
		if err != nil {
			continue // gone meanwhile
		}
		stale := strings.HasPrefix(name, stagingPrefix) && now.Sub(info.ModTime()) > stagingAge
		hash := strings.TrimSuffix(name, signaturesSuffix)
		unused := hashForm.MatchString(hash) && !slices.Contains(keep, Hash(hash)) && now.Sub(info.ModTime()) > stagingAge
		if stale || unused {
			errs = append(errs, removeTree(filepath.Join(s.dir, name)))
		}
	}
	return errors.Join(errs...)
}

// keepSignatures keeps signatures that were found good, so that the content can be judged again without its source.
func (s *Store) keepSignatures(hash Hash, good []signature) error {
	dir := s.Path(hash) + signaturesSuffix
	for _, sig := range good {
		err := os.MkdirAll(dir, 0o750)
		if err == nil {
			err = replaceFile(filepath.Join(dir, signatureOf(sig.parsed.KeyID)), append(sig.text, '\n'), 0o444)
		}
		if err != nil {
			return fmt.Errorf("store the signature of a plugin: %w", err)
		}
	}
	return nil
}

func (s *Store) signatures(hash Hash) ([]signature, error) {
	root, err := os.OpenRoot(s.Path(hash) + signaturesSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the signatures of a plugin: %w", err)
	}
	defer root.Close()
	return readSignatures(root)
}

func chmodFolders(dir string, mode fs.FileMode) error {
	return filepath.WalkDir(dir, func(p string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return os.Chmod(p, mode) //nolint:gosec // only the host writes where it keeps plugins
	})
}

// removeTree removes folders that their owner may not write to.
func removeTree(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(chmodFolders(dir, 0o755), os.RemoveAll(dir))
}
