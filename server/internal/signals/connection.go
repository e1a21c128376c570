package signals

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// A page sends a handful of frames when it opens. What comes faster is read slower, until the sender feels it.
const (
	framesPerSecond = 50
	frameBurst      = 200
)

// writeTimeout is how long one frame may take to leave.
const writeTimeout = 10 * time.Second

// connection is one open page. Three goroutines serve it: one reads, one writes, one watches whether the page is alive.
type connection struct {
	hub      *Hub
	ws       *websocket.Conn
	identity Identity
	queue    chan []byte
	cut      context.CancelFunc // ends the connection at once

	channels map[string]struct{} // guarded by hub.mu
}

// serve runs a connection until it ends. The caller has reserved its place.
func (h *Hub) serve(ctx context.Context, ws *websocket.Conn, id Identity) {
	ctx, cut := context.WithCancel(ctx)
	c := &connection{hub: h, ws: ws, identity: id, queue: make(chan []byte, h.limits.Queue), cut: cut, channels: map[string]struct{}{}}
	ws.SetReadLimit(h.limits.FrameBytes)
	if !h.add(c) {
		_ = ws.Close(websocket.StatusGoingAway, "shutting down")
		cut()
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { c.write(ctx) })
	wg.Go(func() { c.watch(ctx) })
	err := c.read(ctx)
	h.remove(c)
	cut()
	_ = ws.CloseNow()
	wg.Wait()
	h.log.DebugContext(ctx, "signal connection ended", "user", id.User, "reason", fmt.Sprint(err))
}

// offer queues a frame; hub.mu is held. A page that has not taken the last ones is cut off.
func (c *connection) offer(frame []byte) {
	select {
	case c.queue <- frame:
	default:
		c.cut()
	}
}

func (c *connection) read(ctx context.Context) error {
	limiter := rate.NewLimiter(framesPerSecond, frameBurst)
	for {
		if err := limiter.Wait(ctx); err != nil {
			return err
		}
		typ, frame, err := c.ws.Read(ctx)
		if err != nil {
			return err
		}
		if typ != websocket.MessageText {
			continue
		}
		a, ok := parseAction(frame)
		if ok && !c.hub.apply(c, a) {
			reason := fmt.Sprintf("more than %d channels", c.hub.limits.Channels)
			return c.ws.Close(websocket.StatusPolicyViolation, reason)
		}
	}
}

func (c *connection) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case frame := <-c.queue:
			timed, cancel := context.WithTimeout(ctx, writeTimeout)
			err := c.ws.Write(timed, websocket.MessageText, frame)
			cancel()
			if err != nil {
				c.cut()
				return
			}
		}
	}
}

// watch pings, and ends the connection with its token.
func (c *connection) watch(ctx context.Context) {
	var expired <-chan time.Time
	if at := c.identity.Expires; !at.IsZero() {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		expired = timer.C
	}
	ticker := time.NewTicker(c.hub.ping)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-expired:
			_ = c.ws.Close(websocket.StatusPolicyViolation, "the token has expired")
			return
		case <-ticker.C:
			timed, cancel := context.WithTimeout(ctx, c.hub.ping)
			err := c.ws.Ping(timed)
			cancel()
			if err != nil {
				c.cut()
				return
			}
		}
	}
}

// goodbye closes the connection in order.
func (c *connection) goodbye() { _ = c.ws.Close(websocket.StatusGoingAway, "shutting down") }
