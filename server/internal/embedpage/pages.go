package embedpage

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/callboard/callboard/server/internal/config"
)

// Prefixes are those of the paths that [Pages] answers.
var Prefixes = []string{embedPrefix, featuresPrefix}

const (
	embedPrefix    = "/embed/v1/"
	featuresPrefix = "/.backstage/dynamic-features/"
	widgetsAPI     = "/api/widgets/v1"
)

// Apps are the pages that may embed widgets. Find is called for every frame, from many goroutines, and must not block.
type Apps interface {
	// Find answers the title of an embedding app and the origins of its pages ("https://portal.example.com").
	Find(id string) (title string, origins []string, ok bool)
}

// Options is what [Pages] are made of. All but Height and Now are required.
type Options struct {
	Files    fs.FS // with widgets/, remote/ and viewers/, each of which may be missing
	Settings Settings
	Apps     Apps
	// Title answers the title of a widget that is installed. It is called for every frame and must not block.
	Title func(id string) (title string, ok bool)
	// Height is about how high the widget is where nobody says a height; 0 = that is not known, nil = of none. It is called as
	// Title is.
	Height func(id string) int
	Log    *slog.Logger
	Now    func() time.Time // nil = time.Now
}

// Settings are read from the configuration.
type Settings struct {
	Backend *url.URL // backend.baseUrl: where browsers reach the host; empty = unknown
	Portal  *url.URL // app.baseUrl: where people read about entities; empty = unknown
	// Upstream is the base URL of another backend whose remotes are listed too, "" = there is none.
	Upstream string
}

// UpstreamKey is the configuration key of [Settings.Upstream].
const UpstreamKey = "callboard.frontend.upstreamRemotes"

// ReadSettings reads what concerns this package. A mistake in [UpstreamKey] is a problem of the configuration; the
// addresses of backend and portal, which all features have in common, count as unknown where they are none.
func ReadSettings(c *config.Config) Settings {
	s := Settings{}
	s.Backend, _ = baseURL(c.Root().String("backend.baseUrl", ""))
	s.Portal, _ = baseURL(c.Root().String("app.baseUrl", ""))
	upstream, ok := baseURL(c.Root().String(UpstreamKey, ""))
	if !ok {
		c.Root().Problem(UpstreamKey, "must be the http or https URL of a backend, without user, query and fragment")
	}
	s.Upstream = upstream.String()
	return s
}

// baseURL reads an address without its last slash; that of "" is empty.
func baseURL(text string) (*url.URL, bool) {
	if text == "" {
		return &url.URL{}, true
	}
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return &url.URL{}, false
	}
	return u, true
}

// Pages is an http.Handler for the paths below [Prefixes]. Safe for concurrent use.
type Pages struct {
	settings Settings
	apps     Apps
	title    func(id string) (string, bool)
	height   func(id string) int
	log      *slog.Logger
	assets   *assets
	viewers  map[string]*file // by "<viewer>/<file>"
	features *features
}

// New reads the names of the built files. Contents are read and compressed when they are first asked for.
func New(o Options) (*Pages, error) {
	if o.Files == nil || o.Apps == nil || o.Title == nil || o.Log == nil || o.Settings.Backend == nil || o.Settings.Portal == nil {
		return nil, errors.New("embedpage: all options but Height and Now are required")
	}
	if o.Height == nil {
		o.Height = func(string) int { return 0 }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Pages{settings: o.Settings, apps: o.Apps, title: o.Title, height: o.Height, log: o.Log}
	var err error
	if p.assets, err = newAssets(o.Files, p.prefix()); err != nil {
		return nil, err
	}
	if p.viewers, err = filesBelow(o.Files, "viewers"); err != nil {
		return nil, err
	}
	p.features, err = newFeatures(o)
	return p, err
}

// Close ends the connections to another backend.
func (p *Pages) Close() error { p.features.close(); return nil }

// prefix is the path that a proxy in front of the host has taken off, "" when there is none.
func (p *Pages) prefix() string { return p.settings.Backend.EscapedPath() }

// ServeHTTP never redirects. A path that is not written as the host writes its own is the path of nothing.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	inert(w.Header())
	path, plain := plainPath(r.URL)
	embed, ofEmbed := strings.CutPrefix(path, embedPrefix)
	feature, ofFeatures := strings.CutPrefix(path, featuresPrefix)
	switch {
	case !plain || !ofEmbed && !ofFeatures:
		notFound(w)
	case r.Method == http.MethodOptions:
		preflight(w)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		text(w, http.StatusMethodNotAllowed, "Only GET and HEAD are answered here\n")
	case ofFeatures:
		p.features.serve(w, r, feature)
	default:
		p.serveEmbed(w, r, embed)
	}
}

func (p *Pages) serveEmbed(w http.ResponseWriter, r *http.Request, path string) {
	if frame, ok := strings.CutPrefix(path, "frame/"); ok {
		p.serveFrame(w, r, frame)
		return
	}
	everyOrigin(w.Header())
	if viewer, ok := strings.CutPrefix(path, "viewers/"); ok {
		serveNamed(w, r, p.viewers, viewer, revalidate)
		return
	}
	p.assets.serve(w, r, path)
}

// plainPath is the path of u if nothing in it is escaped that needs no escaping; the @ of npm's scopes may be.
func plainPath(u *url.URL) (path string, plain bool) {
	return u.Path, u.RawPath == "" || strings.ReplaceAll(u.RawPath, "%40", "@") == u.Path
}
