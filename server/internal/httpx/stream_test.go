package httpx_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"

	"github.com/callboard/callboard/server/internal/httpx"
	"github.com/callboard/callboard/server/internal/httpx/httpxtest"
)

func insecureClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, //nolint:gosec // the certificate is made by the test
	}}
}

func request(tb testing.TB, url string, headers ...string) *http.Response {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Authorization", httpxtest.Guest)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = res.Body.Close(); http.DefaultClient.CloseIdleConnections() })
	return res
}

func TestStream_SendsEventsAtOnce(t *testing.T) {
	s := httpxtest.New(t)
	r := s.Feature(httpx.Feature{ID: "demo"})
	next := make(chan struct{})
	r.GET("/events", httpx.AnyPrincipal, func(c *gin.Context) error {
		return httpx.Stream(c, 0, func(e *httpx.Events) error {
			if err := e.Send(httpx.Event{ID: "7\nevent: forged", Name: "log", Data: []byte("a\nb\r\nevent: forged"), Retry: time.Second}); err != nil {
				return err
			}
			<-next
			return e.Send(httpx.Event{Data: []byte("after " + e.LastID())})
		})
	})
	server := httptest.NewServer(s)
	defer server.Close()
	res := request(t, server.URL+"/api/demo/events", "Last-Event-ID", "6", "Accept-Encoding", "gzip")
	if res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%v", res.Header)
	}
	in := bufio.NewReader(res.Body)
	const first = "event: log\nid: 7event: forged\nretry: 1000\ndata: a\ndata: b\ndata: event: forged\n\n"
	got := make([]byte, len(first))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != first {
		t.Fatalf("%q %v", got, err)
	}
	close(next)
	if rest, err := io.ReadAll(in); err != nil || string(rest) != "data: after 6\n\n" {
		t.Errorf("%q %v", rest, err)
	}
}

func TestStream_EndsWhenTheCallerLeaves(t *testing.T) {
	s := httpxtest.New(t)
	r := s.Feature(httpx.Feature{ID: "demo"})
	over := make(chan struct{})
	r.GET("/events", httpx.AnyPrincipal, func(c *gin.Context) error {
		defer close(over)
		return httpx.Stream(c, time.Millisecond, func(e *httpx.Events) error {
			<-e.Context().Done()
			return e.Context().Err()
		})
	})
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/demo/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", httpxtest.Guest)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	beat := make([]byte, 3)
	if _, err := io.ReadFull(res.Body, beat); err != nil || string(beat) != ": \n" {
		t.Errorf("heartbeat %q %v", beat, err)
	}
	leave()
	_ = res.Body.Close()
	<-over
}

func TestStream_EndsWithTheServer(t *testing.T) {
	s := httpxtest.New(t)
	r := s.Feature(httpx.Feature{ID: "demo"})
	r.GET("/events", httpx.AnyPrincipal, func(c *gin.Context) error {
		return httpx.Stream(c, 0, func(e *httpx.Events) error {
			<-e.Context().Done()
			return e.Context().Err()
		})
	})
	server := httptest.NewServer(s)
	defer server.Close()
	res := request(t, server.URL+"/api/demo/events")
	s.ShuttingDown()
	<-s.Ending()
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) != 0 {
		t.Errorf("%q %v", rest, err)
	}
}

func TestWebSocket_PassesTheEdge(t *testing.T) {
	s := httpxtest.New(t)
	r := s.Feature(httpx.Feature{ID: "signals"})
	r.GET("/", httpx.AnyPrincipal, func(c *gin.Context) error {
		conn, err := websocket.Accept(c.Writer, c.Request, nil)
		if err != nil {
			return nil // Accept has answered
		}
		defer conn.CloseNow()
		kind, message, err := conn.Read(c.Request.Context())
		if err != nil {
			return err
		}
		return conn.Write(c.Request.Context(), kind, append(message, '!'))
	})
	server := httptest.NewServer(s)
	defer server.Close()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(server.URL, "http", "ws", 1)+"/api/signals",
		&websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {httpxtest.Guest}}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("ahoy")); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := conn.Read(t.Context()); err != nil || string(answer) != "ahoy!" {
		t.Errorf("%q %v", answer, err)
	}
	if _, res, err := websocket.Dial(t.Context(), server.URL+"/api/signals", nil); err == nil || res == nil || res.StatusCode != 401 {
		t.Errorf("without credentials: %v %v", res, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestLargeAnswers_ArriveWhole(t *testing.T) {
	body := []byte(strings.Repeat("0123456789abcdef", 1<<16)) // 1 MB, in several writes with a deadline each
	s := httpxtest.New(t)
	r := s.Feature(httpx.Feature{ID: "demo"})
	r.GET("/large", httpx.AnyPrincipal, func(c *gin.Context) error {
		return httpx.Bytes(c, http.StatusOK, "text/plain", body, nil)
	})
	server := httptest.NewServer(s)
	defer server.Close()
	for _, coding := range []string{"identity", "gzip"} {
		res := request(t, server.URL+"/api/demo/large", "Accept-Encoding", coding)
		got, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if coding == "gzip" {
			got = []byte(decoded(t, coding, string(got)))
		}
		if string(got) != string(body) {
			t.Errorf("%s: %d bytes", coding, len(got))
		}
	}
}
