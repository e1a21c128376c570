package embedpage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

const (
	// remotePackage is the npm package that the remote is built from.
	remotePackage = "@callboard/backstage-plugin"
	manifestFile  = "mf-manifest.json"
)

// Remote is a module federation remote as Backstage's feature loader reads it.
type Remote struct {
	PackageName    string     `json:"packageName"`
	RemoteInfo     RemoteInfo `json:"remoteInfo"`
	ExposedModules []string   `json:"exposedModules"`
}

// RemoteInfo says how a remote is loaded.
type RemoteInfo struct {
	Name       string `json:"name"`
	Entry      string `json:"entry"` // of its manifest
	Type       string `json:"type,omitempty"`
	ShareScope string `json:"shareScope,omitempty"`
	GlobalName string `json:"entryGlobalName,omitempty"`
}

// features is what Backstage frontends load: the list of remotes and the files of ours. The list is the same for
// everybody; it is asked for without credentials.
type features struct {
	files    map[string]*file
	own      []Remote
	upstream *upstream // nil = there is none
	app      *url.URL  // where the frontend is; empty = unknown
}

func newFeatures(o Options) (*features, error) {
	files, err := filesBelow(o.Files, "remote")
	if err != nil {
		return nil, err
	}
	f := &features{files: files, app: o.Settings.Portal}
	if o.Settings.Upstream != "" {
		f.upstream = newUpstream(o)
	}
	own, err := readManifest(files[manifestFile], o.Settings.Backend)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil: // the host serves without it: it is of no use to the catalog
		o.Log.Error("the remote for Backstage frontends cannot be offered", "error", err)
	default:
		f.own = []Remote{own}
	}
	return f, nil
}

func (f *features) close() {
	if f.upstream != nil {
		f.upstream.client.CloseIdleConnections()
	}
}

// readManifest is the remote that was built, by its manifest.
func readManifest(manifest *file, base *url.URL) (r Remote, err error) {
	if manifest == nil {
		return r, fs.ErrNotExist
	}
	c, err := manifest.content()
	if err != nil {
		return r, err
	}
	var m struct {
		Name    string `json:"name"`
		Exposes []struct {
			Path string `json:"path"`
			Name string `json:"name"`
		} `json:"exposes"`
	}
	if err := json.Unmarshal(c.plain, &m); err != nil {
		return r, fmt.Errorf("%s: %w", manifestFile, err)
	}
	r = Remote{PackageName: remotePackage, ExposedModules: []string{},
		RemoteInfo: RemoteInfo{Name: m.Name, Entry: base.String() + featuresPrefix + remotePackage + "/" + manifestFile}}
	for _, e := range m.Exposes {
		r.ExposedModules = append(r.ExposedModules, e.Name)
	}
	return r, r.check()
}

// packageForm is the form of npm's names.
var packageForm = regexp.MustCompile(`^(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*$`)

// check says what keeps a frontend from loading the remote.
func (r Remote) check() error {
	entry, err := url.Parse(r.RemoteInfo.Entry)
	switch {
	case len(r.PackageName) > 214 || !packageForm.MatchString(r.PackageName):
		return errors.New("packageName: must be the name of an npm package")
	case r.RemoteInfo.Name == "":
		return fmt.Errorf("%s: remoteInfo.name: must not be empty", r.PackageName)
	case err != nil || entry.User != nil || entry.Host == "" || entry.Scheme != "http" && entry.Scheme != "https":
		return fmt.Errorf("%s: remoteInfo.entry: must be an absolute http or https URL", r.PackageName)
	case len(r.ExposedModules) == 0:
		return fmt.Errorf("%s: exposedModules: must not be empty", r.PackageName)
	}
	return nil
}

// serve answers below /.backstage/dynamic-features/.
func (f *features) serve(w http.ResponseWriter, r *http.Request, path string) {
	f.allowApp(w.Header(), r)
	if path == "remotes" {
		f.serveList(w, r)
		return
	}
	name, ok := strings.CutPrefix(path, remotePackage+"/")
	if !ok {
		notFound(w)
		return
	}
	caching := revalidate
	if hashed.MatchString(name) {
		caching = immutable
	}
	serveNamed(w, r, f.files, name, caching)
}

// allowApp lets the frontend read the answer where it is of another origin. Other origins are those of backend.cors, for
// which the edge has set its headers already.
func (f *features) allowApp(h http.Header, r *http.Request) {
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
		h.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if u, err := url.Parse(origin); err == nil && sameOrigin(u, f.app) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}

// serveList answers with our remotes and those of the other backend, of which nothing can keep ours from being listed.
func (f *features) serveList(w http.ResponseWriter, r *http.Request) {
	all := append([]Remote{}, f.own...)
	if f.upstream != nil {
		theirs, err := f.upstream.list(r.Context())
		if err != nil {
			w.Header().Set("Warning", `199 callboard "the remotes of the other backend are missing"`)
		}
		for _, remote := range theirs {
			if !named(f.own, remote.PackageName) {
				all = append(all, remote)
			}
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		text(w, http.StatusInternalServerError, "The list could not be made\n")
		return
	}
	c, err := newContent(body, false) // the edge compresses what is made for one request
	if err != nil {
		text(w, http.StatusInternalServerError, "The list could not be made\n")
		return
	}
	w.Header().Set("Cache-Control", revalidate)
	c.send(w, r, contentType(".json"))
}

func named(list []Remote, name string) bool {
	for _, r := range list {
		if r.PackageName == name {
			return true
		}
	}
	return false
}
