package embedpage_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/embedpage"
)

const (
	featuresPath = "/.backstage/dynamic-features/"
	ownFiles     = featuresPath + "@callboard/backstage-plugin/"
)

func remotes(t testing.TB, answer *httptest.ResponseRecorder) (names []string) {
	t.Helper()
	var list []embedpage.Remote
	if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("the list: %d %v %s", answer.Code, err, answer.Body)
	}
	for _, r := range list {
		names = append(names, r.PackageName)
	}
	return names
}

func TestRemotes_AreListedAsBackstageReadsThem(t *testing.T) {
	answer := ask(pages(t, options(t, built())), http.MethodGet, featuresPath+"remotes")
	const want = `[{"packageName":"@callboard/backstage-plugin","remoteInfo":{"name":"callboard","entry":"https://portal.example.com/backstage/.backstage/dynamic-features/@callboard/backstage-plugin/mf-manifest.json"},"exposedModules":[".","legacy"]}]`
	if answer.Body.String() != want || answer.Header().Get("Content-Type") != "application/json; charset=utf-8" || answer.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("got  %s\nwant %s\n%v", answer.Body, want, answer.Header())
	}
}

func TestRemotes_AreKeptForEverOnlyWhereTheNameHasAHash(t *testing.T) {
	p := pages(t, options(t, built()))
	for name, want := range map[string]string{
		"mf-manifest.json": "no-cache", "remoteEntry.js": "no-cache", "static/js/chart-renderer.js": "no-cache",
		"static/js/async/12.1a2b3c4d.js": "public, max-age=31536000, immutable",
	} {
		for _, scope := range []string{"@", "%40"} {
			target := featuresPath + scope + "callboard/backstage-plugin/" + name
			if answer := ask(p, http.MethodGet, target); answer.Code != http.StatusOK || answer.Header().Get("Cache-Control") != want {
				t.Errorf("%s: %d, Cache-Control %q, want %q", target, answer.Code, answer.Header().Get("Cache-Control"), want)
			}
		}
	}
}

func TestRemotes_MayBeReadByTheFrontendOfAnotherOrigin(t *testing.T) {
	o := options(t, built())
	o.Settings.Portal = address(t, "http://localhost:3000/portal")
	p := pages(t, o)
	for _, target := range []string{featuresPath + "remotes", ownFiles + "remoteEntry.js"} {
		for origin, want := range map[string]string{"http://localhost:3000": "http://localhost:3000", "http://localhost.evil.example:3000": "", "http://localhost:3001": "", "https://localhost:3000": "", "null": "", "": ""} {
			answer := ask(p, http.MethodGet, target, "Origin", origin)
			if got := answer.Header().Get("Access-Control-Allow-Origin"); got != want || answer.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %q: %q", target, origin, got)
			}
			if vary := strings.Join(answer.Header().Values("Vary"), ","); !strings.Contains(vary, "Origin") {
				t.Errorf("%s from %q: Vary %q lets a cache give it to another origin", target, origin, vary)
			}
		}
	}
}

func TestRemotes_WithABrokenManifestAreNotOffered(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "<html>", "no name": `{"exposes":[{"name":"."}]}`, "nothing exposed": `{"name":"x","exposes":[]}`} {
		files := built()
		files["remote/mf-manifest.json"] = &fstest.MapFile{Data: []byte(text)}
		if got := remotes(t, ask(pages(t, options(t, files)), http.MethodGet, featuresPath+"remotes")); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// backstage is another backend, whose list the test chooses.
func backstage(t testing.TB, answer http.HandlerFunc) (base string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != featuresPath+"remotes" || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

const theirs = `{"packageName":"@acme/plugin","remoteInfo":{"name":"acme","entry":"https://node.example.com/.backstage/dynamic-features/@acme/plugin/mf-manifest.json","type":"manifest"},"exposedModules":["."],"secret":"left out"}`

func TestRemotes_OfAnotherBackendAreListedTooAndOursFirst(t *testing.T) {
	base, asked := backstage(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "[%s,%s]", theirs, strings.ReplaceAll(theirs, "@acme/plugin", "@callboard/backstage-plugin"))
	})
	o := options(t, built())
	o.Settings.Upstream = base
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	p := pages(t, o)
	for range 3 {
		answer := ask(p, http.MethodGet, featuresPath+"remotes", "Authorization", "Bearer mine", "Cookie", "a=b")
		if got := strings.Join(remotes(t, answer), " "); got != "@callboard/backstage-plugin @acme/plugin" || strings.Contains(answer.Body.String(), "left out") || answer.Header().Get("Warning") != "" {
			t.Errorf("%s %v", answer.Body, answer.Header())
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("it was asked %d times for three pages", n)
	}
	now = now.Add(time.Minute)
	ask(p, http.MethodGet, featuresPath+"remotes")
	if n := asked.Load(); n != 2 {
		t.Errorf("a minute later it was asked %d times", n)
	}
}

func TestRemotes_OfABackendThatFailsAreMissingAndOursAreNot(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		},
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"no list": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"a":1}`) },
		"a bad remote": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "["+strings.Replace(theirs, "https:", "javascript:", 1)+"]")
		},
		"a huge list": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "["+theirs+strings.Repeat(" ", 1<<20)+"]") },
		"many remotes": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "["+strings.Repeat(theirs+",", 500)+theirs+"]")
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half a list": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "[")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			base, asked := backstage(t, answer)
			o := options(t, built())
			o.Settings.Upstream = base
			p := pages(t, o)
			p.Hurry(200 * time.Millisecond)
			for range 2 {
				got := ask(p, http.MethodGet, featuresPath+"remotes")
				if names := strings.Join(remotes(t, got), " "); names != "@callboard/backstage-plugin" || !strings.HasPrefix(got.Header().Get("Warning"), "199 ") {
					t.Errorf("%s, Warning %q", names, got.Header().Get("Warning"))
				}
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("a backend that fails was asked %d times at once", n)
			}
		})
	}
}

func TestSettings_NameTheBackendWhoseRemotesAreListedToo(t *testing.T) {
	for text, fine := range map[string]bool{"https://node.example.com/": true, "http://10.0.0.1:7007/base": true, "file:///etc/passwd": false, "node.example.com": false, "https://user:word@node.example.com": false, "https://node.example.com/?a=b": false} {
		c := config.FromValue(map[string]any{"callboard": map[string]any{"frontend": map[string]any{"upstreamRemotes": text}}})
		s := embedpage.ReadSettings(c)
		if got := c.Err() == nil; got != fine || fine != (s.Upstream == strings.TrimRight(text, "/")) {
			t.Errorf("%s: %q %v", text, s.Upstream, c.Err())
		}
	}
}
