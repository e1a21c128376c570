package signals

import (
	"bufio"
	"context"
	"errors"
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
	"go.uber.org/goleak"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// people believes tokens: "ada" is user:default/ada, member of group:default/keepers; "service" is no user.
type people struct{ expires time.Time }

func (p people) Identify(_ context.Context, token string) (Identity, error) {
	switch token {
	case "bad":
		return Identity{}, errors.New("illegal token")
	case "service":
		return Identity{}, nil
	}
	ref := "user:default/" + token
	return Identity{User: ref, Ownership: []string{ref, "group:default/keepers"}, Expires: p.expires}, nil
}

type stage struct {
	*Hub
	url string
}

func newStage(t *testing.T, o Options) *stage {
	t.Helper()
	if o.Identities == nil {
		o.Identities = people{}
	}
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	hub := NewHub(o)
	edge := httpxtest.New(t)
	Routes(edge.Feature(Feature()), hub)
	server := httptest.NewServer(edge)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		hub.Close(ctx)
	})
	return &stage{Hub: hub, url: server.URL}
}

type page struct {
	*websocket.Conn
	t *testing.T
}

func (s *stage) open(t *testing.T, token string) *page {
	t.Helper()
	o := &websocket.DialOptions{}
	if token != "" {
		o.Subprotocols = []string{token}
	}
	ws, res, err := websocket.Dial(t.Context(), s.url+"/api/signals", o)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Sec-WebSocket-Protocol"); got != token {
		t.Errorf("subprotocol %q, want the token %q", got, token)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &page{ws, t}
}

func (p *page) send(text string) {
	p.t.Helper()
	if err := p.Write(p.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) subscribe(channel string) {
	p.t.Helper()
	p.send(`{"action":"subscribe","channel":"` + channel + `"}`)
}

// settle waits until the hub has handled everything that was sent: the answer to a ping comes after it.
func (p *page) settle(s *stage) {
	p.t.Helper()
	mark := fmt.Sprintf("settled-%p-%d", p, time.Now().UnixNano())
	p.subscribe(mark)
	for !s.isSubscribed(mark) {
		if p.t.Context().Err() != nil {
			p.t.Fatal("the hub does not read")
		}
		time.Sleep(time.Millisecond)
	}
	p.send(`{"action":"unsubscribe","channel":"` + mark + `"}`)
}

func (h *Hub) isSubscribed(channel string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.byChannel[channel]) > 0
}

func (p *page) receive() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	_, b, err := p.Read(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

// end waits for the connection to end and says how.
func (p *page) end() (websocket.StatusCode, string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	for {
		_, _, err := p.Read(ctx)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			p.t.Fatal("the connection does not end")
		}
		if closed, ok := errors.AsType[websocket.CloseError](err); ok {
			return closed.Code, closed.Reason
		}
		return -1, err.Error()
	}
}

func TestPublish_ReachesThoseWhoAreMeant(t *testing.T) {
	s := newStage(t, Options{})
	ada, bob, nobody := s.open(t, "ada"), s.open(t, "bob"), s.open(t, "")
	for _, p := range []*page{ada, bob, nobody} {
		p.subscribe("notifications")
		p.settle(s)
	}
	publish := func(r Recipients, channel string, n int) {
		s.Publish(t.Context(), Message{Recipients: r, Channel: channel, Payload: map[string]int{"n": n}})
	}
	publish(Users("user:default/ada"), "notifications", 1)
	publish(Users("user:default/bob", "group:default/keepers"), "notifications", 2)
	publish(Users("user:default/guest"), "notifications", 3)
	publish(Users("user:default/nobody"), "notifications", 4)
	publish(Users(), "notifications", 5)
	publish(Everybody(), "other", 6)
	publish(Everybody(), "notifications", 7)
	for p, want := range map[*page][]int{ada: {1, 2, 7}, bob: {2, 7}, nobody: {3, 7}} {
		for _, n := range want {
			if got := p.receive(); got != fmt.Sprintf(`{"channel":"notifications","message":{"n":%d}}`, n) {
				t.Errorf("got %s, want message %d", got, n)
			}
		}
	}
}

func TestConnection_HearsNothingAfterUnsubscribing(t *testing.T) {
	s := newStage(t, Options{})
	p := s.open(t, "ada")
	p.subscribe("a")
	p.subscribe("b")
	p.send(`{"action":"unsubscribe","channel":"a"}`)
	p.send(`{"action":"unsubscribe","channel":"never subscribed"}`)
	p.settle(s)
	s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "a", Payload: 1})
	s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "b", Payload: 2})
	if got := p.receive(); got != `{"channel":"b","message":2}` {
		t.Error(got)
	}
}

func TestConnection_SurvivesWhatItDoesNotUnderstand(t *testing.T) {
	s := newStage(t, Options{})
	p := s.open(t, "ada")
	for _, text := range []string{"text", "", "null", "[]", `{"action":"nope","channel":"x"}`, `{"action":"subscribe"}`,
		`{"action":["subscribe"],"channel":{}}`, `{"action":"subscribe","channel":"` + strings.Repeat("x", maxChannelName+1) + `"}`} {
		p.send(text)
	}
	if err := p.Write(t.Context(), websocket.MessageBinary, []byte(`{"action":"subscribe","channel":"binary"}`)); err != nil {
		t.Fatal(err)
	}
	p.subscribe("notifications")
	p.settle(s)
	if s.isSubscribed("binary") {
		t.Error("a binary frame was obeyed")
	}
	s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "notifications", Payload: "still here"})
	if got := p.receive(); !strings.Contains(got, "still here") {
		t.Error(got)
	}
}

func TestUpgrade_AsksForTheToken(t *testing.T) {
	s := newStage(t, Options{})
	for _, c := range []struct {
		why, path, token string
		status           int
	}{
		{"no token: a guest", "/api/signals", "", 101},
		{"a user", "/api/signals", "ada", 101},
		{"a service is nobody in particular", "/api/signals", "service", 101},
		{"a bad token", "/api/signals", "bad", 401},
		{"another path", "/api/signals/x", "ada", 404},
		{"a trailing slash", "/api/signals/", "ada", 404},
	} {
		o := &websocket.DialOptions{}
		if c.token != "" {
			o.Subprotocols = []string{c.token}
		}
		ws, res, err := websocket.Dial(t.Context(), s.url+c.path, o)
		if res == nil || res.StatusCode != c.status {
			t.Errorf("%s: %v %v, want %d", c.why, res, err, c.status)
		}
		if err == nil {
			_ = ws.CloseNow()
			continue
		}
		if body, _ := io.ReadAll(res.Body); len(body) > 0 {
			t.Errorf("%s: body %s", c.why, body)
		}
	}
}

func TestPlainRequestsFindOnlyHealth(t *testing.T) {
	s := newStage(t, Options{})
	for path, want := range map[string]string{"/api/signals": "404 ", "/api/signals/health": `200 {"status":"ok"}`} {
		res, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if got := fmt.Sprint(res.StatusCode, " ", string(body)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestLimits_EndOnlyTheConnectionThatExceedsThem(t *testing.T) {
	s := newStage(t, Options{Limits: Limits{Channels: 3, FrameBytes: 200}})
	witness := s.open(t, "bob")
	witness.subscribe("x")
	witness.settle(s)
	greedy := s.open(t, "ada")
	for i := range 4 {
		greedy.subscribe(fmt.Sprint("c", i))
	}
	if code, reason := greedy.end(); code != websocket.StatusPolicyViolation || reason != "more than 3 channels" {
		t.Error(code, reason)
	}
	loud := s.open(t, "ada")
	loud.send(strings.Repeat("x", 201))
	if code, _ := loud.end(); code != websocket.StatusMessageTooBig {
		t.Error(code)
	}
	s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "x", Payload: 1})
	if got := witness.receive(); got == "" {
		t.Error("the other connection is gone too")
	}
}

func TestLimits_RefuseConnectionsBeyondThem(t *testing.T) {
	s := newStage(t, Options{Limits: Limits{Connections: 3, ConnectionsPerUser: 2}})
	refused := func(token, want string) {
		t.Helper()
		_, res, err := websocket.Dial(t.Context(), s.url+"/api/signals", &websocket.DialOptions{Subprotocols: []string{token}})
		if err == nil {
			t.Fatal("accepted")
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != 503 || !strings.Contains(string(body), want) {
			t.Error(res.StatusCode, string(body))
		}
	}
	first := s.open(t, "ada")
	s.open(t, "ada")
	refused("ada", "of one user: the limit is 2")
	s.open(t, "bob")
	refused("eve", "Too many signal connections: the limit is 3")
	_ = first.Close(websocket.StatusNormalClosure, "")
	for s.Connections() == 3 {
		time.Sleep(time.Millisecond)
	}
	s.waitForPlaces(2)
	s.open(t, "ada")
}

func (s *stage) waitForPlaces(taken int) {
	for {
		s.mu.Lock()
		n := s.reserved
		s.mu.Unlock()
		if n == taken {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// A page that takes nothing must not hold up the publisher, and ends up disconnected.
func TestPublish_CutsOffAPageThatDoesNotRead(t *testing.T) {
	s := newStage(t, Options{Limits: Limits{Queue: 4}})
	raw := rawPage(t, s)
	witness := s.open(t, "bob")
	witness.subscribe("flood")
	witness.settle(s)
	for !s.isSubscribed("deaf") {
		time.Sleep(time.Millisecond)
	}
	big := strings.Repeat("x", 1<<20)
	for i := 0; s.Connections() == 2 && i < 1000; i++ {
		s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "deaf", Payload: big})
	}
	for s.Connections() == 2 {
		time.Sleep(time.Millisecond)
	}
	s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "flood", Payload: 1})
	if got := witness.receive(); got != `{"channel":"flood","message":1}` {
		t.Error(got)
	}
	_ = raw.Close()
}

// rawPage subscribes to "deaf" by hand and then neither reads nor answers pings.
func rawPage(t *testing.T, s *stage) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = io.WriteString(conn, "GET /api/signals HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatal(res, err)
	}
	text := `{"action":"subscribe","channel":"deaf"}`
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...) // masked with zeros
	if _, err := conn.Write(frame); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestPing_EndsConnectionsThatDoNotAnswer(t *testing.T) {
	s := newStage(t, Options{Ping: 20 * time.Millisecond})
	conn := rawPage(t, s)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) {
		t.Error("still open")
	}
}

func TestConnection_EndsWithItsToken(t *testing.T) {
	s := newStage(t, Options{Identities: people{expires: time.Now().Add(30 * time.Millisecond)}})
	if code, reason := s.open(t, "ada").end(); code != websocket.StatusPolicyViolation || reason != "the token has expired" {
		t.Error(code, reason)
	}
}

func TestClose_SaysGoodbyeAndRefusesWhoComesLater(t *testing.T) {
	s := newStage(t, Options{})
	p := s.open(t, "ada")
	p.settle(s)
	closed := make(chan struct{})
	go func() { defer close(closed); s.Close(t.Context()) }()
	if code, _ := p.end(); code != websocket.StatusGoingAway {
		t.Error(code)
	}
	<-closed
	_, res, err := websocket.Dial(t.Context(), s.url+"/api/signals", nil)
	if err == nil || res.StatusCode != 503 {
		t.Error(res, err)
	}
	s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "x", Payload: 1})
}

func TestPublish_DropsWhatCannotBeWritten(t *testing.T) {
	s := newStage(t, Options{})
	p := s.open(t, "ada")
	p.subscribe("x")
	p.settle(s)
	s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "x", Payload: make(chan int)})
	s.Publish(t.Context(), Message{Recipients: Everybody(), Channel: "x", Payload: 2})
	if got := p.receive(); got != `{"channel":"x","message":2}` {
		t.Error(got)
	}
}

func TestReadLimits(t *testing.T) {
	cfg := config.FromYAML("callboard: {signals: {maxConnections: 5, maxChannels: 7}}")
	if l := ReadLimits(cfg.Section("callboard.signals")); l != (Limits{Connections: 5, Channels: 7}) || cfg.Err() != nil {
		t.Error(l, cfg.Err())
	}
	bad := config.FromYAML("callboard: {signals: {maxQueue: 0}}")
	ReadLimits(bad.Section("callboard.signals"))
	if bad.Err() == nil {
		t.Error("0 is accepted")
	}
}

func FuzzParseAction(f *testing.F) {
	for _, s := range []string{`{"action":"subscribe","channel":"x"}`, `{"action":"unsubscribe","channel":"x"}`, `{`, `[1]`, `{"channel":{"a":1}}`, "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		a, ok := parseAction(frame)
		if ok && (a.channel == "" || len(a.channel) > maxChannelName || a.verb != subscribe && a.verb != unsubscribe) {
			t.Fatalf("accepted %+v", a)
		}
	})
}
