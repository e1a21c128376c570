package relay_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/principal"
)

// sayLine answers with the request line.
func sayLine(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, r.Method+" "+r.RequestURI)
}

func TestRelay_KeepsPathAndQueryByteForByte(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(sayLine)))
	for target, want := range map[string]string{
		"": "/", "/": "/", "/a": "/a", "?": "/?", "?a=b": "/?a=b", "/?": "/?", "/a?": "/a?",
		"/a%2fb%2Fc": "/a%2fb%2Fc", "/%2e%2e/x": "/%2e%2e/x", "/../x": "/../x", "/a/./b": "/a/./b", "/a;b=c;d": "/a;b=c;d",
		"/a+b%20c": "/a+b%20c", "//a": "//a", "///": "///", "/a//b//": "/a//b//", "//host:80/x?q=//y": "//host:80/x?q=//y",
		"/%E4%BD": "/%E4%BD", "/\xe4": "/\xe4", "/ä": "/ä", `/"<>{}|^`: `/"<>{}|^`, "/a?b=%zz&&;=%2f+": "/a?b=%zz&&;=%2f+",
		"/a%25%32%66": "/a%25%32%66", "/a:b@c": "/a:b@c", "/http://x/": "/http://x/", "/a#b": "/a#b", "//?": "//?",
	} {
		answer := h.send(t, "GET /api/demo"+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "+httpxtest.Guest+"\r\n\r\n")
		if _, body, _ := strings.Cut(answer, "\r\n\r\n"); body != "GET "+want {
			t.Errorf("%q: %q", target, answer)
		}
	}
}

func TestRelay_TellsThePluginWhoCallsAndNothingMore(t *testing.T) {
	got := make(chan http.Header, 1)
	h := newHost(t, serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })),
		func(o *relay.Options, _ *httpx.Feature) {
			o.UserToken = func(p *principal.Principal) (string, error) { return "limited of " + p.Subject, nil }
		})
	h.do(t, "GET", "/x", nil, "Accept", "text/plain", "X-Request-Id", "r1", "Cookie", "a=b", "X-Forwarded-For", "1.2.3.4", "Te", "trailers",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "a=b", "User-Agent", "test")
	header := <-got
	var who map[string]any
	text, err := base64.RawURLEncoding.DecodeString(header.Get("X-Callboard-Principal"))
	if err != nil || json.Unmarshal(text, &who) != nil {
		t.Fatal(header, err)
	}
	if who["type"] != "user" || who["subject"] != "user:default/guest" || len(who["ownershipRefs"].([]any)) != 2 {
		t.Error(who)
	}
	header.Del("X-Callboard-Principal")
	want := map[string]string{"Accept": "text/plain", "X-Request-Id": "r1", "X-Callboard-User-Token": "limited of user:default/guest",
		"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate": "a=b", "User-Agent": "test", "Te": "trailers"}
	for name, value := range want {
		if header.Get(name) != value {
			t.Errorf("%s: %q", name, header.Get(name))
		}
		header.Del(name)
	}
	if len(header) != 0 {
		t.Errorf("also: %v", header)
	}
	h.do(t, "GET", "/open", nil, "Authorization", "", "Traceparent", "00-"+strings.Repeat("0", 32)+"-b7ad6b7169203331-01")
	header = <-got
	if text, _ := base64.RawURLEncoding.DecodeString(header.Get("X-Callboard-Principal")); string(text) != `{"type":"none"}` {
		t.Errorf("%s", text)
	}
	if trace := header.Get("Traceparent"); len(trace) != 55 || strings.HasPrefix(trace, "00-000000") || header.Get("X-Callboard-User-Token") != "" {
		t.Error(header)
	}
	h.do(t, "GET", "/x", nil, "Authorization", "Bearer service:external:ci")
	header = <-got
	if text, _ := base64.RawURLEncoding.DecodeString(header.Get("X-Callboard-Principal")); string(text) != `{"type":"service","subject":"external:ci"}` || header.Get("X-Callboard-User-Token") != "" {
		t.Errorf("%s %v", text, header)
	}
}

func TestRelay_TakesHeadersThatSpeakForTheHostOffAnswers(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{
			"Set-Cookie": "backstage-auth=evil", "Content-Security-Policy": "default-src *", "Strict-Transport-Security": "max-age=0",
			"X-Frame-Options": "ALLOWALL", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true",
			"X-Callboard-Principal": "x", "Service-Worker-Allowed": "/", "Clear-Site-Data": `"*"`, "X-Accel-Redirect": "/etc/passwd",
			"Connection": "X-Private", "X-Private": "hop", "Cross-Origin-Opener-Policy": "unsafe-none", "Www-Authenticate": `Basic realm="portal"`,
			"Location": "/elsewhere", "X-Kept": "yes", "Vary": "Cookie", "Cache-Control": "max-age=5", "Etag": `"v1"`, "X-Request-Id": "forged",
		} {
			w.Header().Set(name, value)
		}
		w.Header().Add("Www-Authenticate", `Bearer resource_metadata="x"`)
		w.Header()["Content-Type"] = nil
		w.WriteHeader(http.StatusFound)
		_, _ = io.WriteString(w, "<script>")
	})))
	res := h.do(t, "GET", "/x", nil)
	for name, want := range map[string]string{
		"Set-Cookie": "", "Strict-Transport-Security": "max-age=15552000; includeSubDomains", "X-Frame-Options": "SAMEORIGIN",
		"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "X-Callboard-Principal": "", "Service-Worker-Allowed": "",
		"Clear-Site-Data": "", "X-Accel-Redirect": "", "X-Private": "", "Cross-Origin-Opener-Policy": "", "X-Request-Id": "",
		"Www-Authenticate": `Bearer resource_metadata="x"`, "Location": "/elsewhere", "X-Kept": "yes", "Vary": "Cookie",
		"Cache-Control": "max-age=5", "Etag": `"v1"`, "Content-Type": "",
	} {
		if got := strings.Join(res.Header[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if csp := res.Header["Content-Security-Policy"]; len(csp) != 1 || !strings.HasPrefix(csp[0], "default-src 'self'") {
		t.Error(csp)
	}
}

func TestRelay_StreamsBothWays(t *testing.T) {
	step := make(chan struct{})
	h := newHost(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.Header().Set("Content-Type", "text/event-stream")
		} else {
			w.Header().Set("Content-Type", "text/plain")
		}
		control := http.NewResponseController(w)
		_ = control.Flush() // the header alone
		for i := range 3 {
			<-step
			_, _ = io.WriteString(w, "data: "+strconv.Itoa(i)+"\n\n")
			_ = control.Flush()
		}
	})))
	for _, path := range []string{"/events", "/chunks"} {
		res := h.do(t, "GET", path, nil)
		in := bufio.NewReader(res.Body)
		for i := range 3 {
			step <- struct{}{}
			if line, err := in.ReadString('\n'); err != nil || line != "data: "+strconv.Itoa(i)+"\n" {
				t.Fatalf("%s: %q %v", path, line, err)
			}
			_, _ = in.ReadString('\n')
		}
		if rest, err := io.ReadAll(in); err != nil || len(rest) != 0 {
			t.Errorf("%s: %q %v", path, rest, err)
		}
	}
}

func TestRelay_SendsRequestBodiesOnWhileTheyArrive(t *testing.T) {
	seen := make(chan string)
	h := newHost(t, serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		in := bufio.NewReader(r.Body)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			seen <- line
		}
	})))
	body, out := io.Pipe()
	done := make(chan int)
	go func() {
		res, err := h.try(t.Context(), "POST", "/x", body, "Content-Type", "application/json")
		if err != nil {
			t.Error(err)
			close(done)
			return
		}
		_ = res.Body.Close()
		done <- res.StatusCode
	}()
	for _, line := range []string{"{not json\n", "second\n"} {
		_, _ = io.WriteString(out, line)
		if got := <-seen; got != line {
			t.Errorf("%q", got)
		}
	}
	_ = out.Close()
	if status := <-done; status != 200 {
		t.Error(status)
	}
}

func TestRelay_AnswersBeforeTheBodyHasEnded(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		if r.URL.Path == "/refuse" {
			w.WriteHeader(http.StatusConflict)
			return
		}
		in := bufio.NewReader(r.Body)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "echo "+line)
			_ = control.Flush()
		}
	})))
	const head = " HTTP/1.1\r\nHost: x\r\nAuthorization: " + httpxtest.Guest + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	conn := h.connect(t)
	_, _ = io.WriteString(conn, "POST /api/demo/refuse"+head+"5\r\nhello\r\n") // and never more
	if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != http.StatusConflict {
		t.Error(res, err)
	}
	conn = h.connect(t)
	in := bufio.NewReader(conn)
	_, _ = io.WriteString(conn, "POST /api/demo/echo"+head+"2\r\na\n\r\n")
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewReader(res.Body)
	if line, err := answer.ReadString('\n'); line != "echo a\n" {
		t.Error(line, err)
	}
	_, _ = io.WriteString(conn, "2\r\nb\n\r\n0\r\n\r\n")
	if rest, err := io.ReadAll(answer); string(rest) != "echo b\n" {
		t.Error(string(rest), err)
	}
}

func TestRelay_PassesLengthsTrailersHintsAndHEAD(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", "3")
			_, _ = io.WriteString(w, "abc")
			return
		}
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Trailer", "X-Sum, Set-Cookie, X-Callboard-Principal")
		_, _ = io.WriteString(w, "abc")
		w.Header().Set("X-Sum", "42")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("X-Callboard-Principal", "x")
	})))
	res := h.do(t, "HEAD", "/length", nil)
	if res.ContentLength != 3 {
		t.Error(res.ContentLength)
	}
	if res = h.do(t, "GET", "/length", nil); res.ContentLength != 3 || httpxtest.Body(t, res) != "abc" {
		t.Error(res.ContentLength)
	}
	res = h.do(t, "GET", "/trailers", nil)
	if body := httpxtest.Body(t, res); body != "abc" || len(res.Trailer) != 1 || res.Trailer.Get("X-Sum") != "42" {
		t.Error(body, res.Trailer)
	}
	answer := h.send(t, "GET /api/demo/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "+httpxtest.Guest+"\r\n\r\n")
	if hint, rest, _ := strings.Cut(answer, "\r\n\r\n"); !strings.HasPrefix(hint, "HTTP/1.1 103 Early Hints\r\n") || !strings.Contains(hint, "Link: ") ||
		strings.Contains(rest, "Link: ") || !strings.Contains(rest, "Referrer-Policy") {
		t.Error(answer)
	}
}

func TestRelay_LeavesEncodedAnswersAndCompressesOthers(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"v1"`)
		if r.URL.Path == "/encoded" {
			w.Header().Set("Content-Encoding", "zstd")
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 5000))
	})))
	res := h.do(t, "GET", "/encoded", nil, "Accept-Encoding", "gzip")
	if body := httpxtest.Body(t, res); res.Header.Get("Content-Encoding") != "zstd" || len(body) != 5000 || res.Header.Get("Etag") != `"v1"` {
		t.Error(res.Header, len(body))
	}
	res = h.do(t, "GET", "/plain", nil, "Accept-Encoding", "gzip")
	if body := httpxtest.Body(t, res); res.Header.Get("Content-Encoding") != "gzip" || len(body) > 500 || res.Header.Get("Etag") != `W/"v1"` {
		t.Error(res.Header, len(body))
	}
}

func TestRelay_AnswersForAPluginThatCannot(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(sayLine)))
	h.plugin.become(h.plugin.now, errStarting)
	res := h.do(t, "GET", "/x", nil)
	if body := httpxtest.Body(t, res); res.StatusCode != 503 || res.Header.Get("Retry-After") != "3" || !strings.Contains(body, "Plugin 'demo' is starting") || !strings.Contains(body, "ServiceUnavailableError") {
		t.Error(res.StatusCode, res.Header, body)
	}
	for name, c := range map[string]struct {
		wire   string
		status int
		says   string
	}{
		"nothing":             {"", 503, "its process ended or closed the connection"},
		"half a header":       {"HTTP/1.1 200 OK\r\nX-A: ", 503, "its process ended"},
		"no HTTP":             {"hello there, this is not HTTP\r\n\r\n", 502, "not HTTP"},
		"bad status":          {"HTTP/1.1 099 Nothing\r\n\r\n", 502, ""},
		"status 999":          {"HTTP/1.1 999 Nothing\r\nContent-Length: 0\r\n\r\n", 502, "999"},
		"header of 70 kB":     {"HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", 502, "64 kB"},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 502, "not HTTP"},
		"101 unasked":         {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 502, "not asked for"},
		"endless hints":       {strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100), 502, "not HTTP"},
		"a name with a blank": {"HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 4\r\n\r\ndemo", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h.plugin.become(raw(t, func(conn net.Conn, in *bufio.Reader) {
				if _, err := readHead(in); err == nil {
					_, _ = io.WriteString(conn, c.wire)
				}
			}), nil)
			if status, body := h.get(t); status != c.status || !strings.Contains(body, c.says) || !strings.Contains(body, "demo") || strings.Contains(body, "http.sock") {
				t.Error(status, body)
			}
		})
	}
}

func TestRelay_CutsTheConnectionWhenAnAnswerBreaksOff(t *testing.T) {
	h := newHost(t, raw(t, func(conn net.Conn, in *bufio.Reader) {
		if _, err := readHead(in); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n5\r\nhello\r\n")
		}
	}))
	res := h.do(t, "GET", "/x", nil)
	if body, err := io.ReadAll(res.Body); string(body) != "hello" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q %v", body, err)
	}
	if s := h.relay.Stats(); s.Failed != 1 {
		t.Errorf("%+v", s)
	}
}

func TestRelay_GivesUpOnAPluginThatDoesNotAnswer(t *testing.T) {
	hang := make(chan struct{})
	h := newHost(t, serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang })),
		func(o *relay.Options, _ *httpx.Feature) { o.Limits.RequestTimeout = 50 * time.Millisecond })
	defer close(hang)
	if status, body := h.get(t); status != 504 || !strings.Contains(body, "Plugin 'demo' did not answer within 50ms") {
		t.Error(status, body)
	}
	// A plugin that does not even read a body.
	h.plugin.become(raw(t, func(_ net.Conn, in *bufio.Reader) { _, _ = readHead(in); <-hang }), nil)
	res := h.do(t, "POST", "/x", strings.NewReader(strings.Repeat("x", 1<<20)))
	if res.StatusCode != 504 || h.relay.Stats().TimedOut != 2 {
		t.Error(res.StatusCode, h.relay.Stats())
	}
}

func TestRelay_RefusesBodiesOverTheLimitWithoutBlamingThePlugin(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })),
		func(_ *relay.Options, f *httpx.Feature) { f.BodyLimit = 1000 })
	res := h.do(t, "POST", "/x", io.MultiReader(strings.NewReader(strings.Repeat("x", 5000))))
	if res.StatusCode != 413 || h.relay.Stats().Failed != 0 {
		t.Error(res.StatusCode, h.relay.Stats())
	}
}

func TestRelay_RepeatsWhatAnInstanceTookWithItOnce(t *testing.T) {
	next := serve(t, http.HandlerFunc(sayLine))
	for _, c := range []struct {
		method, body string
		want         int
	}{{"GET", "", 200}, {"HEAD", "", 200}, {"DELETE", "", 200}, {"POST", "", 503}, {"PUT", "x", 503}} {
		var target atomic.Pointer[plugin]
		dying := raw(t, func(_ net.Conn, in *bufio.Reader) {
			_, _ = readHead(in)
			target.Load().become(next, nil) // the supervisor has noticed
		})
		h := newHost(t, dying)
		target.Store(h.plugin)
		var body io.Reader
		if c.body != "" {
			body = strings.NewReader(c.body)
		}
		if res := h.do(t, c.method, "/x", body); res.StatusCode != c.want {
			t.Errorf("%s %q: %d", c.method, c.body, res.StatusCode)
		}
		// Nothing was sent where nobody listens, so anything may be sent again.
		gone, ln := listen(t)
		_ = ln.Close()
		h = newHost(t, next, func(o *relay.Options, _ *httpx.Feature) { o.Target = &sequence{instances: []*process{gone, next}} })
		if body != nil {
			body = strings.NewReader(c.body)
		}
		if res := h.do(t, c.method, "/x", body); res.StatusCode != 200 || h.relay.Stats().Repeated != 1 {
			t.Errorf("%s %q to nobody: %d", c.method, c.body, res.StatusCode)
		}
	}
}

// sequence hands out one instance after the other.
type sequence struct {
	mu        sync.Mutex
	instances []*process
}

func (s *sequence) Acquire(context.Context) (relay.Instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.instances[0]
	if len(s.instances) > 1 {
		s.instances = s.instances[1:]
	}
	p.leases.Add(1)
	return p, nil
}

func TestRelay_AnswersACallerWhoIsStillSendingWhenThePluginDies(t *testing.T) {
	for name, beginning := range map[string]int{"the plugin has all that was sent": 13, "the plugin takes no more": 240_000} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, raw(t, func(_ net.Conn, in *bufio.Reader) { _, _ = readHead(in) }))
			answer := h.send(t, "POST /api/demo/x HTTP/1.1\r\nHost: x\r\nAuthorization: "+httpxtest.Guest+"\r\nContent-Length: 250000\r\n\r\n"+strings.Repeat("x", beginning))
			if !strings.HasPrefix(answer, "HTTP/1.1 503 ") || !strings.Contains(answer, "its process ended or closed the connection") {
				t.Errorf("%q", answer)
			}
		})
	}
}

func TestRelay_DoesNotRepeatForEver(t *testing.T) {
	var asked sync.Map
	h := newHost(t, raw(t, func(_ net.Conn, in *bufio.Reader) {
		head, _ := readHead(in)
		n, _ := asked.LoadOrStore("n", 0)
		asked.Store("n", n.(int)+strings.Count(head, "GET"))
	}))
	if status, _ := h.get(t); status != 503 {
		t.Error(status)
	}
	if n, _ := asked.Load("n"); n != 2 {
		t.Errorf("sent %v times", n)
	}
}

func TestRelay_KeepsConnectionsOfOneProcessOnly(t *testing.T) {
	first, second := serve(t, http.HandlerFunc(sayLine)), serve(t, http.HandlerFunc(sayLine))
	h := newHost(t, first)
	for range 5 {
		h.get(t)
	}
	h.plugin.become(second, nil)
	for range 5 {
		h.get(t)
	}
	if first.dials.Load() != 1 || second.dials.Load() != 1 {
		t.Error(first.dials.Load(), second.dials.Load())
	}
}

func TestRelay_BoundsWhatOnePluginKeepsBusy(t *testing.T) {
	begun, finish := make(chan struct{}, 10), make(chan struct{})
	h := newHost(t, serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-finish })),
		func(o *relay.Options, _ *httpx.Feature) {
			o.Limits.InFlight, o.Limits.Queued, o.Limits.QueueWait = 2, 1, time.Hour
		})
	answers := make(chan int, 10)
	ask := func() {
		go func() {
			res, err := h.try(t.Context(), "GET", "/x", nil)
			if err != nil {
				t.Error(err)
				answers <- 0
				return
			}
			_ = res.Body.Close()
			answers <- res.StatusCode
		}()
	}
	ask()
	ask()
	<-begun
	<-begun
	ask()
	for h.relay.Stats().Queued != 1 {
		time.Sleep(time.Millisecond)
	}
	res := h.do(t, "GET", "/x", nil)
	if body := httpxtest.Body(t, res); res.StatusCode != 503 || res.Header.Get("Retry-After") != "1" || !strings.Contains(body, "Plugin 'demo' is busy: it is answering 2 requests") {
		t.Error(res.StatusCode, body)
	}
	close(finish)
	for range 3 {
		if status := <-answers; status != 200 {
			t.Error(status)
		}
	}
	if s := h.relay.Stats(); s.Refused != 1 {
		t.Errorf("%+v", s)
	}
}

func TestRelay_EventStreamsDoNotTakeThePlaceOfRequests(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/events" {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})), func(o *relay.Options, _ *httpx.Feature) {
		o.Limits.InFlight, o.Limits.Queued, o.Limits.Answers = 1, 1, 3
	})
	for range 2 {
		h.do(t, "GET", "/events", nil)
	}
	if status, _ := h.get(t); status != 200 {
		t.Error(status)
	}
	h.do(t, "GET", "/events", nil)
	if status, body := h.get(t); status != 503 || !strings.Contains(body, "3 of its answers") {
		t.Error(status, body)
	}
	h.edge.ShuttingDown() // ends them
}

func TestRelay_EventStreamsEndWithTheCredentialsAndWhenTheyStandStill(t *testing.T) {
	forever := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for name, change := range map[string]func(*relay.Options, *httpx.Feature){
		"credentials": func(o *relay.Options, _ *httpx.Feature) {
			o.Expires = func(*principal.Principal) time.Time { return time.Now().Add(20 * time.Millisecond) }
		},
		"lifetime": func(o *relay.Options, _ *httpx.Feature) { o.Limits.Lifetime = 20 * time.Millisecond },
		"idle":     func(o *relay.Options, _ *httpx.Feature) { o.Limits.Idle = 20 * time.Millisecond },
	} {
		h := newHost(t, serve(t, forever), change)
		if status, body := h.get(t); status != 200 || body != "data: 1\n\n" {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
}

func TestRelay_LetsGoWhenTheCallerLeaves(t *testing.T) {
	begun, over := make(chan struct{}), make(chan struct{})
	h := newHost(t, serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(over)
	})))
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-begun; leave() }()
	if res, err := h.try(ctx, "GET", "/x", nil); err == nil {
		_ = res.Body.Close()
		t.Error(res.StatusCode)
	}
	<-over
	for h.relay.Stats().InFlight != 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestRelay_RefusesToEchoWhatTheHostAdds(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(sayLine)))
	if res := h.do(t, "TRACE", "/x", nil); res.StatusCode != 501 {
		t.Error(res.StatusCode)
	}
}

func TestRelay_SwapsUnderLoadLoseNothing(t *testing.T) {
	h := newHost(t, serve(t, http.HandlerFunc(sayLine)))
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	var served atomic.Int64
	for range 4 {
		callers.Go(func() {
			for ctx.Err() == nil {
				res, err := h.try(t.Context(), "GET", "/x", nil)
				if err != nil || res.StatusCode != 200 {
					t.Error(res, err)
					return
				}
				_ = res.Body.Close()
				served.Add(1)
			}
		})
	}
	for range 20 {
		began := served.Load()
		old := h.plugin.now
		h.plugin.become(serve(t, http.HandlerFunc(sayLine)), nil)
		for old.leases.Load() != 0 || served.Load() < began+10 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
	}
	stop()
	callers.Wait()
}
