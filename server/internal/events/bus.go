// Package events tells whoever subscribed what happened: an in-process bus of topics.
//
// Publishing never waits for subscribers and never fails. Each subscription has a bounded queue and a goroutine of its
// own, so one that is slow or stuck loses its own oldest events (the log says how many) and holds up nobody. Within a
// subscription events come in the order in which they were published. Delivery is at least once for a handler that errs,
// at most once over restarts: nothing is stored, and other hosts do not hear of it.
package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Event is something that happened. It is shared by all subscribers: read only.
type Event struct {
	Topic string
	// Payload is valid JSON.
	Payload  json.RawMessage
	Metadata map[string]string
}

func (e Event) size() int {
	n := len(e.Topic) + len(e.Payload)
	for k, v := range e.Metadata {
		n += len(k) + len(v)
	}
	return n
}

// Subscriber is somebody who wants to know.
type Subscriber struct {
	// ID names it in logs.
	ID     string
	Topics []string
	// Deliver takes events in order, one call at a time, on the subscription's goroutine. It must return soon after ctx
	// ends. On an error the same events come again, Attempts times in all; then they are dropped.
	Deliver  func(ctx context.Context, events []Event) error
	Attempts int           // 0 = once
	Timeout  time.Duration // of one attempt; 0 = [DefaultTimeout]
}

// DefaultTimeout is how long one delivery may take.
const DefaultTimeout = 10 * time.Second

// Bus is the set of subscriptions. It is safe for concurrent use.
type Bus struct {
	log *slog.Logger

	mu     sync.RWMutex
	topics map[string][]*Subscription
	all    map[*Subscription]bool
	closed bool
}

// New makes a bus without subscribers.
func New(log *slog.Logger) *Bus {
	return &Bus{log: log, topics: map[string][]*Subscription{}, all: map[*Subscription]bool{}}
}

// Publish publishes a value that encoding/json can write. It is the form in which features publish.
func (b *Bus) Publish(ctx context.Context, topic string, payload any) {
	b.mu.RLock()
	wanted := len(b.topics[topic]) > 0
	b.mu.RUnlock()
	if !wanted {
		return
	}
	data, err := json.Marshal(payload)
	if err != nil {
		b.log.ErrorContext(ctx, "an event cannot be written as JSON", "topic", topic, "error", err)
		return
	}
	b.PublishEvent(Event{Topic: topic, Payload: data})
}

// PublishEvent publishes an event as it is.
func (b *Bus) PublishEvent(e Event) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range b.topics[e.Topic] {
		s.queue.push(e)
	}
}

var errClosed = errors.New("events: the bus is closed")

// Subscribe begins to deliver what is published from now on, until the subscription or the bus is closed.
func (b *Bus) Subscribe(who Subscriber) (*Subscription, error) {
	if who.Deliver == nil || who.ID == "" || len(who.Topics) == 0 {
		return nil, fmt.Errorf("events: subscriber %q needs an id, topics and a way to deliver", who.ID)
	}
	who.Attempts = max(who.Attempts, 1)
	if who.Timeout <= 0 {
		who.Timeout = DefaultTimeout
	}
	who.Topics = slices.Compact(slices.Sorted(slices.Values(who.Topics)))
	ctx, cancel := context.WithCancel(context.Background())
	s := &Subscription{bus: b, Subscriber: who, cancel: cancel, done: make(chan struct{}), queue: newQueue()}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		cancel()
		return nil, errClosed
	}
	b.all[s] = true
	for _, topic := range who.Topics {
		b.topics[topic] = append(b.topics[topic], s)
	}
	go s.run(ctx)
	return s, nil
}

// Close ends all subscriptions and waits for their handlers. What is queued is dropped.
func (b *Bus) Close() {
	b.mu.Lock()
	b.closed = true
	var open []*Subscription
	for s := range b.all {
		open = append(open, s)
	}
	b.mu.Unlock()
	for _, s := range open {
		s.cancel() // all at once, then wait for each
	}
	for _, s := range open {
		s.Close()
	}
}

func (b *Bus) remove(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, s)
	for _, topic := range s.Topics {
		// A new list: publishers may be going through the old one.
		rest := slices.DeleteFunc(slices.Clone(b.topics[topic]), func(other *Subscription) bool { return other == s })
		if len(rest) == 0 {
			delete(b.topics, topic)
		} else {
			b.topics[topic] = rest
		}
	}
}
