package egress_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/pluginhost/egress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names are what the tests' resolver knows. Nothing is asked of a network.
var names = map[string]string{"api.example.com": "127.0.0.1", "a.example.com": "127.0.0.1", "inside.example.com": "10.1.2.3", "meta.example.com": "169.254.169.254"}

func lookup(_ context.Context, host string) ([]netip.Addr, error) {
	if text, ok := names[host]; ok {
		return []netip.Addr{netip.MustParseAddr(text)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, Server: "10.9.9.9:53", IsNotFound: true}
}

type fixture struct {
	proxy  *egress.Proxy
	socket string
	client *http.Client

	mu       sync.Mutex
	attempts []egress.Attempt
}

// serve starts a proxy; 127.0.0.1 is where the tests' servers are, so it is allowed unless o says otherwise.
func serve(t *testing.T, o egress.Options) *fixture {
	t.Helper()
	dir, err := os.MkdirTemp("", "cbe") // t.TempDir is too long for sockets, and closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	f := &fixture{socket: filepath.Join(dir, "egress.sock")}
	o.Plugin, o.Socket, o.Lookup = "sentry", f.socket, lookup
	if o.AllowPrivate == nil {
		o.AllowPrivate = []string{"127.0.0.0/8"}
	}
	o.Audit = func(a egress.Attempt) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.attempts = append(f.attempts, a)
	}
	if f.proxy, err = egress.Serve(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy"}),
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return f.dial(ctx) },
		TLSClientConfig: nil,
	}
	f.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := f.proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) dial(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", f.socket)
}

// audited waits for the n-th attempt: it is told when it is over, which is after the client has its answer.
func (f *fixture) audited(t *testing.T, n int) egress.Attempt {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		if len(f.attempts) >= n {
			a := f.attempts[n-1]
			f.mu.Unlock()
			return a
		}
		f.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("there is no attempt %d", n)
		}
	}
}

func (f *fixture) get(t *testing.T, target string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func portOf(server *httptest.Server) string {
	return server.URL[strings.LastIndexByte(server.URL, ':')+1:]
}

func TestProxy_LetsThroughWhatWasApprovedAndTellsOfIt(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %q %q", r.Host, r.RequestURI, r.Header.Get("X-Forwarded-For"), r.Header.Get("Proxy-Authorization"))
	}))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secret") }))
	defer secure.Close()
	f := serve(t, egress.Options{Allow: []string{"http://api.example.com:" + portOf(plain), "https://*.example.com:" + portOf(secure)}})
	transport, ok := f.client.Transport.(*http.Transport)
	if !ok {
		t.Fatal("no transport")
	}
	transport.TLSClientConfig = secure.Client().Transport.(*http.Transport).TLSClientConfig

	status, body := f.get(t, "http://api.example.com:"+portOf(plain)+"/a%2Fb?x=%zz;y")
	if want := "api.example.com:" + portOf(plain) + ` /a%2Fb?x=%zz;y "" ""`; status != 200 || body != want {
		t.Errorf("%d %s, want %s", status, body, want)
	}
	if a := f.audited(t, 1); !a.Allowed || a.Host != "api.example.com" || a.Method != "GET" || a.Reason != "" || a.Address.Addr().String() != "127.0.0.1" || a.Received == 0 {
		t.Errorf("%+v", a)
	}
	status, body = f.get(t, "https://a.example.com:"+portOf(secure)+"/")
	if status != 200 || body != "secret" {
		t.Errorf("%d %s", status, body)
	}
	transport.CloseIdleConnections()
	if a := f.audited(t, 2); !a.Allowed || a.Method != "CONNECT" || a.Host != "a.example.com" || a.Sent == 0 || a.Received == 0 || a.Reason != "" {
		t.Errorf("%+v", a)
	}
}

func TestProxy_RefusesWithASentenceThatSaysWhatToAdd(t *testing.T) {
	f := serve(t, egress.Options{Allow: []string{"https://api.example.com", "https://inside.example.com", "https://meta.example.com", "https://none.example.com", "http://127.0.0.1:1", "https://[::1]:1"}, AllowPrivate: []string{}})
	for target, want := range map[string]string{
		"https://evil.example.com/":     `plugin sentry may not reach evil.example.com:443: "https://evil.example.com:443" is neither in needs.egress of its plugin.yaml nor in a setting that stands there`,
		"https://api.example.com:8443/": `may not reach api.example.com:8443`,
		"http://api.example.com/":       `"http://api.example.com:80" is neither in needs.egress`,
		"https://inside.example.com/":   `its address 10.1.2.3 is not public; an operator can allow it in callboard.plugins.sentry.egress.allowPrivate`,
		"https://meta.example.com/":     `its address 169.254.169.254 is not public`,
		"https://none.example.com/":     `none.example.com cannot be resolved: there is no such name`,
		"http://127.0.0.1:1/":           `its address 127.0.0.1 is not public`,
		"https://[::1]:1/":              `its address ::1 is not public`,
		"http://callboard.internal/":    `may not call the host's own routes`,
	} {
		_, body := f.get(t, target)
		if !strings.Contains(strings.ReplaceAll(body, `\"`, `"`), want) {
			t.Errorf("%s: %s", target, body)
		}
		if strings.Contains(body, "10.9.9.9") {
			t.Errorf("%s: the answer tells of the host's name server: %s", target, body)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.attempts {
		if a.Allowed || a.Reason == "" || a.Address.IsValid() {
			t.Errorf("%+v", a)
		}
	}
}

func TestProxy_RefusesWhatTwoProgramsCouldReadDifferently(t *testing.T) {
	f := serve(t, egress.Options{Allow: []string{"https://api.example.com"}})
	for request, want := range map[string]string{
		"CONNECT 127.1:443 HTTP/1.1\r\nHost: x\r\n\r\n":                                                     "400 an address must be written in its usual form",
		"CONNECT 0x7f000001:443 HTTP/1.1\r\nHost: x\r\n\r\n":                                                "400 an address must",
		"CONNECT 2130706433:443 HTTP/1.1\r\nHost: x\r\n\r\n":                                                "400 an address must",
		"CONNECT api.example.com HTTP/1.1\r\nHost: x\r\n\r\n":                                               "400 the target must be",
		"CONNECT api.example.com:0 HTTP/1.1\r\nHost: x\r\n\r\n":                                             "400 the target must be",
		"CONNECT user@api.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n":                                      "400 ",
		"GET / HTTP/1.1\r\nHost: api.example.com\r\n\r\n":                                                   "400 Bad Request",
		"GET https://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n":                            "400 Bad Request",
		"GET http://u:p@api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n":                         "400 Bad Request",
		"CONNECT api.example.com:443 HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 80<<10) + "\r\n\r\n": "431 ",
	} {
		conn, err := f.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(conn, request) }()
		line, err := bufio.NewReader(conn).ReadString('\n')
		if !strings.HasPrefix(line, "HTTP/1.1 "+want) {
			t.Errorf("%.60q: %q, %v", request, line, err)
		}
		conn.Close()
	}
}

func TestProxy_PassesBytesBothWaysAndHalfCloses(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		conn, err := server.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		data, _ := io.ReadAll(conn) // until the client has said all
		_, _ = conn.Write(bytes.ToUpper(data))
	}()
	f := serve(t, egress.Options{Allow: []string{"https://api.example.com:" + portText(server)}})
	conn, err := f.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// What the client sends at once with CONNECT is not lost.
	if _, err := fmt.Fprintf(conn, "CONNECT api.example.com:%s HTTP/1.1\r\nHost: x\r\n\r\nhello", portText(server)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n"))
	if _, err := io.ReadFull(conn, answer); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Fatalf("%q, %v", answer, err)
	}
	if half, ok := conn.(*net.UnixConn); ok {
		_ = half.CloseWrite()
	}
	data, err := io.ReadAll(conn)
	if err != nil || string(data) != "HELLO" {
		t.Errorf("%q, %v", data, err)
	}
	if a := f.audited(t, 1); a.Sent != 5 || a.Received != 5 {
		t.Errorf("%+v", a)
	}
}

func portText(l net.Listener) string {
	return l.Addr().String()[strings.LastIndexByte(l.Addr().String(), ':')+1:]
}

func TestProxy_EndsIdleTunnelsAndAllOfThemWhenItCloses(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var accepted []net.Conn
	var mu sync.Mutex
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			accepted = append(accepted, conn)
			mu.Unlock()
		}
	}()
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range accepted {
			c.Close()
		}
	}()
	open := func(f *fixture) *bufio.Reader {
		conn, err := f.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := fmt.Fprintf(conn, "CONNECT api.example.com:%s HTTP/1.1\r\nHost: x\r\n\r\n", portText(server)); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		if line, err := r.ReadString('\n'); !strings.Contains(line, " 200 ") {
			t.Fatalf("%q, %v", line, err)
		}
		_, _ = r.ReadString('\n')
		return r
	}
	f := serve(t, egress.Options{Allow: []string{"https://api.example.com:" + portText(server)}, Limits: egress.Limits{Idle: 50 * time.Millisecond}})
	if _, err := open(f).ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("an idle tunnel: %v", err)
	}
	f = serve(t, egress.Options{Allow: []string{"https://api.example.com:" + portText(server)}})
	r := open(f)
	if err := f.proxy.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("a tunnel of a closed proxy: %v", err)
	}
	if _, err := os.Stat(f.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestProxy_LimitsConnectionsAndRequestsToAHost(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	f := serve(t, egress.Options{Allow: []string{"http://api.example.com:" + portOf(plain)}, Limits: egress.Limits{Connections: 2, HostPerSecond: 0.4}})
	for range 2 { // a burst of five times 0.4
		if status, body := f.get(t, "http://api.example.com:"+portOf(plain)); status != 404 {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, body := f.get(t, "http://api.example.com:"+portOf(plain)); status != 429 || !strings.Contains(body, "plugin sentry asks api.example.com too often") {
		t.Errorf("%d %s", status, body)
	}
	f.client.CloseIdleConnections()
	var last net.Conn
	for range 8 {
		conn, err := f.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		last = conn
	}
	if line, err := bufio.NewReader(last).ReadString('\n'); !strings.Contains(line, "503 plugin sentry has 2 connections open") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestProxy_RefusesStrangers(t *testing.T) {
	f := serve(t, egress.Options{Peer: func(pid int, _ uint32) bool { return pid != os.Getpid() }})
	conn, err := f.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a stranger was heard")
	}
}

func TestInternal_IsTheHostsOwnEdgeWithAuthorizationAlone(t *testing.T) {
	host := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s auth=%q cookie=%q principal=%q forwarded=%q from=%s body=%s", r.Method, r.Host, r.URL, r.Header.Get("Authorization"),
			r.Header.Get("Cookie"), r.Header.Get("X-Callboard-Principal"), r.Header.Get("X-Forwarded-For"), r.RemoteAddr, body)
	})
	f := serve(t, egress.Options{Internal: host})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://callboard.internal/api/catalog/entities?x=1", strings.NewReader("hi"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Authorization": "Bearer t", "Cookie": "a=b", "X-Callboard-Principal": "e30", "X-Forwarded-For": "127.0.0.1"} {
		req.Header.Set(name, value)
	}
	want := `POST callboard.internal /api/catalog/entities?x=1 auth="Bearer t" cookie="" principal="" forwarded="" from=plugin.sentry:0 body=hi`
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
	if a := f.audited(t, 1); !a.Allowed || a.Host != egress.InternalHost || a.Sent != 2 {
		t.Errorf("%+v", a)
	}
	// The same inside a tunnel, as some clients have it.
	conn, err := f.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "CONNECT callboard.internal:80 HTTP/1.1\r\nHost: x\r\n\r\nGET /api/x HTTP/1.1\r\nHost: callboard.internal\r\nConnection: close\r\nCookie: a=b\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	data, err = io.ReadAll(conn)
	if err != nil || !strings.HasSuffix(string(data), `GET callboard.internal /api/x auth="" cookie="" principal="" forwarded="" from=plugin.sentry:0 body=`) {
		t.Errorf("%s, %v", data, err)
	}
	if _, body := f.get(t, "https://callboard.internal/"); !strings.Contains(body, "without TLS and on port 80") {
		t.Errorf("%s", body)
	}
}

func TestServe_RefusesListsThatItCannotKeep(t *testing.T) {
	for _, o := range []egress.Options{{Allow: []string{"example.com"}}, {AllowPrivate: []string{"127.1"}}, {Socket: "/nonexistent/folder/egress.sock"}} {
		o.Plugin = "sentry"
		if p, err := egress.Serve(t.Context(), o); err == nil || !strings.Contains(err.Error(), "plugin sentry") {
			t.Errorf("%+v: %v, %v", o, p, err)
		}
	}
}

func TestTarget_ANameThatChangesItsMindGainsNothing(t *testing.T) {
	asked := 0
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	port, err := strconv.Atoi(portOf(plain))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "cbe") // t.TempDir is too long for sockets, and closed to other users
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p, err := egress.Serve(t.Context(), egress.Options{
		Plugin: "sentry", Socket: dir + "/e.sock", Allow: []string{fmt.Sprintf("https://api.example.com:%d", port)}, AllowPrivate: []string{"127.0.0.2"},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			asked++
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil // public or private, the answer is judged and dialled once
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", dir+"/e.sock")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "CONNECT api.example.com:%d HTTP/1.1\r\nHost: x\r\n\r\n", port)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "403") || asked != 1 {
		t.Errorf("%q, %v, asked %d times", line, err, asked)
	}
	conn.Close()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
