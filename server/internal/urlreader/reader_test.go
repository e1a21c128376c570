package urlreader

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/netguard"
)

func reader(t *testing.T, yaml string) *Reader {
	t.Helper()
	cfg := config.FromYAML(yaml)
	r := New(cfg)
	if err := cfg.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOnlyConfiguredHostsAreRead(t *testing.T) {
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.URL.Path == "/missing" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, "kind: Component")
	}))
	defer served.Close()
	host := strings.TrimPrefix(served.URL, "http://")
	r := reader(t, "backend: {reading: {allow: [{host: '"+host+"', paths: [/open/, /missing]}, {host: '*.example.test'}]}}")
	ctx := context.Background()

	doc, err := r.ReadURL(ctx, served.URL+"/open/a.yaml", "")
	if err != nil || string(doc.Data) != "kind: Component" || doc.ETag != `"v1"` {
		t.Fatalf("an allowed URL: %+v, %v", doc, err)
	}
	for _, c := range []struct {
		url, etag string
		want      apierror.Name
	}{
		{served.URL + "/open/a.yaml", `"v1"`, apierror.NotModified},
		{served.URL + "/missing", "", apierror.NotFound},
		{served.URL + "/closed/a.yaml", "", apierror.NotAllowed},
		{served.URL + "/open/../closed/a.yaml", "", apierror.NotAllowed},
		{"http://127.0.0.1:1/open/", "", apierror.NotAllowed},
		{"http://169.254.169.254/latest/meta-data", "", apierror.NotAllowed},
		{"http://example.test/x", "", apierror.NotAllowed},
		{"file:///etc/passwd", "", apierror.NotAllowed},
		{served.URL + "/missing-not", "", apierror.NotAllowed},
		{" " + served.URL + "/open/100%.yaml ", "", ""},
		{"nonsense", "", apierror.TypeErr},
		{"http://", "", apierror.TypeErr},
		{"http://user:secret@" + host + "/open/a.yaml", "", apierror.Input},
		{"https://bitbucket.org/a/b/src/main/c.yaml", "", apierror.NotImplemented},
		{"https://github.com/o/r/blob/main/../../../../x", "", apierror.Input},
		{"https://github.com/o/r/blob/main/%2e%2e/%252e%252e/x", "", apierror.Input},
		{"https://gitlab.com/o/r/-/blob/main/a%2f..%2fb", "", apierror.Input},
	} {
		if _, err := r.ReadURL(ctx, c.url, c.etag); (err == nil) != (c.want == "") || err != nil && apierror.NameOf(err) != c.want {
			t.Errorf("%s: got %v, want %s", c.url, err, c.want)
		}
	}
}

// An allowed host must not lead the reader to one that is not (advisory: redirect to a host that is not allowed).
func TestARedirectIsAllowedLikeTheFirstURL(t *testing.T) {
	var reached bool
	internal := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer internal.Close()
	hops := 0
	outer := httptest.NewServer(nil)
	defer outer.Close()
	outer.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, internal.URL+"/secret", http.StatusFound)
		case "/loop":
			hops++
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	})
	r := reader(t, "backend: {reading: {allow: [{host: '"+strings.TrimPrefix(outer.URL, "http://")+"'}]}}")
	if _, err := r.ReadURL(context.Background(), outer.URL+"/away", ""); err == nil || !strings.HasPrefix(err.Error(), "URL not allowed by backend.reading.allow configuration: ") || reached {
		t.Errorf("redirect to another host: %v, reached %v", err, reached)
	}
	if _, err := r.ReadURL(context.Background(), outer.URL+"/loop", ""); err == nil || hops != maxRedirects {
		t.Errorf("endless redirects: %v after %d hops", err, hops)
	}
}

// Wildcards allow names, not the private addresses that such names may resolve to.
func TestTheDialGuardRefusesWhatIsNotPublic(t *testing.T) {
	for _, address := range []string{"127.0.0.1:80", "[::1]:80", "10.0.0.1:80", "172.16.3.4:80", "192.168.1.1:80", "169.254.169.254:80",
		"0.0.0.0:80", "100.64.1.1:80", "[fe80::1]:80", "[fc00::1]:80", "[::ffff:127.0.0.1]:80", "[::ffff:169.254.169.254]:80",
		"[64:ff9b::7f00:1]:80", "224.0.0.1:80", "255.255.255.255:80", "[::]:80", "[2002:7f00:1::]:80", "198.18.0.1:80"} {
		if !errors.Is(publicOnly("tcp4", address, nil), netguard.ErrNotPublic) {
			t.Errorf("%s was accepted", address)
		}
	}
	for _, address := range []string{"93.184.215.14:443", "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443"} {
		if err := publicOnly("tcp6", address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	r := reader(t, "backend: {reading: {allow: [{host: 'localhost.example.test'}, {host: '*.nip.example'}]}}")
	if r.named("a.nip.example") || !r.named("localhost.example.test") {
		t.Error("a wildcard counted as naming the host")
	}
}

func TestADocumentBeyondTheLimitIsRefusedNotCut(t *testing.T) {
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 2000)) }))
	defer served.Close()
	r := reader(t, "{callboard: {reading: {maxSize: 1000}}, backend: {reading: {allow: [{host: '"+strings.TrimPrefix(served.URL, "http://")+"'}]}}}")
	if _, err := r.ReadURL(context.Background(), served.URL, ""); !apierror.Has(err, apierror.Input) || !strings.Contains(err.Error(), "1000 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestRepositoriesAreReadAndSearchedThroughTheirAPI(t *testing.T) {
	var asked []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.EscapedPath()+" "+r.Header.Get("Authorization"))
		switch {
		case strings.HasSuffix(r.URL.Path, "/git/trees/main"):
			fmt.Fprint(w, `{"tree":[{"path":"a/catalog-info.yaml","type":"blob"},{"path":"a","type":"tree"},{"path":"b/catalog-info.yaml","type":"blob"},{"path":"b/other.txt","type":"blob"}]}`)
		case strings.HasSuffix(r.URL.Path, "/repository/tree"):
			fmt.Fprint(w, `[{"path":"x/catalog-info.yaml","type":"blob"}]`)
		default:
			fmt.Fprint(w, "content of "+r.URL.Path)
		}
	}))
	defer api.Close()
	r := reader(t, `integrations:
  github: [{host: ghe.test, apiBaseUrl: '`+api.URL+`', token: gh-secret}]
  gitlab: [{host: lab.test, apiBaseUrl: '`+api.URL+`', token: lab-secret}]`)
	ctx := context.Background()
	for _, c := range []struct {
		search string
		urls   []string
		auth   string
	}{
		{"https://ghe.test/o/r/blob/main/*/catalog-info.yaml", []string{"https://ghe.test/o/r/tree/main/a/catalog-info.yaml", "https://ghe.test/o/r/tree/main/b/catalog-info.yaml"}, "token gh-secret"},
		{"https://lab.test/g/s/p/-/blob/main/**/catalog-info.yaml", []string{"https://lab.test/g/s/p/-/blob/main/x/catalog-info.yaml"}, "Bearer lab-secret"},
	} {
		asked = nil
		found, err := r.Search(ctx, c.search, "")
		if err != nil {
			t.Fatal(err)
		}
		var urls []string
		for _, f := range found.Files {
			urls = append(urls, f.URL)
		}
		if fmt.Sprint(urls) != fmt.Sprint(c.urls) {
			t.Errorf("%s: found %v, want %v", c.search, urls, c.urls)
		}
		if data, err := found.Files[0].Content(ctx); err != nil || !strings.HasPrefix(string(data), "content of") {
			t.Errorf("%s: content %q, %v", c.search, data, err)
		}
		for _, a := range asked {
			if !strings.HasSuffix(a, c.auth) {
				t.Errorf("%s: asked %q without its token", c.search, a)
			}
		}
	}
}

func TestURLsOfRepositoriesRelateAsInTheReference(t *testing.T) {
	r := reader(t, "integrations: {gitlab: [{host: lab.test}]}")
	for _, c := range []struct{ target, base, want string }{
		{"./b.yaml", "https://github.com/o/r/blob/main/a/catalog-info.yaml", "https://github.com/o/r/tree/main/a/b.yaml"},
		{"../b.yaml", "https://github.com/o/r/blob/main/a/catalog-info.yaml", "https://github.com/o/r/tree/main/b.yaml"},
		{"/b.yaml", "https://github.com/o/r/blob/main/a/catalog-info.yaml", "https://github.com/o/r/tree/main/b.yaml"},
		{"./", "https://github.com/o/r/blob/main/a/catalog-info.yaml", "https://github.com/o/r/tree/main/a/"},
		{"https://elsewhere.test/x", "https://github.com/o/r/blob/main/a.yaml", "https://elsewhere.test/x"},
		{"/b.yaml", "https://lab.test/g/p/-/blob/main/a/c.yaml", "https://lab.test/g/p/-/blob/main/b.yaml"},
		{"b.yaml", "https://plain.test/d/a.yaml", "https://plain.test/d/b.yaml"},
		{"/b.yaml", "https://plain.test/d/a.yaml", "https://plain.test/d/a.yaml/b.yaml"},
	} {
		if got, err := r.ResolveURL(c.target, c.base); got != c.want || err != nil {
			t.Errorf("%s in %s: got %q, %v, want %q", c.target, c.base, got, err, c.want)
		}
	}
	const file = "https://github.com/o/r/blob/main/a/catalog-info.yaml"
	if got := r.EditURL(file); got != "https://github.com/o/r/edit/main/a/catalog-info.yaml" {
		t.Errorf("edit: %s", got)
	}
	if got := r.SourceURL(file); got != "https://github.com/o/r/tree/main/a/" {
		t.Errorf("source: %s", got)
	}
	if got := r.Repository(file); got != "github.com/o/r" {
		t.Errorf("repository: %s", got)
	}
	if r.EditURL("https://plain.test/x") != "" || r.Repository("https://plain.test/x") != "" {
		t.Error("a host without integration has repository pages")
	}
}

// No spelling of a path makes the reader ask an endpoint outside the repository that the URL names.
func FuzzRepositoryPaths(f *testing.F) {
	for _, seed := range []string{"a/b.yaml", "../../x", "%2e%2e/x", "%252e%252e%252fx", "a//b", "..%5cx", ";/../x", "a?ref=x#y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse("https://github.com/owner/repo/blob/main/" + path)
		if err != nil {
			t.Skip()
		}
		g := &gitHub{name: "github.com", api: "https://api.test", token: "x"}
		p, err := g.parse(u)
		if err != nil {
			return
		}
		endpoint, err := url.Parse(g.api + "/repos/" + escape(p.owner, p.repo, "contents", p.path))
		if err != nil {
			t.Fatalf("%q makes the endpoint %v", path, err)
		}
		if resolved := endpoint.ResolveReference(&url.URL{}); !strings.HasPrefix(resolved.EscapedPath(), "/repos/owner/repo/contents") {
			t.Fatalf("%q leads to %s", path, resolved)
		}
	})
}
