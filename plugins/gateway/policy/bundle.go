package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/callboard/callboard/sdk/apierror"
)

// bounds of a bundle: how many files, and bytes of one and of all.
type bounds struct{ files, file, all int }

// usual are ten times what a policy of a thousand rules takes.
var usual = bounds{files: 500, file: 1 << 20, all: 8 << 20}

// bundle is the files of a policy that matter, by their slash-separated names.
type bundle map[string][]byte

// reading is a bundle that is being read.
type reading struct {
	bundle

	max bounds
	all int // bytes so far
}

// readPath reads a folder, or an archive by its name. Nothing outside the folder is read, whatever its links say.
func readPath(name string) (bundle, error) {
	if strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz") {
		file, err := os.Open(name)
		if err != nil {
			return nil, apierror.Inputf("policy: %v", err)
		}
		defer file.Close()
		return readArchive(file)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, apierror.Inputf("policy: %v", err)
	}
	defer root.Close()
	return readFS(root.FS())
}

// readFS reads the files of a folder. Names that begin with a dot are left out, as are files of other kinds; links to
// files are followed, as a ConfigMap's are.
func readFS(fsys fs.FS) (bundle, error) {
	r := reading{bundle{}, usual, 0}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !matters(name):
			return refuseYAML(name)
		}
		return r.addFile(fsys, name)
	})
	if err != nil {
		return nil, apierror.Inputf("policy: %v", err)
	}
	return r.bundle, nil
}

func readTexts(files map[string]string) (bundle, error) {
	r := reading{bundle{}, usual, 0}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !fs.ValidPath(name) || !matters(name) {
			return nil, apierror.Inputf("policy: %q is neither a file .rego nor data.json", name)
		}
		if err := r.add(name, strings.NewReader(files[name])); err != nil {
			return nil, apierror.Inputf("policy: %v", err)
		}
	}
	return r.bundle, nil
}

func (r *reading) addFile(fsys fs.FS, name string) error {
	file, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", name)
	}
	return r.add(name, file)
}

// add reads one file, no further than its bound.
func (r *reading) add(name string, content io.Reader) error {
	if _, twice := r.bundle[name]; twice {
		return fmt.Errorf("%s is there twice", name)
	}
	if len(r.bundle) >= r.max.files {
		return fmt.Errorf("there are more than %d files", r.max.files)
	}
	text, err := io.ReadAll(io.LimitReader(content, int64(r.max.file)+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if len(text) > r.max.file {
		return fmt.Errorf("%s has more than %d bytes", name, r.max.file)
	}
	if r.all += len(text); r.all > r.max.all {
		return fmt.Errorf("its files have more than %d bytes together", r.max.all)
	}
	r.bundle[name] = text
	return nil
}

func matters(name string) bool {
	return strings.HasSuffix(name, ".rego") || path.Base(name) == "data.json"
}

// refuseYAML keeps a file that Open Policy Agent would read from being left out in silence.
func refuseYAML(name string) error {
	if base := path.Base(name); base == "data.yaml" || base == "data.yml" {
		return fmt.Errorf("%s is not read: write it as data.json", name)
	}
	return nil
}

// modules are the names of the files with rules, in order; tests are the ones that end with _test.rego.
func (b bundle) modules(tests bool) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if strings.HasSuffix(name, ".rego") && (tests || !strings.HasSuffix(name, "_test.rego")) {
			names = append(names, name)
		}
	}
	return names
}

// data is what the files data.json say, each below the path of its folder.
func (b bundle) data() (map[string]any, error) {
	root := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if path.Base(name) != "data.json" {
			continue
		}
		value, err := decodeData(b[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if dir := path.Dir(name); dir != "." {
			for _, key := range slices.Backward(strings.Split(dir, "/")) {
				value = map[string]any{key: value}
			}
		}
		if err := merge(root, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return root, nil
}

func decodeData(text []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value map[string]any
	if err := dec.Decode(&value); err != nil {
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(text[:min(int(at.Offset), len(text))], []byte("\n")), err)
		}
		return nil, fmt.Errorf("must be an object: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("has more after its object")
	}
	return value, nil
}

// merge adds the members of b to a; what both say must be objects.
func merge(a, b map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(b)) {
		old, there := a[key]
		if !there {
			a[key] = b[key]
			continue
		}
		x, isObject := old.(map[string]any)
		y, areObjects := b[key].(map[string]any)
		if !isObject || !areObjects {
			return fmt.Errorf("member %s is there twice", key)
		}
		if err := merge(x, y); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}
