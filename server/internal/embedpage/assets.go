package embedpage

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	loader    = "embed.js" // the script of embedding pages
	shellCode = "frame.js" // the script of the shell
	// setPlaceholder stands in the loader for the folder of the immutable addresses, relative to the loader's own.
	setPlaceholder = "__CALLBOARD_ASSETS__"
)

// assets are the widgets' scripts and styles. The whole set has one hash, which is in the immutable address of each file:
// they import each other by relative names, and these then lead to the same build.
type assets struct {
	loader map[string]*file // it alone, as it finds the others by its own address; empty when it was not built
	files  map[string]*file // all others
	set    string
	prefix string // of the host's paths, for browsers
	index  func() (*content, error)
}

func newAssets(built fs.FS, prefix string) (*assets, error) {
	files, err := filesBelow(built, "widgets")
	if err != nil {
		return nil, err
	}
	a := &assets{loader: map[string]*file{}, files: files, prefix: prefix}
	if a.set, err = hashOf(built, files); err != nil {
		return nil, err
	}
	if files[loader] != nil {
		delete(files, loader)
		a.loader[loader] = newFile(loader, func() ([]byte, error) {
			script, err := fs.ReadFile(built, "widgets/"+loader)
			return bytes.ReplaceAll(script, []byte(setPlaceholder), []byte("assets/"+a.set+"/")), err
		})
	}
	a.index = sync.OnceValues(a.describe)
	return a, nil
}

// hashOf is over names and contents.
func hashOf(built fs.FS, files map[string]*file) (string, error) {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body, err := fs.ReadFile(built, "widgets/"+name)
		if err != nil {
			return "", fmt.Errorf("browser files: %w", err)
		}
		of := sha256.Sum256(body)
		fmt.Fprintf(sum, "%q %x\n", name, of)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// address is where browsers find a file for ever.
func (a *assets) address(name string) string {
	return a.prefix + embedPrefix + "assets/" + a.set + "/" + name
}

// serve answers below /embed/v1/. The address of another build's file is that of nothing: this build's in its place would
// be kept under the wrong name.
func (a *assets) serve(w http.ResponseWriter, r *http.Request, path string) {
	name, isAsset := strings.CutPrefix(path, "assets/")
	inSet, ofSet := strings.CutPrefix(name, a.set+"/")
	switch {
	case path == loader:
		serveNamed(w, r, a.loader, loader, revalidate)
	case path == "embed.json":
		a.serveIndex(w, r)
	case isAsset && ofSet:
		serveNamed(w, r, a.files, inSet, immutable)
	case isAsset:
		serveNamed(w, r, a.files, name, revalidate)
	default:
		notFound(w)
	}
}

func (a *assets) serveIndex(w http.ResponseWriter, r *http.Request) {
	if len(a.loader) == 0 {
		text(w, http.StatusServiceUnavailable, notBuilt)
		return
	}
	c, err := a.index()
	if err != nil {
		text(w, http.StatusInternalServerError, "The files cannot be read\n")
		return
	}
	w.Header().Set("Cache-Control", revalidate)
	c.send(w, r, contentType("embed.json"))
}

// described is one file in embed.json.
type described struct {
	URL       string `json:"url"`
	Integrity string `json:"integrity"`
	Size      int    `json:"size"`
	GZIP      int    `json:"gzip"` // as it is sent
}

// describe is embed.json: every file, with what pages need to load it and to know that it is the one they mean.
func (a *assets) describe() (*content, error) {
	all := map[string]described{}
	add := func(name, url string, f *file) error {
		c, err := f.content()
		if err == nil {
			all[name] = described{URL: url, Integrity: c.integrity, Size: len(c.plain), GZIP: cmp.Or(len(c.gzip), len(c.plain))}
		}
		return err
	}
	err := add(loader, a.prefix+embedPrefix+loader, a.loader[loader])
	for name, f := range a.files {
		err = errors.Join(err, add(name, a.address(name), f))
	}
	if err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	return newContent(append(body, '\n'), true)
}
