package relay_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
	"github.com/callboard/callboard/server/internal/pluginhost/relay"
	"github.com/callboard/callboard/server/internal/principal"
)

// socketEcho sends messages back, after one that says who calls.
var socketEcho = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	if conn.Write(r.Context(), websocket.MessageText, []byte(r.Header.Get("X-Callboard-Principal"))) != nil {
		return
	}
	for {
		kind, message, err := conn.Read(context.Background())
		if err != nil || string(message) == "bye" {
			_ = conn.Close(websocket.StatusNormalClosure, "bye")
			return
		}
		if conn.Write(context.Background(), kind, message) != nil {
			return
		}
	}
})

func (h *host) dial(t *testing.T) *websocket.Conn {
	t.Helper()
	conn, res, err := websocket.Dial(t.Context(), h.url+"/api/demo/socket", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {httpxtest.Guest}}, Subprotocols: []string{"chat"}, HTTPClient: client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	if res.Header.Get("Sec-Websocket-Protocol") != "chat" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error(res.Header)
	}
	if _, who, err := conn.Read(t.Context()); err != nil || len(who) < 20 {
		t.Fatalf("%s %v", who, err)
	}
	return conn
}

func TestWebSocket_PassesBothWaysAndKnowsTheCaller(t *testing.T) {
	p := serve(t, socketEcho)
	h := newHost(t, p)
	conn := h.dial(t)
	for _, message := range []string{"a", strings.Repeat("b", 20_000)} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := conn.Read(t.Context()); err != nil || string(got) != message {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if s := h.relay.Stats(); s.InFlight != 0 || s.Answers != 1 || p.leases.Load() != 1 {
		t.Errorf("%+v, %d leases", s, p.leases.Load())
	}
	_ = conn.Write(t.Context(), websocket.MessageText, []byte("bye"))
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Error(err)
	}
	for p.leases.Load() != 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestWebSocket_EndsWithCredentialsWithSilenceAndWithTheHost(t *testing.T) {
	never := func(*relay.Options, *httpx.Feature) {}
	for name, change := range map[string]func(*relay.Options, *httpx.Feature){
		"credentials": func(o *relay.Options, _ *httpx.Feature) {
			o.Expires = func(*principal.Principal) time.Time { return time.Now().Add(20 * time.Millisecond) }
		},
		"silence": func(o *relay.Options, _ *httpx.Feature) { o.Limits.Idle = 20 * time.Millisecond },
		"host":    never,
	} {
		p := serve(t, socketEcho)
		h := newHost(t, p, change)
		conn := h.dial(t)
		if name == "host" {
			h.edge.ShuttingDown()
		}
		if _, _, err := conn.Read(t.Context()); err == nil || !errors.Is(err, io.EOF) && websocket.CloseStatus(err) != -1 {
			t.Errorf("%s: %v", name, err)
		}
		for p.leases.Load() != 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func TestUpgrade_NothingButWebSocketsPasses(t *testing.T) {
	seen := make(chan http.Header, 1)
	h := newHost(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		if r.Header.Get("Upgrade") == "" {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI")
	})))
	const head = " HTTP/1.1\r\nHost: x\r\nAuthorization: " + httpxtest.Guest + "\r\n"
	for request, upgrades := range map[string]bool{
		"GET /api/demo/x" + head + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n":        false,
		"POST /api/demo/x" + head + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx":                               false,
		"GET /api/demo/x" + head + "Upgrade: websocket\r\n\r\n":                                                                             false,
		"GET /api/demo/x" + head + "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n":                                                 false,
		"GET /api/demo/x" + head + "Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n": true,
	} {
		conn := h.connect(t)
		_, _ = io.WriteString(conn, request)
		header := <-seen
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := header.Get("Upgrade"); (got == "websocket") != upgrades || got != "" && !upgrades || header.Get("Http2-Settings") != "" {
			t.Errorf("%q: %v", request, header)
		}
		if want := map[bool]int{true: 502, false: 200}[upgrades]; res.StatusCode != want {
			t.Errorf("%q: %d", request, res.StatusCode)
		}
	}
}
