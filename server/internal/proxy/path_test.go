package proxy

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestUnderstood_RefusesParentSegmentsInEverySpelling(t *testing.T) {
	for _, refused := range []string{"/..", "/a/../b", "/%2e%2e/b", "/.%2E", "/a%2f..%2fb", `/a\..\b`, "/a%5c..%5cb", "/%252e%252e/b", "/%25252e./b",
		"/..;/b", "/..;x=1/b", "/.. /b", "/..%20/b", "/..%00/b", "/%09../b", "/%c0%ae%c0%ae/b", "/%zz", "/%", "/%" + strings.Repeat("25", 20) + "2e."} {
		if segments, ok := understood(refused); ok {
			t.Errorf("%s is read as %q", refused, segments)
		}
	}
	for fine, want := range map[string]string{"/a/b": "a b", "/a//b/": "a b", "/./a": "a", "/...": "...", "/a..b": "a..b", "/%41/b%20c": "A b c",
		"/a;x=1/b": "a b", "/a%2Fb": "a b", "/%C3%A9": "é", "/100%25": "100%", "": ""} {
		if segments, ok := understood(fine); !ok || strings.Join(segments, " ") != want {
			t.Errorf("%s: %q %v", fine, segments, ok)
		}
	}
}

func TestEscape_LeavesEscapesAndMeaning(t *testing.T) {
	for in, want := range map[string]string{"/a%2Fb/c%20d": "/a%2Fb/c%20d", "/a b": "/a%20b", "/é": "/%C3%A9", "/a%": "/a%25", "/a#b?c": "/a%23b%3Fc", "/a\r\nb": "/a%0D%0Ab", `/a\b`: "/a%5Cb"} {
		if got := escape(in, plainInPath); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := escape("a=b&c=%20%zz d\r\n#e", plainInQuery); got != "a=b&c=%20%zz%20d%0D%0A%23e" {
		t.Errorf("query: %q", got)
	}
}

// overlapping are routes of which some are prefixes of others, with every policy.
var overlapping = []string{"/", "/a", "/a/b", "/a/b/c", "/ab", "/a/bc", "/A/d"}

// TestOverlapRoutes holds that the longest route decides about target and credentials together, in any order of the
// configuration, however the path is spelled.
func TestOverlapRoutes(t *testing.T) {
	for _, first := range overlapping {
		for _, second := range overlapping {
			for _, policies := range [][2]credentials{{open, required}, {required, open}} {
				if first != second {
					checkOverlap(t, first, second, policies)
				}
			}
		}
	}
}

func checkOverlap(t *testing.T, first, second string, policies [2]credentials) {
	t.Helper()
	r := start(t, fmt.Sprintf(`
proxy:
  endpoints:
    %q: {target: 'TARGET/first', credentials: %s}
    %q: {target: 'TARGET/second', credentials: %s}`, first, policies[0], second, policies[1]), nil)
	for _, path := range []string{"/", "/a", "/a/b", "/a/b/c", "/a/b/c/x", "/ab/x", "/A/B/x", "/a/bc", "/a/d/y", "/a//b/c", "/%61/b", "/a/%62/c", "/a/./b", "/a%2Fb", "/a;v=1/b", "/a/b;v=1/c"} {
		want, policy := "", required
		segments, ok := understood(path)
		if !ok {
			t.Fatal(path)
		}
		longest := -1
		for i, route := range []string{first, second} {
			own := strings.FieldsFunc(route, func(r rune) bool { return r == '/' })
			if under(segments, own) && len(own) > longest {
				longest, want, policy = len(own), []string{"/first", "/second"}[i], policies[i]
			}
		}
		before := r.target.count()
		status, _ := r.raw(t, "GET", path, "")
		reached := ""
		if last := r.target.last(); r.target.count() > before {
			reached = "/" + strings.Split(last.URL.Path, "/")[1]
		}
		switch {
		case reached != "" && reached != want:
			t.Errorf("%s and %s: %s reached %s, want %s", first, second, path, reached, want)
		case reached != "" && policy != open:
			t.Errorf("%s (%s) and %s (%s): %s reached the target without credentials", first, policies[0], second, policies[1], path)
		case reached == "" && status == http.StatusOK:
			t.Errorf("%s and %s: %s was answered by nobody", first, second, path)
		}
	}
}

// raw sends a request whose path is not touched by a client, without credentials.
func (r *rig) raw(t testing.TB, method, path, headers string) (status int, res *http.Response) {
	t.Helper()
	return r.rawRequest(t, fmt.Sprintf("%s /api/proxy%s HTTP/1.1\r\nHost: portal.example\r\nConnection: close\r\n%s\r\n", method, path, headers))
}

// rawRequest sends what it is given. Status 0 = the edge closed the connection.
func (r *rig) rawRequest(t testing.TB, text string) (status int, res *http.Response) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	res, err = http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	return res.StatusCode, res
}

func FuzzProxyPath(f *testing.F) {
	for _, seed := range []string{"/open/a/b?x=1", "/open/../x", "/open/%2e%2e/x", "/open//..//x", "/open/..%5cx", "/open/a%252f..%252fx", "/open@evil/x",
		"//evil.example/x", "/open/http://evil.example/", "/rewritten/a..b", "/rewritten/.-./x", "/open/x#y", "/open/%", "/open/\\evil", "/OPEN/x", "/open/x?y?z", "/open;/..;/x"} {
		f.Add(seed)
	}
	const base = "/base/of/target"
	r := start(f, `
proxy:
  endpoints:
    /open: {target: 'TARGET/base/of/target', credentials: dangerously-allow-unauthenticated}
    /rewritten: {target: 'TARGET/base/of/target/', credentials: dangerously-allow-unauthenticated, pathRewrite: {'^/api/proxy/rewritten/(.*?)-(.*)': '/$1$2'}}`, nil)
	f.Fuzz(func(t *testing.T, target string) {
		if strings.ContainsAny(target, " \r\n\x00") || !strings.HasPrefix(target, "/") {
			return // no request line
		}
		before := r.target.count()
		r.raw(t, "GET", target, "")
		if r.target.count() == before {
			return
		}
		seen := r.target.last()
		if !strings.HasPrefix(seen.RequestURI, base) {
			t.Fatalf("%q became %q", target, seen.RequestURI)
		}
		for text, n := strings.SplitN(seen.RequestURI, "?", 2)[0], 0; n < 20; n++ { // as decoded by one server after another
			clean := path.Clean("/" + strings.ReplaceAll(text, `\`, "/"))
			if clean != base && !strings.HasPrefix(clean, base+"/") {
				t.Fatalf("%q became %q, which is %q", target, seen.RequestURI, clean)
			}
			decoded, err := url.PathUnescape(text)
			if err != nil || decoded == text {
				break
			}
			text = decoded
		}
	})
}

func TestRewrite_ReplacesAsJavaScriptDoes(t *testing.T) {
	for _, c := range []struct{ rules, in, want string }{
		{`{'^/api/proxy/x/': '/'}`, "/api/proxy/x/a", "/a"},
		{`{'^/api/proxy/x/(\w+)/(\w+)': '/$2/$1'}`, "/api/proxy/x/a/b", "/b/a"},
		{`{'^/(?<first>\w+)': '/$<first>!'}`, "/api/x", "/api!/x"},
		{`{'a': '$$$&$0$9$'}`, "/cat", "/c$a$0$9$t"},
		{`{'(a)': '$10'}`, "/a", "/a0"},
		{`{'a': 'b'}`, "/aa", "/ba"},
		{`{'none': 'x', '^/api': '/v1', '^/': '/never'}`, "/api/b", "/v1/b"},
		{`{'\?.*$': ''}`, "/a?token=1", "/a"},
		{`{}`, "/a", "/a"},
	} {
		read := readEndpoints(configOf(t, "proxy: {endpoints: {/x: {target: 'http://h', pathRewrite: "+c.rules+"}}}").Section("proxy"))
		if got := rewrite(read.endpoints[0].rules, c.in); got != c.want {
			t.Errorf("%s: %q becomes %q, want %q", c.rules, c.in, got, c.want)
		}
	}
}

func TestPaths_ArriveAsInTheReference(t *testing.T) {
	r := start(t, `
proxy:
  endpoints:
    /open: {target: 'TARGET/echo', credentials: dangerously-allow-unauthenticated}
    /slash/: {target: 'TARGET/echo/', credentials: dangerously-allow-unauthenticated}
    /bare: {target: 'TARGET', credentials: dangerously-allow-unauthenticated}
    /kept: {target: 'TARGET', credentials: dangerously-allow-unauthenticated, pathRewrite: {}}
    /query: {target: 'TARGET', credentials: dangerously-allow-unauthenticated, pathRewrite: {'^/api/proxy/query/(\w+)': '/find?q=$1'}}`, nil)
	for path, want := range map[string]string{
		"/open": "/echo/", "/open/": "/echo/", "/open?x": "/echo/?x", "/open/a%2Fb/c%20d?e=f%26g": "/echo/a%2Fb/c%20d?e=f%26g", "/open//a///b/": "/echo/a/b/",
		"/OPEN/x": "/echo/x", "//open/x": "/echo/x", "/open/a%2Fb{c}": "/echo/a%2Fb%7Bc%7D", "/slash/x": "/echo/x", "/slash": "/echo/", "/bare": "/", "/bare/x": "/x",
		"/open/?a=1;b=2&c=%zz": "/echo/?a=1;b=2&c=%zz", "/kept/x": "/api/proxy/kept/x", "/query/word": "/find?q=word",
	} {
		if status, _ := r.raw(t, "GET", path, ""); status != http.StatusOK || r.target.last().RequestURI != want {
			t.Errorf("%s: %d, arrived as %s, want %s", path, status, r.target.last().RequestURI, want)
		}
	}
	for path, want := range map[string]int{"/opener/x": 401, "/%6fpen/x": 401, "/open/%2e%2e/x": 400, "/open/..;/x": 400, "/nope": 401} {
		if status, _ := r.raw(t, "GET", path, ""); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
}
