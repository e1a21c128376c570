// Package starter writes the first files of a plugin: a small one that works, with tests that pass, in the language that its
// author chose. The files are complete, so nothing has to be fetched to write them.
package starter

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Language is what a plugin is written in.
type Language string

// The languages that there are templates for.
const (
	Go     Language = "go"
	Python Language = "python"
	Node   Language = "node"
)

// Languages in the order in which they are offered.
var Languages = []Language{Go, Python, Node}

//go:embed all:templates
var templates embed.FS

// Options say what to write.
type Options struct {
	ID       manifest.ID
	Language Language
	// Dir is the new folder. It must not be there, or be empty.
	Dir string
	// SDK is for Go: a folder that holds the SDK's module, "" = the released one of version SDKVersion.
	SDK        string
	SDKVersion string
}

// sdkModule is the module that Go plugins import.
const sdkModule = "github.com/callboard/callboard/sdk"

// In the templates, which are programs that run as they are, these stand for what the author chooses.
const (
	standInID       = "example-plugin"
	standInTitle    = "Example plugin"
	standInPlatform = "linux-amd64"
)

// Write makes the folder and answers its files.
func Write(o Options) ([]string, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil { //nolint:gosec // an author's own folder
		return nil, fmt.Errorf("make the plugin's folder: %w", err)
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("make the plugin's folder: %w", err)
	}
	defer root.Close()
	var files []string
	from := path.Join("templates", string(o.Language))
	err = fs.WalkDir(templates, from, func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := templates.ReadFile(p)
		if err != nil {
			return err
		}
		name := fileName(strings.TrimPrefix(p, from+"/"))
		files = append(files, name)
		return errors.Join(root.MkdirAll(path.Dir(name), 0o755), root.WriteFile(name, o.fill(name, text), 0o644))
	})
	if err != nil {
		return nil, fmt.Errorf("write the plugin's files: %w", err)
	}
	return files, nil
}

func (o Options) check() error {
	if err := o.ID.Check(); err != nil {
		return fmt.Errorf("the name of a plugin %w", err)
	}
	if !slices.Contains(Languages, o.Language) {
		return fmt.Errorf("there are templates for %v, not for %q", Languages, o.Language)
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make the plugin's folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty; name another folder, or move it away", o.Dir)
	}
	return nil
}

// fileName: templates end with .tmpl, so that no tool takes them for sources of this program, and spell a leading dot.
func fileName(template string) string {
	dir, name := path.Split(strings.TrimSuffix(template, ".tmpl"))
	if rest, ok := strings.CutPrefix(name, "dot."); ok {
		name = "." + rest
	}
	return dir + name
}

func (o Options) fill(name string, text []byte) []byte {
	out := strings.NewReplacer(standInID, string(o.ID), standInTitle, title(o.ID), standInPlatform, runtime.GOOS+"-"+runtime.GOARCH,
		strings.ReplaceAll(standInPlatform, "-", "_"), runtime.GOOS+"_"+runtime.GOARCH).Replace(string(text))
	if name == "go.mod" {
		out = o.goMod(out)
	}
	return []byte(out)
}

// title makes "my-plugin" "My plugin".
func title(id manifest.ID) string {
	words := []rune(strings.ReplaceAll(string(id), "-", " "))
	words[0] = unicode.ToUpper(words[0])
	return strings.TrimSpace(string(words))
}

func (o Options) goMod(text string) string {
	if o.SDK != "" {
		return text + "\nreplace " + sdkModule + " => " + quoted(o.SDK) + "\n"
	}
	return strings.Replace(text, sdkModule+" v0.0.0", sdkModule+" "+o.SDKVersion, 1)
}

// quoted is a path as go.mod takes it: paths with blanks in quotes, local ones with a dot.
func quoted(dir string) string {
	dir = filepath.ToSlash(dir)
	if strings.ContainsAny(dir, " \"'(),[]{}`") {
		return fmt.Sprintf("%q", dir)
	}
	return dir
}

var moduleLine = regexp.MustCompile(`(?m)^module ` + regexp.QuoteMeta(sdkModule) + `\s*$`)

// IsSDK tells whether a folder holds the SDK's module.
func IsSDK(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && moduleLine.Match(text)
}

// FindSDK looks for the SDK beside dir and above it, as it is in a checkout of Callboard; "" = there is none.
func FindSDK(dir string) string {
	for {
		if candidate := filepath.Join(dir, "sdk"); IsSDK(candidate) {
			return candidate
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
