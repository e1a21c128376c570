package embedpage

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"

	"github.com/callboard/callboard/server/internal/httpx"
)

const (
	revalidate = "no-cache"
	immutable  = "public, max-age=31536000, immutable"

	notBuilt = "This program was built without the browser files: run make build\n"
)

// file is one built file.
type file struct {
	contentType string
	// content reads it when it is first asked for and keeps it: there are few files, and they are in the program already.
	content func() (*content, error)
}

// content is a file in the codings that it is sent in.
type content struct {
	plain, gzip []byte        // a coding that does not make it smaller is nil
	brotli      func() []byte // made when it is first asked for: it takes a hundred times as long
	tag         string        // weak, as it is the same for all codings
	integrity   string        // as in the attribute of script elements
}

// filesBelow are the files of a folder, by their names within it. Hidden ones are none.
func filesBelow(files fs.FS, folder string) (map[string]*file, error) {
	found := map[string]*file{}
	err := fs.WalkDir(files, folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == folder:
			return fs.SkipAll
		case err != nil:
			return err
		case strings.HasPrefix(path.Base(name), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.Type().IsRegular():
			found[strings.TrimPrefix(name, folder+"/")] = newFile(name, func() ([]byte, error) { return fs.ReadFile(files, name) })
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("browser files: %w", err)
	}
	return found, nil
}

func newFile(name string, read func() ([]byte, error)) *file {
	return &file{contentType: contentType(name), content: sync.OnceValues(func() (*content, error) {
		plain, err := read()
		if err != nil {
			return nil, err
		}
		return newContent(plain, compressible(contentType(name)))
	})}
}

func newContent(plain []byte, compress bool) (*content, error) {
	tag, digest := sha256.Sum256(plain), sha512.Sum384(plain)
	c := &content{plain: plain, tag: `W/"` + hex.EncodeToString(tag[:8]) + `"`, integrity: "sha384-" + base64.StdEncoding.EncodeToString(digest[:])}
	c.brotli = func() []byte { return nil }
	if !compress || len(plain) < minCompressed {
		return c, nil
	}
	var b bytes.Buffer
	zipper, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	c.gzip = smaller(zipper, &b, plain)
	c.brotli = sync.OnceValue(func() []byte {
		var b bytes.Buffer
		level := brotli.BestCompression
		if len(plain) > maxBest {
			level = 5
		}
		return smaller(brotli.NewWriterLevel(&b, level), &b, plain)
	})
	return c, nil
}

const (
	minCompressed = 1 << 10
	maxBest       = 64 << 10 // beyond it the best level of brotli takes longer than the first visitor should wait
)

// smaller is what w makes of plain in b, nil when that is not smaller.
func smaller(w io.WriteCloser, b *bytes.Buffer, plain []byte) []byte {
	_, err := w.Write(plain)
	if err = errors.Join(err, w.Close()); err != nil || b.Len() >= len(plain) {
		return nil
	}
	return bytes.Clone(b.Bytes()) // without the spare room of the buffer, as it is kept
}

// serveNamed sends the file with that whole name.
func serveNamed(w http.ResponseWriter, r *http.Request, among map[string]*file, name, cacheControl string) {
	if len(among) == 0 {
		text(w, http.StatusServiceUnavailable, notBuilt)
		return
	}
	f := among[name]
	if f == nil {
		notFound(w)
		return
	}
	c, err := f.content()
	if err != nil { // a file that is part of the program can be read
		text(w, http.StatusInternalServerError, "The file cannot be read\n")
		return
	}
	w.Header().Set("Cache-Control", cacheControl)
	c.send(w, r, f.contentType)
}

// send answers with c. Headers about who may use it are set already.
func (c *content) send(w http.ResponseWriter, r *http.Request, contentType string) {
	h := w.Header()
	h.Set("ETag", c.tag)
	if c.gzip != nil {
		h.Add("Vary", "Accept-Encoding")
	}
	if fresh(r, c.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body, coding := c.coded(r)
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) //nolint:gosec // files of the build and JSON of the host, each with its type; who is gone needs no telling
	}
}

// coded is the body in the coding that the caller likes best of those that are of use, "" = as it is.
func (c *content) coded(r *http.Request) (body []byte, coding string) {
	if c.gzip == nil {
		return c.plain, ""
	}
	if coding = httpx.Coding(r, "br", "gzip"); coding == "br" {
		if body := c.brotli(); body != nil {
			return body, coding
		}
		coding = httpx.Coding(r, "gzip")
	}
	if coding == "" {
		return c.plain, ""
	}
	return c.gzip, coding
}

// fresh compares weakly, as If-None-Match asks for.
func fresh(r *http.Request, tag string) bool {
	for _, line := range r.Header["If-None-Match"] {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
	}
	return false
}

// hashed finds names that change with the content: a part of hexadecimal digits, "chart.1a2b3c4d.js".
var hashed = regexp.MustCompile(`(?:^|/)[^/]*[.-][0-9a-f]{8,64}\.[a-z0-9.]+$`)

// contentTypes are the types of files that are built. They do not come from the machine's tables, which differ.
var contentTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json; charset=utf-8", ".map": "application/json; charset=utf-8", ".html": "text/html; charset=utf-8",
	"": "text/plain; charset=utf-8", ".txt": "text/plain; charset=utf-8", ".md": "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
	".ico": "image/x-icon", ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".wasm": "application/wasm",
}

func contentType(name string) string {
	if t := contentTypes[strings.ToLower(path.Ext(name))]; t != "" {
		return t
	}
	return "application/octet-stream"
}

func compressible(contentType string) bool {
	return strings.Contains(contentType, "charset") || contentType == "image/svg+xml" || contentType == "application/wasm" || contentType == "font/ttf"
}
