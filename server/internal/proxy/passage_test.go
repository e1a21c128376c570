package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

func TestBodies_StreamBothWays(t *testing.T) {
	arrived := make(chan string)
	r := start(t, openEndpoint+`}}}`, func(w http.ResponseWriter, in *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		lines := bufio.NewScanner(in.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for lines.Scan() {
			arrived <- lines.Text()
			_, _ = fmt.Fprintf(w, "data: %s\n\n", lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
	})
	body, sending := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+"/api/proxy/x", body)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan *http.Response, 1)
	go func() {
		res, err := r.client.Do(req)
		if err != nil {
			t.Error(err)
		}
		answered <- res
	}()
	_, _ = io.WriteString(sending, "one\n")
	if got := <-arrived; got != "one" { // before the body has ended
		t.Fatal(got)
	}
	_ = sending.Close()
	res := <-answered
	defer res.Body.Close()
	event, err := bufio.NewReader(res.Body).ReadString('\n')
	if err != nil || event != "data: one\n" || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q %v %v", event, err, res.Header)
	}
}

func TestEvents_ArriveBeforeTheStreamEndsAndEndWithTheHost(t *testing.T) {
	ending, end := context.WithCancel(context.Background())
	defer end()
	r := start(t, openEndpoint+`}}}`, func(w http.ResponseWriter, in *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n")
		_ = http.NewResponseController(w).Flush()
		<-in.Context().Done()
	}, func(o *Options) { o.Ending = ending })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+"/api/proxy/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	events := bufio.NewReader(res.Body)
	if event, err := events.ReadString('\n'); err != nil || event != "data: one\n" {
		t.Fatalf("%q %v", event, err)
	}
	end()
	_, _ = io.Copy(io.Discard, events) // returns
}

func TestBodies_AreLimited(t *testing.T) {
	r := start(t, "callboard: {proxy: {maxBodyBytes: 10}}\n"+openEndpoint+`}}}`, nil)
	if res, body := r.do(t, http.MethodPost, "/x", "0123456789"); res.StatusCode != 200 {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, body := r.do(t, http.MethodPost, "/x", "0123456789a"); res.StatusCode != 413 {
		t.Errorf("told length: %d %s", res.StatusCode, body)
	}
	chunked := "POST /api/proxy/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n"
	if status, _ := r.rawRequest(t, chunked); status != 413 {
		t.Errorf("chunks: %d", status)
	}
}

func TestTargets_ThatDoNotAnswer(t *testing.T) {
	silent := func(_ http.ResponseWriter, in *http.Request) { <-in.Context().Done() }
	r := start(t, `proxy: {endpoints: {/slow: {target: TARGET, credentials: dangerously-allow-unauthenticated, proxyTimeout: 20}}}`, silent)
	if status, body := r.get(t, "/slow/a?b=c"); status != 504 || body != "Error occurred while trying to proxy: "+strings.TrimPrefix(r.base, "http://")+"/a?b=c" {
		t.Errorf("slow: %d %q", status, body)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	defer secure.Close()
	for target, want := range map[string]int{gone.URL: 504, speaking(t, "SSH-2.0-x\r\n"): 502, speaking(t, ""): 504, secure.URL: 500,
		speaking(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 80<<10)+"\r\n\r\n"): 502} {
		r := start(t, "proxy: {endpoints: {/a: {target: '"+target+"', credentials: dangerously-allow-unauthenticated}}}", nil)
		res, body := r.do(t, http.MethodGet, "/a/<b>", "")
		if res.StatusCode != want || !strings.HasPrefix(body, "Error occurred while trying to proxy: ") || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %q %v, want %d", target, res.StatusCode, body, res.Header, want)
		}
	}
	trusting := start(t, "proxy: {endpoints: {/a: {target: '"+secure.URL+"', credentials: dangerously-allow-unauthenticated, secure: false}}}", nil)
	if status, body := trusting.get(t, "/a"); status != 404 {
		t.Errorf("secure: false: %d %s", status, body)
	}
}

// speaking is the URL of a server that reads something, says text, and closes.
func speaking(t *testing.T, text string) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return "http://" + ln.Addr().String()
}

func TestAnswers_ThatBreakOffOrStandStillAreCut(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"stands still": func(w http.ResponseWriter, in *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			<-in.Context().Done()
		},
	} {
		registry := prometheus.NewRegistry()
		r := start(t, "callboard: {proxy: {idleTimeout: 50ms}}\n"+openEndpoint+`}}}`, handler, func(o *Options) { o.Metrics = registry })
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+"/api/proxy/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.client.Do(req)
		if err == nil { // else it was cut before the header left
			if body, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("%s: %q looks complete", name, body)
			}
			_ = res.Body.Close()
		}
		for deadline := time.Now().Add(time.Minute); !strings.Contains(gathered(t, registry), `"broken"`); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not among the metrics\n%s", name, gathered(t, registry))
			}
		}
	}
}

func gathered(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		fmt.Fprintln(&text, f)
	}
	return text.String()
}

func TestBusyEndpoints_RefuseAndOthersGoOn(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	registry := prometheus.NewRegistry()
	r := start(t, `
callboard: {proxy: {maxInFlight: 1}}
proxy:
  endpoints:
    /slow: {target: 'TARGET/slow', credentials: dangerously-allow-unauthenticated}
    /fast: {target: 'TARGET/fast', credentials: dangerously-allow-unauthenticated}`, func(_ http.ResponseWriter, in *http.Request) {
		if strings.HasPrefix(in.URL.Path, "/slow") {
			inside <- struct{}{}
			<-leave
		}
	}, func(o *Options) { o.Metrics = registry })
	first := make(chan int)
	go func() { status, _ := r.get(t, "/slow"); first <- status }()
	<-inside
	res, body := r.do(t, http.MethodGet, "/slow", "")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "1" || !strings.Contains(body, "is busy") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if status, _ := r.get(t, "/fast"); status != 200 {
		t.Errorf("another endpoint: %d", status)
	}
	close(leave)
	if status := <-first; status != 200 {
		t.Errorf("the first: %d", status)
	}
	all := gathered(t, registry)
	for _, want := range []string{"callboard_proxy_requests_total", "callboard_proxy_target_duration_seconds", "callboard_proxy_requests_in_flight", `"busy"`, `"answered"`, `"/slow"`} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not among the metrics", want)
		}
	}
}

func TestWebSockets_PassWhereTheyAreConfigured(t *testing.T) {
	echo := func(w http.ResponseWriter, in *http.Request) {
		ws, err := websocket.Accept(w, in, nil)
		if err != nil {
			return
		}
		defer ws.CloseNow()
		kind, data, err := ws.Read(in.Context())
		if err == nil {
			_ = ws.Write(in.Context(), kind, data)
		}
	}
	r := start(t, openEndpoint+`, ws: true}, /plain: {target: TARGET, credentials: dangerously-allow-unauthenticated}, /asking: {target: TARGET, ws: true}}}`, echo)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, r.base+"/api/proxy/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := ws.Read(ctx); err != nil || string(data) != "hello" {
		t.Errorf("%q %v", data, err)
	}
	_ = ws.CloseNow()
	const upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	if status, _ := r.raw(t, "GET", "/plain", strings.Replace(upgrade, "Upgrade:", "Connection: upgrade\r\nUpgrade:", 1)); status == 101 || r.target.last().Header["Upgrade"] != nil {
		t.Errorf("an endpoint without ws: %d", status)
	}
	if status, _ := r.raw(t, "GET", "/asking", upgrade); status != 401 {
		t.Errorf("without credentials: %d", status)
	}
}
