package signals

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
)

// Identities says who a token belongs to. The auth feature is adapted to it.
type Identities interface {
	// Identify verifies token. An error refuses the connection. A token of something else than a user has the zero
	// Identity, which is connected as guest.
	Identify(ctx context.Context, token string) (Identity, error)
}

// Identity is who a connection belongs to.
type Identity struct {
	User string
	// Ownership are the refs whose messages the connection receives.
	Ownership []string
	// Expires ends the connection, so that the page comes back with a new token; zero = never.
	Expires time.Time
}

// guest is who connects without a token.
var guest = Identity{User: "user:default/guest", Ownership: []string{"user:default/guest"}}

// Limits bound what connections may use.
type Limits struct {
	Connections        int // of the process
	ConnectionsPerUser int
	Channels           int // that one connection is subscribed to
	FrameBytes         int64
	Queue              int // messages that wait for one connection before it counts as too slow
}

// Options is what a [Hub] is made of.
type Options struct {
	Identities Identities
	Logger     *slog.Logger
	Limits     Limits // zero members have defaults
	// Ping is how often a connection is asked for a sign of life, and how long it may take; 0 = 30 s.
	Ping time.Duration
}

// Hub is all connections of the process. It implements [Broadcaster].
type Hub struct {
	identities Identities
	log        *slog.Logger
	limits     Limits
	ping       time.Duration
	serving    sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	conns     map[*connection]struct{}
	byChannel map[string]map[*connection]struct{}
	byRef     map[string]map[*connection]struct{}
	perUser   map[string]int // reservations and connections
	reserved  int
}

// NewHub returns a hub without connections. It has no goroutines until there are some; [Hub.Close] ends them.
func NewHub(o Options) *Hub {
	h := &Hub{
		identities: o.Identities, log: o.Logger, limits: o.Limits, ping: o.Ping,
		conns: map[*connection]struct{}{}, byChannel: map[string]map[*connection]struct{}{},
		byRef: map[string]map[*connection]struct{}{}, perUser: map[string]int{},
	}
	setDefault(&h.limits.Connections, 10_000)
	setDefault(&h.limits.ConnectionsPerUser, 1_000)
	setDefault(&h.limits.Channels, 100)
	setDefault(&h.limits.FrameBytes, 4<<10)
	setDefault(&h.limits.Queue, 64)
	setDefault(&h.ping, 30*time.Second)
	return h
}

func setDefault[T int | int64 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// Connections is the number of open connections, for metrics.
func (h *Hub) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// Publish implements [Broadcaster].
func (h *Hub) Publish(ctx context.Context, m Message) {
	frame, err := json.Marshal(envelope{Channel: m.Channel, Message: m.Payload})
	if err != nil {
		h.log.ErrorContext(ctx, "signal not sent", "channel", m.Channel, "error", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	subscribers := h.byChannel[m.Channel]
	if m.Recipients.everybody {
		for c := range subscribers {
			c.offer(frame)
		}
		return
	}
	offered := map[*connection]struct{}{}
	for _, ref := range m.Recipients.refs {
		for c := range h.byRef[ref] {
			if _, twice := offered[c]; !twice && has(subscribers, c) {
				offered[c] = struct{}{}
				c.offer(frame)
			}
		}
	}
}

// reserve takes one place for user; release gives it back.
func (h *Hub) reserve(user string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return apierror.New(apierror.ServiceUnavailable, "The backend is shutting down")
	case h.reserved >= h.limits.Connections:
		return apierror.Newf(apierror.ServiceUnavailable, "Too many signal connections: the limit is %d", h.limits.Connections)
	case h.perUser[user] >= h.limits.ConnectionsPerUser:
		return apierror.Newf(apierror.ServiceUnavailable, "Too many signal connections of one user: the limit is %d", h.limits.ConnectionsPerUser)
	}
	h.reserved++
	h.perUser[user]++
	h.serving.Add(1)
	return nil
}

func (h *Hub) release(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reserved--
	if h.perUser[user]--; h.perUser[user] == 0 {
		delete(h.perUser, user)
	}
	h.serving.Done()
}

// add registers a connection; false = the hub is closing.
func (h *Hub) add(c *connection) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.conns[c] = struct{}{}
	for _, ref := range c.identity.Ownership {
		put(h.byRef, ref, c)
	}
	return true
}

func (h *Hub) remove(c *connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
	for _, ref := range c.identity.Ownership {
		drop(h.byRef, ref, c)
	}
	for channel := range c.channels {
		drop(h.byChannel, channel, c)
	}
}

// apply does what the page asked for; false = it has too many channels.
func (h *Hub) apply(c *connection, a action) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.verb == unsubscribe {
		delete(c.channels, a.channel)
		drop(h.byChannel, a.channel, c)
		return true
	}
	if _, again := c.channels[a.channel]; !again && len(c.channels) >= h.limits.Channels {
		return false
	}
	c.channels[a.channel] = struct{}{}
	put(h.byChannel, a.channel, c)
	return true
}

// Close refuses new connections, says goodbye to the open ones and waits for them until ctx ends; then it cuts them off.
func (h *Hub) Close(ctx context.Context) {
	h.mu.Lock()
	h.closed = true
	var open []*connection
	for c := range h.conns {
		open = append(open, c)
	}
	h.mu.Unlock()
	var goodbyes sync.WaitGroup
	for _, c := range open {
		goodbyes.Go(c.goodbye)
	}
	stop := context.AfterFunc(ctx, func() {
		for _, c := range open {
			c.cut()
		}
	})
	defer stop()
	goodbyes.Wait()
	h.serving.Wait()
}

func put(index map[string]map[*connection]struct{}, key string, c *connection) {
	set := index[key]
	if set == nil {
		set = map[*connection]struct{}{}
		index[key] = set
	}
	set[c] = struct{}{}
}

func drop(index map[string]map[*connection]struct{}, key string, c *connection) {
	delete(index[key], c)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}

func has(set map[*connection]struct{}, c *connection) bool {
	_, ok := set[c]
	return ok
}

var _ Broadcaster = (*Hub)(nil)
