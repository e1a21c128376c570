package builtin

import (
	"cmp"
	"context"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	cataloginfo "github.com/callboard/callboard/catalog-info"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/scaffolder/templating"
	"github.com/callboard/callboard/server/internal/scaffolder/workspace"
)

const newFile fs.FileMode = 0o666 // less what the process masks, as every program makes files

// stamp writes a skeleton into a folder, with names and contents rendered.
type stamp struct {
	*run
	renderer templating.Files
	skeleton *workspace.Dir
	target   *workspace.Dir
	// extension is the ending of the files whose contents are rendered; it is taken off. "" = all but copied are.
	extension string
	replace   bool

	entries []string // of the skeleton; folders end in a slash
	copied  map[string]bool
	written int64
}

// list finds what is in the skeleton. Contents of what the patterns name are not rendered.
func (s *stamp) list(patterns []string) error {
	if err := s.info("Listing files and directories in template"); err != nil {
		return err
	}
	var err error
	if s.entries, err = s.skeleton.Glob(".", []string{"**"}, workspace.GlobOptions{Folders: true}); err != nil {
		return err
	}
	// Of two names that become one, the one nearer to the top wins.
	slices.SortStableFunc(s.entries, func(a, b string) int { return cmp.Compare(depth(a), depth(b)) })
	names, err := s.skeleton.Glob(".", patterns, workspace.GlobOptions{Folders: true})
	s.copied = make(map[string]bool, len(names))
	for _, name := range names {
		s.copied[name] = true
	}
	return err
}

func depth(name string) int { return strings.Count(strings.TrimSuffix(name, "/"), "/") }

// write renders everything into the folder to of dir.
func (s *stamp) write(ctx context.Context, dir *workspace.Dir, to string) error {
	if err := dir.MkdirAll(to); err != nil {
		return err
	}
	var err error
	if s.target, err = dir.Sub(to); err != nil {
		return err
	}
	defer s.target.Close()
	for _, entry := range s.entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.entry(ctx, entry); err != nil {
			return err
		}
	}
	return s.info("Template result written to %s", filepath.Join(dir.Name(), to))
}

func (s *stamp) entry(ctx context.Context, entry string) error {
	name, rendered, err := s.name(ctx, entry)
	if err != nil || name == "" || strings.HasPrefix(name, "/") || strings.Contains(name, "//") {
		return err // a condition in a name that renders to nothing leaves the entry out
	}
	if exists, err := s.target.Exists(name); err != nil || exists && !s.replace {
		return err
	}
	if !rendered && s.extension == "" {
		if err := s.info("Copying file/directory %s without processing.", entry); err != nil {
			return err
		}
	}
	if strings.HasSuffix(entry, "/") {
		if err := s.info("Writing directory %s to template output path.", entry); err != nil {
			return err
		}
		return s.target.MkdirAll(name)
	}
	return s.file(ctx, entry, name, rendered)
}

// name is what an entry is called in the end, and whether its content is rendered.
func (s *stamp) name(ctx context.Context, entry string) (name string, rendered bool, err error) {
	name = entry
	if s.extension == "" {
		rendered = !s.copied[entry]
	} else if rendered = extensionOf(entry) == s.extension; rendered {
		name = strings.TrimSuffix(entry, s.extension)
	}
	name, err = s.render(ctx, name)
	return name, rendered, err
}

// extensionOf is "" for folders and for hidden names without another dot.
func extensionOf(entry string) string {
	if base := path.Base(entry); strings.HasSuffix(entry, "/") || strings.LastIndexByte(base, '.') == 0 {
		return ""
	}
	return path.Ext(entry)
}

// render leaves texts alone in which no tag can be: all of them begin with a brace.
func (s *stamp) render(ctx context.Context, text string) (string, error) {
	if !strings.Contains(text, "{") {
		return text, nil
	}
	return s.renderer.Render(ctx, text)
}

func (s *stamp) file(ctx context.Context, entry, name string, rendered bool) error {
	info, err := s.skeleton.Lstat(entry)
	if err != nil {
		return err
	}
	var data []byte
	if info.Mode().IsRegular() {
		if data, err = s.skeleton.ReadFile(entry); err != nil {
			return err
		}
	}
	if s.written += int64(len(data)); s.written > workspace.DefaultLimits().Bytes {
		return apierror.Inputf("the template's files are larger than the limit of %d bytes together", workspace.DefaultLimits().Bytes)
	}
	if !info.Mode().IsRegular() || isBinary(data) {
		return s.copyAsIs(entry, name)
	}
	if err := s.info("Writing file %s to template output path with mode %d.", entry, systemMode(info)); err != nil {
		return err
	}
	if rendered {
		text, err := s.render(ctx, cataloginfo.DecodeUTF8(data))
		if err != nil {
			return err
		}
		data = []byte(text)
	}
	return s.target.WriteFile(name, data, info.Mode())
}

func (s *stamp) copyAsIs(entry, name string) error {
	if err := s.info("Copying file binary or symbolic link at %s, to template output path.", entry); err != nil {
		return err
	}
	copied, err := s.target.CopyFile(s.skeleton, entry, name)
	if err == nil && !copied {
		err = s.warn("%s was left out: it is a link that leads out of its folder, or no file", entry)
	}
	return err
}

// systemMode is the mode as the system writes it, type included.
func systemMode(info fs.FileInfo) uint32 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Mode
	}
	return uint32(info.Mode().Perm())
}
