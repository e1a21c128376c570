package appfrontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/maypok86/otter/v2"
)

const (
	cacheWeight    = 48 << 20 // bytes of compressed files that are kept in memory
	maxCompressed  = 16 << 20 // larger files are sent as they are
	minCompressed  = 1 << 10
	maxCachedNames = 1 << 16
)

// fileStore serves files of the folder, compressed copies from memory.
type fileStore struct {
	root  *os.Root
	cache *otter.Cache[fileVersion, []byte]
}

// fileVersion names one state of one file, so that a rebuilt folder is noticed without watching it.
type fileVersion struct {
	name     string
	size     int64
	modified time.Time
}

func newFileStore(root *os.Root) *fileStore {
	return &fileStore{root: root, cache: otter.Must(&otter.Options[fileVersion, []byte]{
		MaximumWeight: cacheWeight,
		Weigher: func(v fileVersion, gz []byte) uint32 {
			return uint32(len(v.name) + len(gz) + cacheWeight/maxCachedNames)
		},
	})}
}

// serve answers with a file; false, with nothing written, when there is no such file.
func (s *fileStore) serve(w http.ResponseWriter, r *http.Request, name string, static bool) bool {
	file, err := s.root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	version := fileVersion{name, info.Size(), info.ModTime()}
	etag := fmt.Sprintf(`W/"%x-%x"`, version.size, version.modified.UnixMilli())
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("ETag", etag)
	h.Set("Cache-Control", cacheControl(name, static))
	h.Set("Last-Modified", version.modified.UTC().Format(http.TimeFormat))
	gz := s.compressed(r.Context(), version, file)
	if gz != nil && acceptsGzip(r) && r.Header.Get("Range") == "" {
		serveBody(w, r, etag, nil, gz)
		return true
	}
	if gz != nil {
		varyEncoding(h)
	}
	http.ServeContent(w, r, "", version.modified, file)
	return true
}

func cacheControl(name string, static bool) string {
	switch {
	case static:
		return longCache
	case strings.HasPrefix(contentType(name), "text/html"):
		return noStore
	default:
		return "public, max-age=0"
	}
}

// compressed is the gzip form of a file, nil when it is not worth it. Requests for the same file wait for one run.
func (s *fileStore) compressed(ctx context.Context, version fileVersion, file io.ReadSeeker) []byte {
	if !compressible(version.name) || version.size < minCompressed || version.size > maxCompressed {
		return nil
	}
	gz, err := s.cache.Get(context.WithoutCancel(ctx), version, otter.LoaderFunc[fileVersion, []byte](
		func(context.Context, fileVersion) ([]byte, error) {
			body, err := io.ReadAll(io.LimitReader(file, maxCompressed))
			if err != nil {
				return nil, err
			}
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				return nil, err
			}
			if int64(len(body)) != version.size {
				return nil, errors.New("the file is being written")
			}
			return compress(body), nil
		}))
	if err != nil || len(gz) == 0 {
		return nil
	}
	return gz
}

func (s *fileStore) warm(name string) {
	file, err := s.root.Open(name)
	if err != nil {
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil {
		s.compressed(context.Background(), fileVersion{name, info.Size(), info.ModTime()}, file)
	}
}

// compress is the gzip form of body, nil when that is not smaller.
func compress(body []byte) []byte {
	if len(body) < minCompressed {
		return nil
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		return nil
	}
	if err := w.Close(); err != nil || b.Len() >= len(body) {
		return nil
	}
	return bytes.Clone(b.Bytes()) // without the spare room of the buffer, as it is kept
}

// serveBody sends a body that is in memory, whose other headers are set.
func serveBody(w http.ResponseWriter, r *http.Request, etag string, body, gz []byte) {
	h := w.Header()
	if gz != nil {
		varyEncoding(h)
	}
	if matches(r.Header.Get("If-None-Match"), etag) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if gz != nil && (body == nil || acceptsGzip(r)) {
		h.Set("Content-Encoding", "gzip")
		body = gz
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the caller is gone; nobody to tell
	}
}

func varyEncoding(h http.Header) {
	if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Accept-Encoding") {
		h.Add("Vary", "Accept-Encoding")
	}
}

// matches compares weakly, as If-None-Match asks for.
func matches(ifNoneMatch, etag string) bool {
	if strings.TrimSpace(ifNoneMatch) == "*" {
		return true
	}
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		if strings.TrimPrefix(strings.TrimSpace(candidate), "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

func acceptsGzip(r *http.Request) bool {
	for header := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, parameters, _ := strings.Cut(header, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "*" {
			continue
		}
		weight := strings.ReplaceAll(strings.ToLower(parameters), " ", "")
		return !strings.HasPrefix(weight, "q=0") || strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != ""
	}
	return false
}

// contentTypes are the types of files that frontends consist of. They do not come from the machine's tables, which
// differ; the text types are spelt as the reference spells them.
var contentTypes = map[string]string{
	".html": "text/html; charset=UTF-8", ".js": "application/javascript; charset=UTF-8",
	".mjs": "application/javascript; charset=UTF-8", ".css": "text/css; charset=UTF-8",
	".json": "application/json; charset=UTF-8", ".map": "application/json; charset=UTF-8",
	".webmanifest": "application/manifest+json; charset=UTF-8", ".txt": "text/plain; charset=UTF-8",
	".md": "text/markdown; charset=UTF-8", ".xml": "application/xml", ".svg": "image/svg+xml", ".png": "image/png",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".ico": "image/x-icon", ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",
	".eot": "application/vnd.ms-fontobject", ".wasm": "application/wasm", ".pdf": "application/pdf", ".mp4": "video/mp4",
	".webm": "video/webm", ".mp3": "audio/mpeg",
}

func contentType(name string) string {
	if t := contentTypes[strings.ToLower(path.Ext(name))]; t != "" {
		return t
	}
	return "application/octet-stream"
}

func compressible(name string) bool {
	t := contentType(name)
	return strings.HasPrefix(t, "text/") || strings.Contains(t, "charset") || strings.HasSuffix(t, "xml") || t == "application/wasm" || t == "font/ttf"
}
