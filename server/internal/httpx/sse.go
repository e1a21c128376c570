package httpx

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// Events is an open event stream (text/event-stream). Its methods may be called from several goroutines.
type Events struct {
	ctx  context.Context //nolint:containedctx // the stream is the request
	x    *exchange
	mu   sync.Mutex
	err  error
	last string
	line bytes.Buffer
}

// Event is one message of a stream; empty fields are left out.
type Event struct {
	ID, Name string
	Data     []byte
	Retry    time.Duration
}

// Stream answers c with an event stream: run sends until it returns or the caller is gone (Events.Context). A comment
// line every heartbeat keeps proxies from closing a quiet stream and notices callers that have left; 0 = none.
func Stream(c *gin.Context, heartbeat time.Duration, run func(*Events) error) error {
	ctx, cancel := context.WithCancel(c.Request.Context())
	defer cancel()
	x := exchangeOf(c)
	defer context.AfterFunc(x.server.ending, cancel)()
	e := &Events{ctx: ctx, x: x, last: c.Request.Header.Get("Last-Event-ID")}
	h := e.x.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("Connection", "keep-alive")
	addVaryEncoding(h) // as if the events were compressed, which the reference does
	e.x.WriteHeader(http.StatusOK)
	if err := e.x.FlushError(); err != nil {
		return nil // the caller is gone, nobody can be told
	}
	var beats sync.WaitGroup
	if heartbeat > 0 {
		beats.Go(func() { e.beat(heartbeat, cancel) })
	}
	err := run(e)
	cancel()
	beats.Wait()
	if e.err != nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Context ends when the caller is gone, the stream is over, or the server shuts down.
func (e *Events) Context() context.Context { return e.ctx }

// LastID is the id of the last event that the caller has seen before it reconnected; "" = none.
func (e *Events) LastID() string { return e.last }

// Send writes one event at once. Its error means that the caller is gone.
func (e *Events) Send(ev Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.line.Reset()
	e.field("event", ev.Name)
	e.field("id", ev.ID)
	if ev.Retry > 0 {
		e.field("retry", strconv.FormatInt(ev.Retry.Milliseconds(), 10))
	}
	for part := range bytes.Lines(ev.Data) {
		e.line.WriteString("data: ")
		e.line.Write(bytes.TrimRight(part, "\r\n"))
		e.line.WriteByte('\n')
	}
	e.line.WriteByte('\n')
	return e.flush()
}

// field drops line breaks: an id or name that carries one could otherwise forge events.
func (e *Events) field(name, value string) {
	if value == "" {
		return
	}
	e.line.WriteString(name + ": " + strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(value) + "\n")
}

func (e *Events) flush() error {
	if e.err == nil {
		_, e.err = e.x.Write(e.line.Bytes())
	}
	if e.err == nil {
		e.err = e.x.FlushError()
	}
	return e.err
}

func (e *Events) beat(every time.Duration, gone context.CancelFunc) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-tick.C:
		}
		e.mu.Lock()
		e.line.Reset()
		e.line.WriteString(": \n\n")
		err := e.flush()
		e.mu.Unlock()
		if err != nil {
			gone()
			return
		}
	}
}
