package relay

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// upgrade joins the caller's connection with the plugin's. Only web sockets pass: another protocol, such as HTTP/2, could
// carry requests that the host does not see.
func (p *passage) upgrade(res *http.Response) error {
	if !p.socket || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		p.relay.count.failed.Add(1)
		return p.relay.unavailable(http.StatusBadGateway, "Plugin '%s' changed to a protocol that was not asked for", p.relay.plugin)
	}
	if err := p.takeAnswerPlace(); err != nil {
		return err
	}
	p.copyHeader(res)
	conn, buffered, err := http.NewResponseController(p.w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := p.accept(conn, buffered.Writer); err != nil {
		return nil // the caller is gone, nobody can be told
	}
	p.join(conn, buffered.Reader)
	return nil
}

// accept sends the header of the answer.
func (p *passage) accept(conn net.Conn, w *bufio.Writer) error {
	h := p.w.Header()
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	delete(h, "Content-Length")
	if err := conn.SetWriteDeadline(time.Now().Add(slowCaller)); err != nil {
		return err
	}
	if _, err := w.WriteString("HTTP/1.1 101 Switching Protocols\r\n"); err != nil {
		return err
	}
	if err := h.Write(w); err != nil {
		return err
	}
	if _, err := w.WriteString("\r\n"); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{})
}

// join copies both ways until one side ends, nothing has moved for too long, or time is up; then both sides are closed.
func (p *passage) join(conn net.Conn, fromCaller io.Reader) {
	backend := p.wire
	if err := backend.SetDeadline(time.Time{}); err != nil {
		return
	}
	closeBoth := sync.OnceFunc(func() { _ = conn.Close(); _ = backend.Close() })
	defer closeBoth()
	for _, ending := range []context.Context{p.relay.ending, p.in.Context()} {
		defer context.AfterFunc(ending, closeBoth)()
	}
	defer time.AfterFunc(p.lifetime(), closeBoth).Stop()
	idle := time.AfterFunc(p.relay.limits.Idle, closeBoth)
	defer idle.Stop()
	moved := func() { idle.Reset(p.relay.limits.Idle) }
	var there sync.WaitGroup
	there.Go(func() {
		defer closeBoth()
		_, _ = io.Copy(moving{backend.Conn, moved}, fromCaller) // its end, however it came, is the end of the web socket
	})
	_, _ = io.Copy(moving{conn, moved}, backend.in)
	closeBoth()
	there.Wait()
}

// moving tells of everything that is written.
type moving struct {
	io.Writer
	moved func()
}

func (m moving) Write(p []byte) (int, error) {
	n, err := m.Writer.Write(p)
	m.moved()
	return n, err
}
