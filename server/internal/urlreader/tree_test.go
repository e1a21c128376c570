package urlreader

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/callboard/callboard/sdk/apierror"
)

func TestReadTree_AsksTheHostForAnArchiveWithTheCallersToken(t *testing.T) {
	var asked []string
	archives := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, "archives "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
		fmt.Fprint(w, "packed")
	}))
	defer archives.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
		if strings.Contains(r.URL.Path, "/tarball") {
			http.Redirect(w, r, archives.URL+"/signed?token=once", http.StatusFound)
			return
		}
		fmt.Fprint(w, "packed")
	}))
	defer api.Close()
	// The archives' host is an endpoint because a second integration names it.
	r := reader(t, `integrations:
  github: [{host: ghe.test, apiBaseUrl: '`+api.URL+`', token: ours}, {host: other.test, apiBaseUrl: '`+archives.URL+`'}]
  gitlab: [{host: lab.test, apiBaseUrl: '`+api.URL+`/v4', token: ours}]`)
	for _, c := range []struct {
		target, token, below string
		asked                []string
	}{
		{"https://ghe.test/o/r/tree/main/a/skel", "", "a/skel", []string{"/repos/o/r/tarball/main token ours", "archives /signed?token=once "}},
		{"https://ghe.test/o/r", "mine", "", []string{"/repos/o/r/tarball token mine", "archives /signed?token=once "}},
		{"https://lab.test/g/s/p/-/tree/v1/skel", "mine", "skel", []string{"/v4/projects/g%2Fs%2Fp/repository/archive.tar.gz?path=skel&sha=v1 Bearer mine"}},
		{"https://lab.test/g/p.git", "", "", []string{"/v4/projects/g%2Fp/repository/archive.tar.gz? Bearer ours"}},
	} {
		asked = nil
		tree, err := r.ReadTree(context.Background(), c.target, c.token)
		if err != nil {
			t.Errorf("%s: %v", c.target, err)
			continue
		}
		data, err := io.ReadAll(tree.Archive)
		if string(data) != "packed" || err != nil || tree.Archive.Close() != nil || tree.Below != c.below {
			t.Errorf("%s: %q below %q, %v", c.target, data, tree.Below, err)
		}
		if fmt.Sprint(asked) != fmt.Sprint(c.asked) {
			t.Errorf("%s: asked %q, want %q", c.target, asked, c.asked)
		}
	}
}

func TestReadTree_IsNotSentToStrangers(t *testing.T) {
	reached := false
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer stranger.Close()
	var hops int
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hops++
		switch {
		case strings.Contains(r.URL.Path, "/loop/"):
			http.Redirect(w, r, r.URL.String(), http.StatusFound) //nolint:gosec // to itself, for ever
		case strings.Contains(r.URL.Path, "/gone/"):
			http.NotFound(w, r)
		case strings.Contains(r.URL.Path, "/script/"):
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		default:
			// The same server by another name: another host.
			http.Redirect(w, r, strings.Replace(stranger.URL, "127.0.0.1", "localhost", 1), http.StatusFound)
		}
	}))
	defer api.Close()
	r := reader(t, `{integrations: {github: [{host: ghe.test, apiBaseUrl: '`+api.URL+`'}], azure: [{host: azure.test}]}, backend: {reading: {allow: [{host: plain.test}]}}}`)
	for target, want := range map[string]string{
		"https://ghe.test/o/r/tree/main":        "belongs to no integration",
		"https://ghe.test/o/loop/tree/main":     "Too many redirects",
		"https://ghe.test/o/gone/tree/main":     "could not read https://ghe.test/o/gone/tree/main, 404",
		"https://ghe.test/o/script/tree/main":   "not a URL for it",
		"https://ghe.test/o/r/tree/main/%2e%2e": "must not contain . or .. segments",
		"https://ghe.test/o":                    "Incorrect URL",
		"https://azure.test/o/p":                "integrations.azure is not supported",
		"https://plain.test/folder":             "only repositories have folders",
		"https://elsewhere.test/folder":         "is not allowed",
		"file:///etc":                           "is not allowed",
		"nonsense":                              "Invalid URL",
	} {
		hops = 0
		if _, err := r.ReadTree(context.Background(), target, ""); err == nil || !strings.Contains(err.Error(), want) || reached || hops > maxRedirects {
			t.Errorf("%s: %v, reached a stranger: %v, hops %d", target, err, reached, hops)
		}
	}
}

func TestReadFile_UsesTheCallersToken(t *testing.T) {
	var authorization string
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		fmt.Fprint(w, r.URL.Path)
	}))
	defer served.Close()
	r := reader(t, `{integrations: {github: [{host: ghe.test, apiBaseUrl: '`+served.URL+`', token: ours}], gitlab: [{host: lab.test, apiBaseUrl: '`+served.URL+`', token: ours}]},
backend: {reading: {allow: [{host: '`+strings.TrimPrefix(served.URL, "http://")+`'}]}}}`)
	for _, c := range []struct{ target, token, path, authorization string }{
		{"https://ghe.test/o/r/blob/main/a.txt", "mine", "/repos/o/r/contents/a.txt", "token mine"},
		{"https://ghe.test/o/r/blob/main/a.txt", "", "/repos/o/r/contents/a.txt", "token ours"},
		{"https://lab.test/g/p/-/blob/main/a.txt", "mine", "/projects/g/p/repository/files/a.txt/raw", "Bearer mine"},
		{served.URL + "/a.txt", "mine", "/a.txt", "Bearer mine"},
		{served.URL + "/a.txt", "", "/a.txt", ""},
	} {
		data, err := r.ReadFile(context.Background(), c.target, c.token)
		if string(data) != c.path || authorization != c.authorization || err != nil {
			t.Errorf("%s: %q with %q, %v", c.target, data, authorization, err)
		}
	}
	if _, err := r.ReadFile(context.Background(), "https://elsewhere.test/x", "mine"); !apierror.Has(err, apierror.NotAllowed) {
		t.Errorf("got %v", err)
	}
	if kind := r.Integration("https://ghe.test/o/r") + r.Integration("https://lab.test/x") + r.Integration("https://bitbucket.org/x") + r.Integration("https://elsewhere.test") + r.Integration("x:%"); kind != "githubgitlabbitbucketCloud" {
		t.Errorf("integrations are %q", kind)
	}
}
