package appfrontend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path"
	"strings"
	"sync/atomic"

	"github.com/callboard/callboard/server/internal/config"
)

// ConfigKey is the configuration key of the folder to serve.
const ConfigKey = "callboard.frontend.dist"

// Options is what a [Frontend] is made of. All but FeatureLoader are required.
type Options struct {
	// Dir is the folder of the build, with index.html or index.html.tmpl and static/ in it.
	Dir    string
	Config *config.Config
	Log    *slog.Logger
	// FeatureLoader is the script that pages load first when [RemotesKey] is set. It is empty in programs that were built
	// without the browser files.
	FeatureLoader []byte
}

// Frontend serves one build. It is an http.Handler for every path that is not the API's, safe for concurrent use.
type Frontend struct {
	root   *os.Root
	log    *slog.Logger
	schema *config.Schema
	files  *fileStore
	loader []byte // Options.FeatureLoader
	page   atomic.Pointer[page]
}

// New opens the folder and renders the page. The caller closes the frontend.
func New(o Options) (*Frontend, error) {
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the frontend's folder (%s): %w", ConfigKey, err)
	}
	f := &Frontend{root: root, log: o.Log, files: newFileStore(root), loader: o.FeatureLoader}
	if err := f.open(o); err != nil {
		return nil, errors.Join(fmt.Errorf("frontend in %s: %w", o.Dir, err), root.Close())
	}
	return f, nil
}

func (f *Frontend) open(o Options) error {
	if info, err := f.root.Stat("static"); err != nil || !info.IsDir() {
		return errors.New("there is no folder static; is this the dist folder of a built Backstage app?")
	}
	if err := f.readSchema(); err != nil {
		return err
	}
	if _, err := f.root.Stat("public"); err == nil {
		o.Log.Warn("the frontend was built with a public entry point; it is not used, everybody gets the main one")
	}
	p, err := f.render(o.Config)
	if err != nil {
		return err
	}
	f.page.Store(p)
	return nil
}

func (f *Frontend) readSchema() error {
	text, err := f.root.ReadFile(".config-schema.json")
	if errors.Is(err, fs.ErrNotExist) {
		f.log.Info("the frontend has no .config-schema.json: it gets the well-known configuration keys only")
		f.schema = config.BuiltinSchema()
		return nil
	}
	if err != nil {
		return err
	}
	f.schema, err = config.ParseSchema(text)
	return err
}

// Reload renders the page for a new configuration. When that fails the old page stays and the failure is logged.
func (f *Frontend) Reload(c *config.Config) {
	p, err := f.render(c)
	if err != nil {
		f.log.Error("the frontend's page could not be rendered for the new configuration; the old one stays", "error", err)
		return
	}
	f.page.Store(p)
}

// Close releases the folder. Requests after it find no files.
func (f *Frontend) Close() error { return f.root.Close() }

func (f *Frontend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Frame-Options", "DENY")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	p := f.page.Load()
	name, plain := fileName(p.strip(r.URL.Path))
	switch static := isStatic(name); {
	case static && !plain:
		w.WriteHeader(http.StatusNotFound)
	case !plain, name == "", name == "index.html", name == templateName:
		p.index.serve(w, r)
	case p.chunk != nil && name == p.chunkName:
		p.chunk.serve(w, r)
	case p.loader != nil && name == p.loaderName:
		p.loader.serve(w, r)
	case f.files.serve(w, r, name, static):
	case static:
		w.WriteHeader(http.StatusNotFound)
	default:
		p.index.serve(w, r)
	}
}

// fileName is the path of a file within the folder. plain is false for paths that no link of a frontend has: such that
// could lead out of the folder (which os.Root would refuse again) or to hidden files.
func fileName(urlPath string) (name string, plain bool) {
	plain = !strings.ContainsAny(urlPath, "\\\x00")
	for segment := range strings.SplitSeq(urlPath, "/") {
		plain = plain && !strings.HasPrefix(segment, ".")
	}
	return strings.TrimPrefix(path.Clean("/"+urlPath), "/"), plain
}

func isStatic(name string) bool { return name == "static" || strings.HasPrefix(name, "static/") }

// Warm reads and compresses the scripts that the page loads, so that the first visitor does not wait for it. It is
// optional and stops when ctx ends.
func (f *Frontend) Warm(ctx context.Context) {
	for _, name := range f.page.Load().scripts {
		if ctx.Err() != nil {
			return
		}
		f.files.warm(name)
	}
}
