package workspace

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// ExtractOptions say what of an archive is wanted, and where.
type ExtractOptions struct {
	// To is the folder that gets the content, "" = the workspace itself. Nothing in it leads out of it afterwards.
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
	to, err := d.folder(o.To)
	if err != nil {
		return Extraction{}, err
	}
	defer to.Close()
	return to.extractTar(r, o)
}

// folder opens a folder as a workspace of its own, and makes it before.
func (d *Dir) folder(rel string) (*Dir, error) {
	if err := d.MkdirAll(rel); err != nil {
		return nil, err
	}
	return d.Sub(rel)
}

func (d *Dir) extractTar(r io.Reader, o ExtractOptions) (Extraction, error) {
	packed := &counter{r: r}
	buffered := bufio.NewReader(packed)
	x := extraction{dir: d, o: o, budget: budget{Limits: o.Limits}, packed: packed}
	unzipped := io.Reader(buffered)
	if magic, _ := buffered.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		packed, err := gzip.NewReader(buffered)
		if err != nil {
			return Extraction{}, broken(err)
		}
		unzipped = packed
	}
	// Everything that is unpacked counts, also headers and what is skipped.
	unpacked := &unpacking{unzipped, &x}
	entries := tar.NewReader(unpacked)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			// What follows the last entry may be nothing, but its checksum.
			_, err = io.Copy(io.Discard, unpacked)
			return x.ended(err)
		}
		if err != nil {
			return x.done, broken(err)
		}
		e := entry{header.Name, header.FileInfo().Mode(), header.Linkname, header.Typeflag == tar.TypeLink, entries}
		if err := x.entry(e); err != nil {
			return x.done, err
		}
	}
}

// ended takes away links that lead out now that all others are there.
func (x *extraction) ended(err error) (Extraction, error) {
	if err != nil {
		return x.done, broken(err)
	}
	for found := true; found; {
		found = false
		for name, entry := range x.links {
			if _, err := x.dir.follow(name); !apierror.Has(err, apierror.NotAllowed) {
				continue
			}
			if err := x.dir.root.Remove(name); err != nil {
				return x.done, explain("remove", name, err)
			}
			delete(x.links, name)
			x.done.Skipped, found = append(x.done.Skipped, entry), true
		}
	}
	slices.Sort(x.done.Skipped)
	return x.done, nil
}

// entry is what the archive says of one name.
type entry struct {
	name    string
	mode    fs.FileMode
	target  string // of symbolic links
	hard    bool
	content io.Reader
}

type extraction struct {
	dir    *Dir
	o      ExtractOptions
	budget budget
	packed *counter
	links  map[string]string // that were made: the names of their entries, by where they are
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
		return x.link(name, e)
	case e.hard || !e.mode.IsRegular():
		x.done.Skipped = append(x.done.Skipped, e.name)
		return nil
	}
	x.done.Files++
	return x.file(name, e)
}

func (x *extraction) link(name string, e entry) error {
	made, err := x.dir.link(e.target, name)
	if err != nil {
		return err
	}
	if !made {
		x.done.Skipped = append(x.done.Skipped, e.name)
		return nil
	}
	if x.links == nil {
		x.links = map[string]string{}
	}
	x.links[path.Clean(name)] = e.name
	return nil
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
	return x.dir.write(name, mode, func(w io.Writer) error {
		_, err := io.Copy(w, content{e.content})
		return err
	})
}

// content tells errors of an archive from those of the folder that it is written to.
type content struct{ r io.Reader }

func (c content) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = broken(err)
	}
	return n, err
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
	return inner, true, nil
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
	case b.Ratio > 0 && b.bytes > ratioFrom && b.bytes/b.Ratio > u.x.packed.n:
		return 0, apierror.Inputf("the archive unpacks to more than %d times its size", b.Ratio)
	}
	return n, err
}
