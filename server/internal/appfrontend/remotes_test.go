package appfrontend

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/callboard/callboard/server/internal/config"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	remotesConfig = "app: {title: Portal, baseUrl: 'http://localhost:7007', packages: all}\nbackend: {baseUrl: 'http://localhost:7007'}\ncallboard: {frontend: {remotes: true}}\n"
	loaderScript  = "/* the loader */"
	loaderName    = "static/callboard-feature-loader.4ee629ea3ccbf737.js"
)

func openWithLoader(t *testing.T, files map[string]string, configuration string, loader []byte) (*Frontend, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	f, err := New(Options{Dir: folder(t, files), Config: config.FromYAML(configuration), Log: slog.New(slog.NewTextHandler(log, nil)), FeatureLoader: loader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, log
}

func TestRemotes_PutTheLoaderBeforeTheScriptsOfTheBuild(t *testing.T) {
	f, log := openWithLoader(t, stockFiles(), remotesConfig, []byte(loaderScript))
	got := get(f, "/").Body.Bytes()
	golden := filepath.Join("testdata", "remotes.html")
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
	if log.Len() > 0 {
		t.Error(log)
	}
	w := get(f, "/"+loaderName)
	if w.Code != http.StatusOK || w.Body.String() != loaderScript {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	headers := map[string]string{"Content-Type": "application/javascript; charset=UTF-8", "Cache-Control": "public, max-age=1209600"}
	for name, value := range headers {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

func TestRemotes_FollowTheScriptsOfTheBuild(t *testing.T) {
	for page, want := range map[string]string{
		`<head><script defer="defer" src="/static/a.js"></script></head>`:                       `<script defer src="/` + loaderName + `"></script><script defer="defer"`,
		`<head><script src="/static/a.js"></script></head>`:                                     `<head><script src="/` + loaderName + `"></script><script src="/static/a.js">`,
		`<head><script type="module" src="/p/static/a.js"></script></head>`:                     `<script defer src="/p/` + loaderName + `"></script><script type="module"`,
		`<head><script src="https://x.example/y.js"></script><script src="static/b.js"></head>`: `y.js"></script><script src="` + loaderName + `"></script><script src="static/b.js">`,
		"<head>\n<SCRIPT\n DEFER SRC=\"/static/a.js\"></SCRIPT></head>":                         `<script defer src="/` + loaderName + `"></script><SCRIPT`,
	} {
		files := stockFiles()
		files["index.html.tmpl"] = page
		f, _ := openWithLoader(t, files, remotesConfig, []byte(loaderScript))
		if html := get(f, "/").Body.String(); !strings.Contains(html, want) {
			t.Errorf("%s became\n%s", page, html)
		}
	}
}

func TestRemotes_LiveBelowThePathOfTheApp(t *testing.T) {
	f, _ := openWithLoader(t, stockFiles(), strings.ReplaceAll(remotesConfig, "localhost:7007", "example.com/a-b/"), []byte(loaderScript))
	html := get(f, "/a-b/catalog").Body.String()
	src := regexp.MustCompile(`src="([^"]*loader[^"]*)"`).FindStringSubmatch(html)
	if src == nil || src[1] != "/a-b/"+loaderName {
		t.Fatalf("%q in\n%s", src, html)
	}
	for _, path := range []string{"/a-b/" + loaderName, "/" + loaderName} {
		if w := get(f, path); w.Body.String() != loaderScript {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestRemotes_AreOffUnlessAskedFor(t *testing.T) {
	f, log := openWithLoader(t, stockFiles(), stockConfig, []byte(loaderScript))
	if html := get(f, "/").Body.String(); strings.Contains(html, "callboard-feature-loader") {
		t.Error(html)
	}
	if w := get(f, "/"+loaderName); w.Code != http.StatusNotFound {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	f.Reload(config.FromYAML(remotesConfig))
	if html := get(f, "/").Body.String(); !strings.Contains(html, loaderName) {
		t.Error(html)
	}
	if log.Len() > 0 {
		t.Error(log)
	}
}

func TestRemotes_SayWhyTheyCannotBeShown(t *testing.T) {
	packages := func(text string) string { return strings.Replace(remotesConfig, ", packages: all", text, 1) }
	for _, c := range []struct {
		name, configuration string
		loader              []byte
		want                string
	}{
		{"a program without the browser files", remotesConfig, nil, "run make build"},
		{"an app that does not look for packages", packages(""), []byte(loaderScript), "app.packages must be all"},
		{"an app that names other packages", packages(", packages: {include: ['@backstage/plugin-catalog']}"), []byte(loaderScript), "app.packages must be all"},
		{"an app that leaves the loader out", packages(", packages: {exclude: ['@callboard/backstage-feature-loader']}"), []byte(loaderScript), "app.packages must be all"},
		{"an app that names the loader", packages(", packages: {include: ['@callboard/backstage-feature-loader', other]}"), []byte(loaderScript), ""},
		{"an app that leaves others out", packages(", packages: {exclude: [other]}"), []byte(loaderScript), ""},
	} {
		read := config.FromYAML(c.configuration)
		log := &bytes.Buffer{}
		f, err := New(Options{Dir: folder(t, stockFiles()), Config: read, Log: slog.New(slog.NewTextHandler(log, nil)), FeatureLoader: c.loader})
		if err := errors.Join(err, read.Err()); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if got := log.String(); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
