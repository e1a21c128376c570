package app

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/urlreader"
)

// readmes answers the README.md that stands beside the description of an entity, where the catalog itself read that: who
// may read the entity may read its neighbour. What was read, or was not there, is kept for some minutes for all viewers.
type readmes struct {
	urls    *urlreader.Reader
	kept    *otter.Cache[string, readmeText]
	reading singleflight.Group
}

type readmeText struct {
	text string
	err  error
	read time.Time
}

// Limits of a README.
const (
	mostReadme   = 512 << 10
	readmeKept   = 5 * time.Minute
	readmeWithin = 10 * time.Second
)

func newReadmes(urls *urlreader.Reader) *readmes {
	return &readmes{urls: urls, kept: otter.Must(&otter.Options[string, readmeText]{
		MaximumWeight: 32 << 20, Weigher: func(_ string, r readmeText) uint32 { return uint32(len(r.text) + 1<<10) },
	})}
}

// Readme implements apidocs.Texts.
func (r *readmes) Readme(ctx context.Context, of entity.Entity) (text, source string, err error) {
	kind, target, ok := strings.Cut(of.Annotation(entity.AnnotationLocation), ":")
	if !ok || kind != "url" && kind != "file" {
		return "", "", fs.ErrNotExist
	}
	read := readBeside
	source = "README.md"
	if kind == "url" {
		if source, err = r.urls.ResolveURL("README.md", target); err != nil {
			return "", "", fs.ErrNotExist
		}
		read = r.fetch
		target = source
	}
	if known, ok := r.kept.GetIfPresent(kind + ":" + target); ok && time.Since(known.read) < readmeKept {
		return known.text, source, known.err
	}
	answer, err, _ := r.reading.Do(kind+":"+target, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readmeWithin) // others wait for it too
		defer cancel()
		text, err := read(ctx, target)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			r.kept.Set(kind+":"+target, readmeText{text, err, time.Now()})
		}
		return text, err
	})
	text, _ = answer.(string)
	return text, source, err
}

func (r *readmes) fetch(ctx context.Context, address string) (string, error) {
	doc, err := r.urls.ReadURL(ctx, address, "")
	switch {
	case apierror.Has(err, apierror.NotFound):
		return "", fs.ErrNotExist
	case err != nil:
		return "", apierror.New(apierror.ServiceUnavailable, "The README.md beside the entity's description cannot be read at the moment")
	case len(doc.Data) > mostReadme:
		return "", fs.ErrNotExist
	}
	return string(doc.Data), nil
}

// readBeside reads README.md in the folder of a file; one that is a link, or no plain file, is none.
func readBeside(_ context.Context, file string) (string, error) {
	root, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return "", fs.ErrNotExist
	}
	defer root.Close()
	if info, err := root.Lstat("README.md"); err != nil || !info.Mode().IsRegular() || info.Size() > mostReadme {
		return "", fs.ErrNotExist
	}
	f, err := root.Open("README.md")
	if err != nil {
		return "", fs.ErrNotExist
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostReadme))
	return string(text), err
}
