package verify

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/callboard/callboard/sdk/excerpt"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// PackageSuffix ends the name of every package: a tar archive, compressed by zstd.
const PackageSuffix = ".tar.zst"

// Pack writes a package: checksums, signatures, manifest, then the other files in order. The same files give the same
// bytes, wherever and whenever they are packed. Files are hashed as they are written; one that is not as sums says ends it.
// The folder's signatures go in if they are over these checksums.
func Pack(ctx context.Context, w io.Writer, from *os.Root, sums Checksums) error {
	var signatures []signature
	if listed, err := readChecksums(from); err == nil && listed.Hash() == sums.Hash() {
		if signatures, err = readSignatures(from); err != nil {
			return err
		}
	}
	buffered := bufio.NewWriterSize(w, 256<<10)
	// One goroutine, so that the output does not depend on timing.
	compressed, err := zstd.NewWriter(buffered, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(maxWindow))
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	archive := tar.NewWriter(compressed)
	err = packAll(ctx, archive, from, sums, signatures)
	return errors.Join(err, archive.Close(), compressed.Close(), buffered.Flush())
}

func packAll(ctx context.Context, archive *tar.Writer, from *os.Root, sums Checksums, signatures []signature) error {
	if err := packText(archive, ChecksumsFile, sums.Text()); err != nil {
		return err
	}
	for _, sig := range signatures {
		if err := packText(archive, sig.file, append(sig.text, '\n')); err != nil {
			return err
		}
	}
	i := slices.IndexFunc(sums, func(s Sum) bool { return s.Path == manifest.File })
	if i < 0 {
		return refusef(manifest.File, "is missing; a plugin's folder holds one")
	}
	for _, sum := range slices.Concat(sums[i:i+1], sums[:i], sums[i+1:]) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := packFile(archive, from, sum); err != nil {
			return err
		}
	}
	return nil
}

func packText(archive *tar.Writer, name string, text []byte) error {
	if err := archive.WriteHeader(entry(name, int64(len(text)), false)); err != nil {
		return err
	}
	_, err := archive.Write(text)
	return err
}

func packFile(archive *tar.Writer, from *os.Root, sum Sum) error {
	f, err := openRegular(from, sum.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(entry(sum.Path, info.Size(), info.Mode()&0o111 != 0)); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(archive, h), f); err != nil {
		return refusef(sum.Path, "cannot be packed: %v", reason(err))
	}
	if [sha256.Size]byte(h.Sum(nil)) != sum.Hash {
		return refusef(sum.Path, "was changed while it was packed")
	}
	return nil
}

// entry has no time, owner or other trace of the machine.
func entry(name string, size int64, executable bool) *tar.Header {
	mode := int64(0o644)
	if executable {
		mode = 0o755
	}
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: mode, Format: tar.FormatPAX}
}

const (
	// maxWindow is what one reader of packages has to hold in memory, at most.
	maxWindow = 8 << 20
	// maxRatio and freeRatio: real plugins compress to a third or a fifth. The first megabytes may be anything.
	maxRatio  = 100
	freeRatio = 16 << 20
)

// Package is an open package file. Its beginning has been read: the checksums, the signatures over them and the manifest,
// which is as the checksums say. So it can be judged before anything is written.
type Package struct {
	name       string
	file       *os.File
	zstd       *zstd.Decoder
	archive    *tar.Reader
	sums       Checksums
	manifest   []byte
	signatures []signature
}

// OpenPackage reads the beginning of a package and judges nothing.
func OpenPackage(name string) (*Package, error) {
	f, err := openPackageFile(name)
	if err != nil {
		return nil, err
	}
	p := &Package{name: name, file: f}
	in := &counted{r: bufio.NewReaderSize(f, 256<<10)}
	p.zstd, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxTotal+64<<20), zstd.WithDecoderLowmem(true))
	if err == nil {
		p.archive = tar.NewReader(&bounded{r: p.zstd, in: in})
		err = p.readSeals()
	}
	if err != nil {
		p.Close()
		return nil, p.broken(err)
	}
	return p, nil
}

func openPackageFile(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, refusef(name, "cannot be read: %v", reason(err))
	}
	if !info.Mode().IsRegular() {
		return nil, refusef(name, "is not a package of a plugin")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, refusef(name, "cannot be read: %v", reason(err))
	}
	return f, nil
}

// Close ends reading.
func (p *Package) Close() {
	if p.zstd != nil {
		p.zstd.Close()
	}
	_ = p.file.Close()
}

// broken tells rules that were broken from archives that are not whole.
func (p *Package) broken(err error) error {
	if rule, ok := errors.AsType[*Refusal](err); ok {
		return &Refusal{File: p.name, Rule: "is refused: " + rule.Error()}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("unpack %s: %w", p.name, err)
	}
	return refusef(p.name, "is not a whole package of a plugin: %v", err)
}

func (p *Package) readSeals() error {
	h, err := p.next()
	if err != nil {
		return err
	}
	if h.Name != ChecksumsFile {
		return refusef("the package", "does not begin with %s", ChecksumsFile)
	}
	text, err := p.text(h, maxChecksums)
	if err != nil {
		return err
	}
	if p.sums, err = ParseChecksums(text); err != nil {
		return err
	}
	for {
		h, err := p.next()
		if err != nil {
			return err
		}
		if !isSeal(h.Name) {
			return p.readManifest(h)
		}
		if err := p.readSignature(h); err != nil {
			return err
		}
	}
}

func (p *Package) readManifest(h *tar.Header) error {
	hash, listed := p.sums.Find(manifest.File)
	if h.Name != manifest.File || !listed {
		return refusef("the package", "does not have %s behind its signatures", manifest.File)
	}
	text, err := p.text(h, maxManifest)
	if err == nil && sha256.Sum256(text) != hash {
		err = refusef(manifest.File, "has been changed: its SHA-256 is not the one in %s", ChecksumsFile)
	}
	p.manifest = text
	return err
}

func (p *Package) readSignature(h *tar.Header) error {
	if len(p.signatures) == maxSignatures {
		return refusef("the package", "has more than %d signatures", maxSignatures)
	}
	text, err := p.text(h, maxSignature)
	if err != nil {
		return err
	}
	s, err := parseSignature(h.Name, text)
	if err == nil {
		p.signatures = append(p.signatures, s)
	}
	return err
}

// next is the next entry, which must be a plain file with a path that stays inside.
func (p *Package) next() (*tar.Header, error) {
	h, err := p.archive.Next()
	if err != nil {
		return nil, err
	}
	if h.Typeflag != tar.TypeReg {
		return nil, refusef(fmt.Sprintf("the entry %q", excerpt.Short(h.Name)), "is not a regular file; a plugin consists of regular files")
	}
	if err := checkPath(h.Name); err != nil {
		return nil, refusef("an entry", "has a path that is not allowed: %v", err)
	}
	return h, nil
}

func (p *Package) text(h *tar.Header, limit int64) ([]byte, error) {
	if h.Size > limit {
		return nil, refusef(h.Name, "is larger than %d bytes", limit)
	}
	return io.ReadAll(p.archive)
}

// Unpack puts the content into the store. It may be called once. What is refused leaves nothing behind.
func (p *Package) Unpack(ctx context.Context, s *Store) error {
	err := s.add(ctx, p.sums.Hash(), func(to *os.Root) error {
		if err := to.WriteFile(ChecksumsFile, p.sums.Text(), 0o444); err != nil {
			return err
		}
		if err := to.WriteFile(manifest.File, p.manifest, 0o444); err != nil {
			return err
		}
		return p.unpackContent(ctx, to)
	})
	if err != nil {
		return p.broken(err)
	}
	return nil
}

func (p *Package) unpackContent(ctx context.Context, to *os.Root) error {
	for files, total := 1, int64(0); ; files++ {
		h, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		hash, listed := p.sums.Find(h.Name)
		if !listed {
			return refusef(h.Name, "is in the package and not in %s", ChecksumsFile)
		}
		total += h.Size
		if err := withinLimits(files, total); err != nil {
			return err
		}
		if err := writeFile(to, Sum{h.Name, hash}, p.archive, h.Mode&0o111 != 0); err != nil {
			return err
		}
	}
}

// counted counts what was read of the compressed file.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// bounded ends archives that hold much more than they should: in all, or for their size.
type bounded struct {
	r  io.Reader
	in *counted
	n  int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	switch {
	case b.n > maxTotal+maxFiles*2048+maxChecksums:
		return 0, refusef("the package", "holds more than %d MiB", maxTotal>>20)
	case b.n > freeRatio && b.n > maxRatio*b.in.n:
		return 0, refusef("the package", "holds more than %d times its size", maxRatio)
	}
	return n, err
}
