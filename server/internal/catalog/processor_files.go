package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/entity"
)

// fileProcessor reads file locations: a path or a glob (*, **, {a,b}, {1..3}, […]); hidden files and folders do not match.
//
// A file is taken for unchanged when its size and time are, unless it was written so shortly before it was read that a
// second write could have the same time; then its content decides.
type fileProcessor struct {
	limits cataloginfo.Limits
	now    func() time.Time
}

// settled is the age at which a file's time is trusted to change with the next write.
const settled = 2 * time.Second

func (fileProcessor) Name() string { return "FileReaderProcessor" }

func (f fileProcessor) ReadLocation(_ context.Context, p *Processing, loc LocationTarget) (bool, error) {
	if loc.Type != fileLocation {
		return false, nil
	}
	paths, err := matchFiles(loc.Target)
	if err != nil {
		p.Error(couldNotRead(loc.Target, err))
		return true, nil
	}
	if len(paths) == 0 {
		if !loc.Optional {
			p.Error(apierror.NotFoundf("%s %s does not exist", loc.Type, loc.Target))
		}
		return true, nil
	}
	if !p.Fresh() {
		if seen := decodeSeen(p.Remembered(loc.Target)); f.unchanged(seen, paths) {
			p.Remember(loc.Target, p.Remembered(loc.Target))
			p.Unchanged()
			return true, nil
		}
	}
	seen := make([]any, 0, len(paths))
	for _, path := range paths {
		file, data, err := f.read(path)
		if err != nil {
			p.Error(couldNotRead(loc.Target, err))
			return true, nil
		}
		seen = append(seen, file.encode())
		parseEntities(p, entity.Location{Type: fileLocation, Target: path}, data, f.limits)
		p.RefreshKey("file:" + path)
	}
	p.Remember(loc.Target, seen)
	return true, nil
}

func couldNotRead(target string, err error) error {
	return apierror.Newf(apierror.Generic, "file %s could not be read, %s", target, apierror.Describe(err))
}

// matchFiles lists what target names, sorted; folders too, which fail when they are read.
func matchFiles(target string) ([]string, error) {
	patterns := expandBraces(strings.ReplaceAll(target, `\`, "/"))
	if len(patterns) > maxGlobs {
		return nil, apierror.Inputf("the braces stand for more than %d paths", maxGlobs)
	}
	var paths []string
	for _, pattern := range patterns {
		if !strings.ContainsAny(pattern, "*?[") {
			if _, err := os.Lstat(pattern); !errors.Is(err, fs.ErrNotExist) {
				paths = append(paths, filepath.Clean(pattern))
			}
			continue
		}
		// Braces that are left are plain text.
		pattern = strings.NewReplacer("{", `\{`, "}", `\}`).Replace(pattern)
		matches, err := doublestar.FilepathGlob(pattern, doublestar.WithNoHidden())
		switch {
		case errors.Is(err, doublestar.ErrBadPattern):
			continue
		case err != nil:
			return nil, err
		}
		for _, path := range matches {
			paths = append(paths, filepath.Clean(path))
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// seenFile is what is remembered of a file that was read.
type seenFile struct {
	path     string
	size     int64
	modified int64 // Unix nanoseconds
	hash     string
	trusted  bool // size and time are enough to recognise it
}

func (s seenFile) encode() any {
	return []any{s.path, s.size, strconv.FormatInt(s.modified, 10), s.hash, s.trusted}
}

func decodeSeen(v any) []seenFile {
	list, _ := v.([]any)
	seen := make([]seenFile, 0, len(list))
	for _, item := range list {
		fields, ok := item.([]any)
		if !ok || len(fields) != 5 {
			return nil
		}
		var s seenFile
		s.path, _ = fields[0].(string)
		size, _ := asInt(fields[1])
		s.size = int64(size)
		modified, _ := fields[2].(string)
		_, _ = fmt.Sscan(modified, &s.modified)
		s.hash, _ = fields[3].(string)
		s.trusted, _ = fields[4].(bool)
		seen = append(seen, s)
	}
	return seen
}

func (f fileProcessor) unchanged(seen []seenFile, paths []string) bool {
	if len(seen) != len(paths) {
		return false
	}
	for i, s := range seen {
		if s.path != paths[i] || !f.same(s) {
			return false
		}
	}
	return true
}

func (f fileProcessor) same(s seenFile) bool {
	info, err := os.Stat(s.path)
	if err != nil || info.Size() != s.size {
		return false
	}
	if s.trusted && info.ModTime().UnixNano() == s.modified {
		return true
	}
	_, data, err := f.read(s.path)
	return err == nil && hashOf(data) == s.hash
}

// read reads a regular file within the size limit; a device or a pipe would never end.
func (f fileProcessor) read(path string) (seenFile, []byte, error) {
	// Without O_NONBLOCK opening a pipe would wait for a writer.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return seenFile{}, nil, fmt.Errorf("ENOENT: no such file or directory, open '%s'", path)
	case errors.Is(err, fs.ErrPermission):
		return seenFile{}, nil, fmt.Errorf("EACCES: permission denied, open '%s'", path)
	case err != nil:
		return seenFile{}, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return seenFile{}, nil, err
	case info.IsDir():
		return seenFile{}, nil, errors.New("EISDIR: illegal operation on a directory, read")
	case !info.Mode().IsRegular():
		return seenFile{}, nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > int64(f.limits.FileBytes):
		return seenFile{}, nil, fmt.Errorf("%s: %w", path, tooLarge(int(info.Size()), f.limits.FileBytes))
	}
	data, err := io.ReadAll(io.LimitReader(file, int64(f.limits.FileBytes)+1))
	if err != nil {
		return seenFile{}, nil, err
	}
	if len(data) > f.limits.FileBytes {
		return seenFile{}, nil, fmt.Errorf("%s: %w", path, tooLarge(len(data), f.limits.FileBytes))
	}
	return seenFile{
		path: path, size: info.Size(), modified: info.ModTime().UnixNano(), hash: hashOf(data),
		trusted: f.now().Sub(info.ModTime()) > settled,
	}, data, nil
}

// parseEntities emits the documents of one file; what is not an entity is an error with its place.
func parseEntities(p *Processing, loc entity.Location, data []byte, limits cataloginfo.Limits) {
	for doc, err := range cataloginfo.Read(data, loc.String(), limits) {
		if err != nil {
			p.Error(err)
			continue
		}
		var order *cataloginfo.Order
		if strings.EqualFold(doc.Entity.Kind(), "template") {
			order = doc.Order(orderedMember)
		}
		p.emit(loc, doc.Entity, doc.Line, order)
	}
}

var _ LocationReader = fileProcessor{}
