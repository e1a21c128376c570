package relay

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// sending is a request's body on its way to the plugin, on a goroutine of its own: an answer may come before the body has
// ended.
type sending struct {
	passage *passage
	wire    *wire
	done    chan struct{}
	err     error       // after done
	failed  atomic.Bool // the caller's body ended before its end
	heard   atomic.Bool // the answer has begun
}

func (p *passage) sendBody(length int64) *sending {
	s := &sending{passage: p, wire: p.wire, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		buffer := p.relay.buffers.Get().(*[copySize]byte) //nolint:forcetypeassert // the pool makes nothing else
		defer p.relay.buffers.Put(buffer)
		s.err = s.wire.writeBody(s, length, buffer[:])
	}()
	return s
}

// Read reads the caller's body; while it moves, the plugin is given more time.
func (s *sending) Read(b []byte) (int, error) {
	n, err := s.passage.in.Body.Read(b)
	if n > 0 && !s.heard.Load() {
		s.passage.extendUntil(time.Now().Add(s.passage.relay.limits.RequestTimeout))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed.Store(true)
		s.passage.abort(errBody) // the plugin waits for the rest
	}
	return n, err
}

var errBody = errors.New("the caller's body ended before its end")

// sent reports whether everything was sent.
func (s *sending) sent() bool {
	select {
	case <-s.done:
		return s.err == nil
	default:
		return false
	}
}

// sentSoon gives a body that is nearly sent the time to be, when the answer is complete before it: else both connections
// would be lost.
func (s *sending) sentSoon() bool {
	if s.sent() {
		return true
	}
	soon := time.NewTimer(100 * time.Millisecond)
	defer soon.Stop()
	select {
	case <-s.done:
	case <-soon.C:
	}
	return s.sent()
}

// stop waits for the goroutine, after the connection to the plugin was closed. It may be waiting for the caller, who may
// never send the rest; and so would net/http before it answers.
func (s *sending) stop() {
	if s.sent() {
		return
	}
	_ = http.NewResponseController(s.passage.w).SetReadDeadline(time.Unix(1, 0))
	<-s.done
}
