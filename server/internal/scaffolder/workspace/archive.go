package workspace

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// ExtractOptions say what of an archive is wanted, and where.
type ExtractOptions struct {
	// To is the folder that gets the content, "" = the workspace itself.
	To string
	// Strip takes away that many folders from the front of each name; entries with fewer are left out. Archives of
	// repositories have one folder around everything.
	Strip int
	// Below keeps only what is in that folder (after Strip), without it; "" = all.
	Below  string
	Limits Limits
}

// Extraction tells what came of an archive.
type Extraction struct {
	Files int
	// Skipped are links that would lead out of the folder, hard links, devices and pipes: none of them is made.
	Skipped []string
}

// ratioFrom is how much content is always accepted, however small it was packed.
const ratioFrom = 1 << 20

// ExtractTar unpacks a tar archive, compressed by gzip or not. An entry whose name leads out, a broken archive and one
// beyond the limits are InputErrors; what was unpacked until then stays.
func (d *Dir) ExtractTar(r io.Reader, o ExtractOptions) (Extraction, error) {
	packed := &counter{r: r}
	buffered := bufio.NewReader(packed)
	x := extraction{dir: d, o: o, budget: budget{Limits: o.Limits}, packed: packed}
	content := io.Reader(buffered)
	if magic, _ := buffered.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return Extraction{}, broken(err)
		}
		content = unzipped
	}
	// Everything that is unpacked counts, also headers and what is skipped.
	entries := tar.NewReader(&unpacking{content, &x})
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return x.done, nil
		}
		if err != nil {
			return x.done, broken(err)
		}
		if err := x.entry(tarEntry(header, entries)); err != nil {
			return x.done, err
		}
	}
}

// ExtractZip is [Dir.ExtractTar] for zip archives.
func (d *Dir) ExtractZip(r io.ReaderAt, size int64, o ExtractOptions) (Extraction, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return Extraction{}, broken(err)
	}
	x := extraction{dir: d, o: o, budget: budget{Limits: o.Limits}, packed: &counter{n: size}}
	for _, f := range archive.File {
		if err := x.zipped(f); err != nil {
			return x.done, err
		}
	}
	return x.done, nil
}

func (x *extraction) zipped(f *zip.File) error {
	content, err := f.Open()
	if err != nil {
		return broken(err)
	}
	defer content.Close()
	e := entry{name: f.Name, mode: f.Mode(), content: &unpacking{content, x}}
	if e.mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(e.content, maxName+1))
		if err != nil {
			return broken(err)
		}
		e.target = string(target)
	}
	return x.entry(e)
}

// entry is what both kinds of archives say of one name.
type entry struct {
	name    string
	mode    fs.FileMode
	target  string // of symbolic links
	hard    bool
	content io.Reader
}

func tarEntry(h *tar.Header, content io.Reader) entry {
	return entry{name: h.Name, mode: h.FileInfo().Mode(), target: h.Linkname, hard: h.Typeflag == tar.TypeLink, content: content}
}

type extraction struct {
	dir    *Dir
	o      ExtractOptions
	budget budget
	packed *counter
	done   Extraction
}

func (x *extraction) entry(e entry) error {
	if e.mode.IsRegular() && strings.HasPrefix(e.name, "pax_global_header") {
		return nil
	}
	name, wanted, err := x.place(e.name)
	if err != nil {
		return err
	}
	if err := x.budget.file(e.name); err != nil || !wanted {
		return err
	}
	switch {
	case e.mode.IsDir():
		return x.dir.MkdirAll(name)
	case e.mode&fs.ModeSymlink != 0:
		made, err := x.dir.link(e.target, name)
		if err == nil && !made {
			x.done.Skipped = append(x.done.Skipped, e.name)
		}
		return err
	case e.hard || !e.mode.IsRegular():
		x.done.Skipped = append(x.done.Skipped, e.name)
		return nil
	}
	x.done.Files++
	return x.file(name, e)
}

func (x *extraction) file(name string, e entry) error {
	mode := fs.FileMode(0o644)
	if e.mode&0o111 != 0 {
		mode = 0o755
	}
	// A link that an earlier entry made is replaced, not written through.
	if info, err := x.dir.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if err := x.dir.RemoveAll(name); err != nil {
			return err
		}
	}
	err := x.dir.write(name, mode, func(w io.Writer) error {
		_, err := io.Copy(w, e.content)
		return err
	})
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, gzip.ErrChecksum) {
		return broken(err)
	}
	return err
}

// place is where an entry goes; wanted is false for what is outside of the part that was asked for.
func (x *extraction) place(name string) (at string, wanted bool, err error) {
	if strings.ContainsAny(name, "\x00\\") || path.IsAbs(name) || hasDots(name) {
		return "", false, apierror.Inputf("the archive has an entry %q, whose name would lead out of its folder", name)
	}
	parts := strings.Split(strings.Trim(path.Clean(name), "/"), "/")
	if len(parts) <= x.o.Strip {
		return "", false, nil
	}
	inner := path.Join(parts[x.o.Strip:]...)
	if below := strings.Trim(x.o.Below, "/"); below != "" {
		rest, ok := strings.CutPrefix(inner, below+"/")
		if !ok {
			return "", false, nil
		}
		inner = rest
	}
	return path.Join(x.o.To, inner), true, nil
}

func hasDots(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

func broken(err error) error {
	if e, ok := errors.AsType[*apierror.Error](err); ok {
		return e
	}
	return apierror.Inputf("the archive cannot be read: %v", err)
}

// counter counts the packed bytes.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// unpacking stops an archive that unfolds beyond the limits, while it unfolds.
type unpacking struct {
	r io.Reader
	x *extraction
}

func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	b := &u.x.budget
	b.bytes += int64(n)
	switch {
	case b.bytes > b.Bytes:
		return 0, apierror.Inputf("the archive unpacks to more than the limit of %s", mebibytes(b.Bytes))
	case b.bytes > ratioFrom && b.bytes/b.Ratio > u.x.packed.n:
		return 0, apierror.Inputf("the archive unpacks to more than %d times its size", b.Ratio)
	}
	return n, err
}
