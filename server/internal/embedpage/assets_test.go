package embedpage_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"

	"github.com/callboard/callboard/server/internal/embedpage"
)

type entry struct {
	URL, Integrity string
	Size, GZIP     int
}

func index(t testing.TB, p *embedpage.Pages) map[string]entry {
	t.Helper()
	answer := ask(p, http.MethodGet, "/embed/v1/embed.json")
	var all map[string]entry
	if err := json.Unmarshal(answer.Body.Bytes(), &all); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("embed.json: %d %v %s", answer.Code, err, answer.Body)
	}
	return all
}

// path is the path of an address as it reaches the host behind its proxy.
func path(address string) string { return strings.TrimPrefix(address, "/backstage") }

func TestEmbedJSON_SaysHowToLoadEveryFileAndThatItIsTheOne(t *testing.T) {
	p := pages(t, options(t, built()))
	all := index(t, p)
	if len(all) != 5 {
		t.Errorf("%d files: %v", len(all), all)
	}
	if all["embed.js"].URL != "/backstage/embed/v1/embed.js" {
		t.Errorf("the script of pages is at %s", all["embed.js"].URL)
	}
	for name, e := range all {
		answer := ask(p, http.MethodGet, path(e.URL))
		sum := sha512.Sum384(answer.Body.Bytes())
		if answer.Code != http.StatusOK || e.Integrity != "sha384-"+base64.StdEncoding.EncodeToString(sum[:]) || e.Size != answer.Body.Len() {
			t.Errorf("%s is not what embed.json says: %d, %d bytes, %+v", name, answer.Code, answer.Body.Len(), e)
		}
		sent := ask(p, http.MethodGet, path(e.URL), "Accept-Encoding", "gzip")
		if sent.Body.Len() != e.GZIP {
			t.Errorf("%s is %d bytes when compressed, embed.json says %d", name, sent.Body.Len(), e.GZIP)
		}
	}
}

func TestAssets_AreKeptForEverOnlyUnderTheAddressOfTheirBuild(t *testing.T) {
	p := pages(t, options(t, built()))
	pinned := path(index(t, p)["core-x.js"].URL)
	const forEver = "public, max-age=31536000, immutable"
	for target, want := range map[string]string{
		pinned: forEver,
		strings.Replace(pinned, "core-x.js", "sub/words.json", 1): forEver, // what a file imports by a relative name
		"/embed/v1/assets/core-x.js":                              "no-cache",
		"/embed/v1/assets/sub/words.json":                         "no-cache",
		"/embed/v1/embed.js":                                      "no-cache",
		"/embed/v1/embed.json":                                    "no-cache",
		"/embed/v1/viewers/redoc/redoc.standalone.js":             "no-cache",
	} {
		answer := ask(p, http.MethodGet, target)
		if answer.Code != http.StatusOK || answer.Header().Get("Cache-Control") != want {
			t.Errorf("%s: %d, Cache-Control %q, want %q", target, answer.Code, answer.Header().Get("Cache-Control"), want)
		}
	}
	changed := built()
	changed["widgets/theme.css"] = &fstest.MapFile{Data: []byte(":root{color:red}"), Mode: 0o444}
	next := pages(t, options(t, changed))
	if index(t, next)["core-x.js"].URL == index(t, p)["core-x.js"].URL {
		t.Error("another build has the same addresses")
	}
	for _, folder := range []string{"/embed/v1/assets/", strings.TrimSuffix(pinned, "core-x.js")} {
		if answer := ask(p, http.MethodGet, folder+"embed.js"); answer.Code != http.StatusNotFound {
			t.Errorf("the loader, which finds the others by its own address, has another below %s: %d", folder, answer.Code)
		}
	}
	if answer := ask(next, http.MethodGet, pinned); answer.Code != http.StatusNotFound || answer.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the address of another build: %d %v", answer.Code, answer.Header())
	}
}

func TestEmbedScript_KnowsTheFolderOfItsBuild(t *testing.T) {
	p := pages(t, options(t, built()))
	script := ask(p, http.MethodGet, "/embed/v1/embed.js").Body.String()
	folder, _, _ := strings.Cut(strings.TrimPrefix(script, "const folder = '"), "'")
	if answer := ask(p, http.MethodGet, "/embed/v1/"+folder+"core-x.js"); answer.Code != http.StatusOK || answer.Body.String() != large {
		t.Errorf("folder %q: %d", folder, answer.Code)
	}
}

func TestFiles_MayBeReadByPagesOfEveryOriginAndRunNothingThemselves(t *testing.T) {
	p := pages(t, options(t, built()))
	for target, contentType := range map[string]string{
		"/embed/v1/embed.js": "text/javascript; charset=utf-8", "/embed/v1/embed.json": "application/json; charset=utf-8",
		"/embed/v1/assets/theme.css":                        "text/css; charset=utf-8",
		"/embed/v1/viewers/swagger-ui/oauth2-redirect.html": "text/html; charset=utf-8",
	} {
		answer := ask(p, http.MethodGet, target, "Origin", other)
		for name, want := range map[string]string{
			"Content-Type": contentType, "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "",
			"Cross-Origin-Resource-Policy": "cross-origin", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
		} {
			if got := answer.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestFiles_AreSentInTheCodingThatIsAskedFor(t *testing.T) {
	p := pages(t, options(t, built()))
	for accept, coding := range map[string]string{"": "", "gzip": "gzip", "gzip, deflate, br": "br", "br;q=0, gzip": "gzip", "identity": "", "deflate": "", "gzip;q=0": "", "*": "br"} {
		answer := ask(p, http.MethodGet, "/embed/v1/assets/core-x.js", "Accept-Encoding", accept)
		if got := answer.Header().Get("Content-Encoding"); got != coding || answer.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %q, Vary %q, want %q", accept, got, answer.Header().Get("Vary"), coding)
		}
		if got := decoded(t, answer.Body, answer.Header().Get("Content-Encoding")); got != large {
			t.Errorf("%q: the body is another: %.60q", accept, got)
		}
	}
}

func decoded(t *testing.T, body *bytes.Buffer, coding string) string {
	t.Helper()
	var in io.Reader = body
	switch coding {
	case "br":
		in = brotli.NewReader(body)
	case "gzip":
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		in = unzipped
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFiles_AreNotSentAgainToWhoHasThem(t *testing.T) {
	p := pages(t, options(t, built()))
	for _, target := range []string{"/embed/v1/embed.js", "/embed/v1/embed.json", "/embed/v1/assets/frame.js", "/.backstage/dynamic-features/remotes", "/.backstage/dynamic-features/@callboard/backstage-plugin/mf-manifest.json"} {
		tag := ask(p, http.MethodGet, target).Header().Get("ETag")
		if tag == "" {
			t.Errorf("%s has no tag", target)
		}
		for have, want := range map[string]int{tag: 304, strings.TrimPrefix(tag, "W/"): 304, `"other", ` + tag: 304, "*": 304, `W/"other"`: 200} {
			answer := ask(p, http.MethodGet, target, "If-None-Match", have, "Accept-Encoding", "gzip")
			if answer.Code != want || want == 304 && (answer.Body.Len() != 0 || answer.Header().Get("ETag") != tag) {
				t.Errorf("%s for who has %s: %d", target, have, answer.Code)
			}
		}
	}
}

func TestHead_IsGetWithoutTheBody(t *testing.T) {
	p := pages(t, options(t, built()))
	for _, target := range []string{"/embed/v1/embed.js", "/embed/v1/assets/core-x.js", "/.backstage/dynamic-features/remotes"} {
		get, head := ask(p, http.MethodGet, target), ask(p, http.MethodHead, target)
		if head.Code != http.StatusOK || head.Body.Len() != 0 {
			t.Errorf("%s: %d, %d bytes", target, head.Code, head.Body.Len())
		}
		for _, name := range []string{"Content-Length", "Content-Type", "ETag", "Cache-Control"} {
			if got, want := head.Header().Get(name), get.Header().Get(name); got != want || want == "" {
				t.Errorf("%s: %s is %q, GET has %q", target, name, got, want)
			}
		}
	}
}

func TestMethodsThatChangeThingsAreRefused(t *testing.T) {
	p := pages(t, options(t, built()))
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, "PROPFIND"} {
		for _, target := range []string{"/embed/v1/embed.js", "/embed/v1/frame/cost/summary?app=shop", "/.backstage/dynamic-features/remotes"} {
			if answer := ask(p, method, target); answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("%s %s: %d", method, target, answer.Code)
			}
		}
	}
	if answer := ask(p, http.MethodOptions, "/embed/v1/embed.json", "Origin", other); answer.Code != http.StatusNoContent || answer.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("OPTIONS: %d %v", answer.Code, answer.Header())
	}
}

func TestAProgramWithoutBrowserFilesSaysSo(t *testing.T) {
	p := pages(t, options(t, fstest.MapFS{"README.md": {Data: []byte("empty")}}))
	for _, target := range []string{"/embed/v1/embed.js", "/embed/v1/embed.json", "/embed/v1/assets/x.js", "/embed/v1/viewers/redoc/x.js", "/embed/v1/frame/cost/summary?app=shop", "/.backstage/dynamic-features/@callboard/backstage-plugin/mf-manifest.json"} {
		if answer := ask(p, http.MethodGet, target); answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), "run make build") {
			t.Errorf("%s: %d %s", target, answer.Code, answer.Body)
		}
	}
	if answer := ask(p, http.MethodGet, "/.backstage/dynamic-features/remotes"); answer.Code != http.StatusOK || answer.Body.String() != "[]" {
		t.Errorf("the list of remotes: %d %s", answer.Code, answer.Body)
	}
}
