package techdocs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
	"github.com/callboard/callboard/server/internal/config"
)

const metadataFile = "techdocs_metadata.json"

// maxMetadata bounds what is read into memory; pages are streamed.
const maxMetadata = 4 << 20

// Sites reads published documentation. Nothing outside the publish directory can be named, also not by links in it.
type Sites struct {
	root *os.Root // nil = nothing is published here
	// External is techdocs.builder: external: nobody asks this host to build documentation.
	external bool
}

// OpenSites reads the section techdocs. A publish directory that does not exist yet is an empty one.
func OpenSites(section *config.Section) (*Sites, error) {
	s := &Sites{external: section.String("builder", "local") == "external"}
	dir := section.String("publisher.local.publishDirectory", "")
	if dir == "" {
		return s, nil
	}
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		section.Problem("publisher.local.publishDirectory", "must be a readable folder")
		return s, nil //nolint:nilerr // the section reports it with its place
	}
	s.root = root
	return s, nil
}

// Close releases the folder.
func (s *Sites) Close() error {
	if s.root == nil {
		return nil
	}
	return s.root.Close()
}

// siteDir is the folder of one entity's site, relative to the root.
func siteDir(ref entity.Ref) string {
	return strings.ToLower(path.Join(ref.Namespace, ref.Kind, ref.Name))
}

// Metadata is the content of a site's techdocs_metadata.json. NotFoundError when the site was not published.
func (s *Sites) Metadata(ref entity.Ref) ([]byte, error) {
	file, info, err := s.open(ref, metadataFile)
	if err != nil {
		return nil, apierror.Newf(apierror.NotFound, "Unable to get metadata for '%s': no documentation is published for it", ref)
	}
	defer file.Close()
	if info.IsDir() || info.Size() > maxMetadata {
		return nil, apierror.Newf(apierror.NotFound, "Unable to get metadata for '%s': its %s is not a file of at most %d bytes", ref, metadataFile, maxMetadata)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, err
	}
	return data, nil
}

// open opens a file or folder of one site, "." is the site; fs.ErrNotExist for whatever is not there, hidden or outside.
// Links may not lead out of the site either: who may read one entity's documentation may not read another's.
func (s *Sites) open(ref entity.Ref, name string) (*os.File, fs.FileInfo, error) {
	dir := siteDir(ref)
	if s.root == nil || !fs.ValidPath(dir) || !fs.ValidPath(name) || hidden(dir) || name != "." && hidden(name) {
		return nil, nil, fs.ErrNotExist
	}
	site, err := s.root.OpenRoot(dir)
	if err != nil {
		return nil, nil, fs.ErrNotExist
	}
	defer site.Close()
	file, err := site.Open(name)
	if err != nil {
		return nil, nil, fs.ErrNotExist
	}
	info, err := file.Stat()
	if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
		file.Close()
		return nil, nil, fs.ErrNotExist
	}
	return file, info, nil
}

// File is a file of a site as a whole. fs.ErrNotExist when there is none of that name, or it has more than most bytes.
func (s *Sites) File(ref entity.Ref, name string, most int64) ([]byte, error) {
	file, info, err := s.open(ref, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.IsDir() || info.Size() > most {
		return nil, fs.ErrNotExist
	}
	return io.ReadAll(io.LimitReader(file, most))
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }

// Page is one searchable part of a site, as the generator's search index has it.
type Page struct {
	Title    string `json:"title"`
	Text     string `json:"text"`
	Location string `json:"location"` // relative to the site, "" = its first page
}

const (
	searchIndexFile = "search/search_index.json"
	maxSearchIndex  = 32 << 20
)

// Pages is a site's search index and when it was written. fs.ErrNotExist when the site has none.
func (s *Sites) Pages(ref entity.Ref) (pages []Page, written time.Time, err error) {
	file, info, err := s.open(ref, searchIndexFile)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer file.Close()
	var index struct{ Docs []Page }
	if err := json.NewDecoder(io.LimitReader(file, maxSearchIndex)).Decode(&index); err != nil {
		return nil, info.ModTime(), fmt.Errorf("search index of %s: %w", ref, err)
	}
	return index.Docs, info.ModTime(), nil
}

// Written is when a site's search index was written; the zero time when there is none.
func (s *Sites) Written(ref entity.Ref) time.Time {
	file, info, err := s.open(ref, searchIndexFile)
	if err != nil {
		return time.Time{}
	}
	defer file.Close()
	return info.ModTime()
}
