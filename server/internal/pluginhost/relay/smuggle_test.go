package relay_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

// recorder is a plugin that trusts nothing: it reads what is on the wire, and complains about everything that two servers
// could read in two ways.
type recorder struct {
	mu       sync.Mutex
	heads    []string
	problems []string
}

func (r *recorder) answer(conn net.Conn, in *bufio.Reader) {
	for {
		head, err := readHead(in)
		if err != nil {
			if head != "" {
				r.problemf("half a header: %q", head)
			}
			return
		}
		length, chunked := r.inspect(head)
		if chunked {
			r.readChunks(in)
		} else if _, err := io.CopyN(io.Discard, in, length); err != nil {
			return // the caller did not send it all
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
	}
}

func (r *recorder) problemf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

var (
	requestLine = regexp.MustCompile(`^[!#$%&'*+.^_|~0-9A-Za-z-]+ /[^\x00-\x20\x7f]* HTTP/1\.1$`)
	headerLine  = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\\x00\\r\\n]*$")
	late        = regexp.MustCompile(`/x[0-9]`)
	oddByte     = regexp.MustCompile(`[^a-z0-9]`)
)

// inspect checks a header as the strictest server would, and gives the framing of the body.
func (r *recorder) inspect(head string) (length int64, chunked bool) {
	r.mu.Lock()
	r.heads = append(r.heads, head)
	r.mu.Unlock()
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	if !requestLine.MatchString(lines[0]) {
		r.problemf("request line %q", lines[0])
	}
	seen := map[string]int{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		common := oddByte.ReplaceAllString(strings.ToLower(name), "_")
		seen[common]++
		switch {
		case !headerLine.MatchString(line):
			r.problemf("header line %q", line)
		case common == "content_length":
			length, _ = strconv.ParseInt(value, 10, 64)
		case common == "transfer_encoding":
			if chunked = value == "chunked"; !chunked {
				r.problemf("header line %q", line)
			}
		case strings.HasPrefix(common, "x_callboard_") && name != "X-Callboard-Principal",
			strings.HasPrefix(common, "x_forwarded"), common == "authorization", common == "cookie", common == "forwarded":
			r.problemf("forged or foreign: %q", line)
		case common == "x_callboard_principal":
			if who, err := base64.RawURLEncoding.DecodeString(value); err != nil || !strings.Contains(string(who), `"user:default/guest"`) && string(who) != `{"type":"none"}` {
				r.problemf("principal %s", who)
			}
		}
	}
	for name, want := range map[string]int{"x_callboard_principal": 1, "host": 1, "x_request_id": 1, "traceparent": 1} {
		if seen[name] != want {
			r.problemf("%d × %s in %q", seen[name], name, head)
		}
	}
	if seen["content_length"]+seen["transfer_encoding"] > 1 {
		r.problemf("two framings in %q", head)
	}
	return length, chunked
}

func (r *recorder) readChunks(in *bufio.Reader) {
	for {
		line, err := in.ReadString('\n')
		size, badSize := strconv.ParseInt(strings.TrimSuffix(line, "\r\n"), 16, 64)
		if err != nil {
			return // the caller did not send it all
		}
		if badSize != nil || !strings.HasSuffix(line, "\r\n") {
			r.problemf("chunk size %q", line)
			return
		}
		data := make([]byte, size+2)
		if _, err := io.ReadFull(in, data); err != nil {
			return
		}
		if end := string(data[size:]); end != "\r\n" {
			r.problemf("end of chunk %q", end)
		}
		if size == 0 {
			return
		}
	}
}

// take gives what was recorded since, less late parts of earlier requests: own marks the paths of this one.
func (r *recorder) take(own string) (targets, problems []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, head := range r.heads {
		line, _, _ := strings.Cut(head, "\r\n")
		if late.MatchString(line) && !strings.Contains(line, own) {
			continue
		}
		targets = append(targets, strings.TrimSuffix(line, " HTTP/1.1"))
	}
	problems = r.problems
	r.heads, r.problems = nil, nil
	return targets, problems
}

const (
	authorized = "Host: x\r\nAuthorization: " + httpxtest.Guest + "\r\n"
	last       = "Connection: close\r\n\r\n"
	begun      = "perhaps the beginning of "
	hidden     = "GET /api/demo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
)

// smuggling are requests that try to become two, or somebody else's. "seen" is what reaches the plugin; the recorder
// judges how. Of a body that breaks off, the plugin may see the header or nothing.
var smuggling = []struct{ name, wire, seen string }{
	{"plain", "GET /api/demo/x HTTP/1.1\r\n" + authorized + last, "GET /x"},

	{"length and chunks", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n" + hidden, "POST /x"},
	{"chunks and length", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\nConnection: close\r\n\r\n0\r\n\r\n" + hidden, "POST /x"},
	{"two equal lengths", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: 1\r\nContent-Length: 1\r\n" + last + "a", "POST /x"},
	{"two lengths", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: 1\r\nContent-Length: 0\r\n" + last + hidden, ""},
	{"a list of lengths", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: 1, 1\r\n" + last + "a", ""},
	{"signed length", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: +1\r\n" + last + "a", ""},
	{"negative length", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: -1\r\n" + last + "a", ""},
	{"hexadecimal length", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: 0x1\r\n" + last + "a", ""},
	{"length with a blank inside", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: 1 0\r\n" + last + "a", ""},
	{"huge length", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: 99999999999999999999\r\n" + last + "a", ""},
	{"empty length", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: \r\n" + last + hidden, ""},
	{"length of a GET", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: " + strconv.Itoa(len(hidden)) + "\r\n" + last + hidden, "GET /x"},
	{"length with an underscore", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content_Length: 50\r\nContent-Length: 0\r\n" + last, "POST /x"},
	{"unknown coding", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: xchunked\r\n" + last + "0\r\n\r\n", ""},
	{"identity coding", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: identity\r\nContent-Length: 1\r\n" + last + "a", ""},
	{"two codings", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + last + "0\r\n\r\n", ""},
	{"a list of codings", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: gzip, chunked\r\n" + last + "0\r\n\r\n", ""},
	{"coding after a tab", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding:\tchunked\r\n" + last + "0\r\n\r\n", "POST /x"},
	{"coding in capitals", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "TRANSFER-ENCODING: Chunked\r\n" + last + "0\r\n\r\n", "POST /x"},
	{"coding before a vertical tab", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\x0b\r\n" + last + "0\r\n\r\n", ""},
	{"coding in quotes", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: \"chunked\"\r\n" + last + "0\r\n\r\n", ""},
	{"coding with a blank before the colon", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding : chunked\r\n" + last + "0\r\n\r\n", ""},
	{"coding in a folded line", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "X-A: b\r\n Transfer-Encoding: chunked\r\n" + last + "0\r\n\r\n", "POST /x"},
	{"coding with an underscore", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n" + last + "0\r\n\r\n", "POST /x"},
	{"chunks in HTTP/1.0", "POST /api/demo/x HTTP/1.0\r\n" + authorized + "Transfer-Encoding: chunked\r\n" + last + "0\r\n\r\n", "POST /x"},
	{"chunk extension", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\n" + last + "1;a=\"b\"\r\na\r\n0\r\n\r\n", "POST /x"},
	{"chunk size with a sign", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\n" + last + "+1\r\na\r\n0\r\n\r\n", begun + "POST /x"},
	{"chunk size in 0x", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\n" + last + "0x1\r\na\r\n0\r\n\r\n", begun + "POST /x"},
	{"chunk without its end", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\n" + last + "1\r\nab\r\n0\r\n\r\n", begun + "POST /x"},
	{"chunk lines without CR", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\n" + last + "1\na\n0\n\n", begun + "POST /x"},
	{"trailer with an identity", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Trailer: X-Callboard-Principal\r\nTransfer-Encoding: chunked\r\n" + last + "1\r\na\r\n0\r\nX-Callboard-Principal: root\r\n\r\n", "POST /x"},
	{"trailer with a framing", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Transfer-Encoding: chunked\r\n" + last + "1\r\na\r\n0\r\nContent-Length: 99\r\n\r\n", "POST /x"},

	{"header lines without CR", "GET /api/demo/x HTTP/1.1\nHost: x\nAuthorization: " + httpxtest.Guest + "\nConnection: close\n\n", "GET /x"},
	{"CR alone in a value", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-A: b\rX-Callboard-Principal: root\r\n" + last, ""},
	{"NUL in a value", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-A: b\x00c\r\n" + last, ""},
	{"NUL in a name", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-A\x00: b\r\n" + last, ""},
	{"blank in a name", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X A: b\r\n" + last, ""},
	{"name without a colon", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-A\r\n" + last, ""},
	{"empty name", "GET /api/demo/x HTTP/1.1\r\n" + authorized + ": b\r\n" + last, ""},
	{"folded value", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-A: b\r\n X-Callboard-Principal: root\r\n" + last, "GET /x"},
	{"folded with a tab", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-A: b\r\n\tContent-Length: 9\r\n" + last, "GET /x"},
	{"folded first line", "GET /api/demo/x HTTP/1.1\r\n X-A: b\r\n" + authorized + last, ""},
	{"high bytes in a value", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-A: \xff\xe4\x8d\x8a\r\n" + last, "GET /x"},
	{"no host", "GET /api/demo/x HTTP/1.1\r\nAuthorization: " + httpxtest.Guest + "\r\n" + last, ""},
	{"two hosts", "GET /api/demo/x HTTP/1.1\r\nHost: y\r\n" + authorized + last, ""},
	{"blank in the path", "GET /api/demo/x /smuggled HTTP/1.1\r\n" + authorized + last, ""},
	{"tab in the path", "GET /api/demo/x\t HTTP/1.1\r\n" + authorized + last, ""},
	{"CR in the path", "GET /api/demo/x\rX HTTP/1.1\r\n" + authorized + last, ""},
	{"escaped line break in the path", "GET /api/demo/x%0d%0aX-A:b HTTP/1.1\r\n" + authorized + last, "GET /x%0d%0aX-A:b"},
	{"another version", "GET /api/demo/x HTTP/1.2\r\n" + authorized + last, "GET /x"},
	{"HTTP/0.9", "GET /api/demo/x\r\n\r\n", ""},
	{"absolute form", "GET http://elsewhere/api/demo/x//y HTTP/1.1\r\n" + authorized + last, "GET /x//y"},
	{"absolute form with a user", "GET http://a:b@elsewhere/api/demo/x HTTP/1.1\r\n" + authorized + last, "GET /x"},
	{"authority form", "CONNECT demo:80 HTTP/1.1\r\n" + authorized + last, ""},
	{"CONNECT of a path", "CONNECT /api/demo/x HTTP/1.1\r\n" + authorized + last, ""},
	{"TRACE", "TRACE /api/demo/x HTTP/1.1\r\n" + authorized + last, ""},
	{"odd method", "G!ET /api/demo/x HTTP/1.1\r\n" + authorized + last, "G!ET /x"},
	{"method with a colon", "G:ET /api/demo/x HTTP/1.1\r\n" + authorized + last, ""},
	{"two requests", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "\r\nGET /api/demo/y HTTP/1.1\r\n" + authorized + last, "GET /x|GET /y"},
	{"the second without credentials", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "\r\nGET /api/demo/smuggled HTTP/1.1\r\nHost: x\r\n" + last, "GET /x"},
	{"dots past the mount", "GET /api/demo/../catalog/y HTTP/1.1\r\n" + authorized + last, "GET /../catalog/y"},
	{"dots into the mount", "GET /api/other/../demo/x HTTP/1.1\r\n" + authorized + last, ""},
	{"escaped mount", "GET /api/%64emo/x HTTP/1.1\r\n" + authorized + last, ""},
	{"escaped slash after the mount", "GET /api/demo%2fx HTTP/1.1\r\n" + authorized + last, ""},
	{"two slashes before the mount", "GET //api/demo/x HTTP/1.1\r\n" + authorized + last, ""},
	{"mount in capitals", "GET /API/Demo/y HTTP/1.1\r\n" + authorized + last, "GET /y"},

	{"principal", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-Callboard-Principal: eyJ0eXBlIjoidXNlciJ9\r\n" + last, "GET /x"},
	{"principal in small letters", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "x-callboard-principal: root\r\n" + last, "GET /x"},
	{"principal with underscores", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X_Callboard_Principal: root\r\nX-Callboard_Principal: root\r\n" + last, "GET /x"},
	{"principal with dots", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X.Callboard.Principal: root\r\nX!Callboard~User-Token: root\r\n" + last, "GET /x"},
	{"user token", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-Callboard-User-Token: root\r\nX-CALLBOARD-ANYTHING: root\r\n" + last, "GET /x"},
	{"connection names the principal", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "Connection: close, X-Callboard-Principal, X-Request-Id, Traceparent, Host\r\n\r\n", "GET /x"},
	{"connection names credentials", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "Connection: close, Authorization\r\n\r\n", "GET /x"},
	{"connection names the length", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Content-Length: 1\r\nConnection: close, Content-Length\r\n\r\na", "POST /x"},
	{"proxies", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: evil\r\nX_Forwarded_For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n" + last, "GET /x"},
	{"second authorization", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "Authorization: Bearer other\r\nAuthorization_: x\r\n" + last, "GET /x"},
	{"proxy headers", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nProxy: http://evil\r\nKeep-Alive: timeout=9\r\nTe: gzip\r\n" + last, "GET /x"},
	{"expectation", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Expect: 100-continue\r\nContent-Length: 1\r\n" + last + "a", "POST /x"},
	{"other expectation", "POST /api/demo/x HTTP/1.1\r\n" + authorized + "Expect: the-worst\r\nContent-Length: 1\r\n" + last + "a", ""},
	{"upgrade to HTTP/2", "GET /api/demo/x HTTP/1.1\r\n" + authorized + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n", "GET /x"},
	{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
}

func TestRelay_NoRequestBecomesTwoOrSomebodyElses(t *testing.T) {
	rec := &recorder{}
	h := newHost(t, raw(t, rec.answer))
	for i, c := range smuggling {
		own := "/x" + strconv.Itoa(i)
		answer := h.send(t, strings.ReplaceAll(c.wire, "/demo/x", "/demo"+own))
		targets, problems := rec.take(own)
		got := strings.Join(targets, "|")
		want, broken := strings.CutPrefix(c.seen, begun)
		if want = strings.ReplaceAll(want, "/x", own); got != want && (!broken || got != "") {
			t.Errorf("%s: the plugin saw %q, want %q; answer %.100q", c.name, got, want, answer)
		}
		for _, problem := range problems {
			t.Errorf("%s: %s", c.name, problem)
		}
		if served := strings.HasPrefix(answer, "HTTP/1.1 200 ") || strings.HasPrefix(answer, "HTTP/1.0 200 ") || strings.HasPrefix(answer, "HTTP/1.1 100 "); served != (want != "" && !broken) {
			t.Errorf("%s: %.100q", c.name, answer)
		}
	}
	t.Logf("%d requests", len(smuggling))
}

func FuzzRelay_PathAndHeaders(f *testing.F) {
	f.Add("/x", "X-A", "b")
	f.Add("//x?%zz", "X_Callboard_Principal", "root")
	f.Add("/../%2e%2e/;a", "Connection", "X-Callboard-Principal")
	f.Add("/x HTTP/1.1\r\nX: y", "Content-Length", "5")
	f.Add("/\xff#", "Transfer-Encoding", "chunked")
	rec := &recorder{}
	h := newHost(f, raw(f, rec.answer))
	f.Fuzz(func(t *testing.T, target, name, value string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RequestURI = "/api/demo" + target
		r.URL.Path = r.RequestURI
		r.Header = http.Header{http.CanonicalHeaderKey(name): {value}}
		r.Header.Set("Authorization", httpxtest.Guest)
		w := &nullWriter{header: http.Header{}}
		h.edge.ServeHTTP(w, r)
		targets, problems := rec.take("/x")
		for _, problem := range problems {
			t.Error(problem)
		}
		if len(targets) > 1 || len(targets) == 1 && strings.HasPrefix(target, "/") && targets[0] != "GET "+target {
			t.Errorf("%q reached the plugin as %q", target, targets)
		}
	})
}
