package caps

import (
	"context"
	"slices"
	"sync"

	"github.com/callboard/callboard/sdk/pluginv1"
	"github.com/callboard/callboard/server/internal/events"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Events subscribes plugins to the topics that their manifests name. The bus keeps the queue, the order and the tries; a
// plugin that stays away loses what does not fit into its queue.
func Events(bus *events.Bus, o ImporterOptions) *Importer {
	s := &subscriptions{bus: bus, byPlugin: map[manifest.ID]subscription{}}
	i := newImporter("events", o)
	i.announced = func(p manifest.Provides) []string { return p.Events.Topics }
	i.meet = func(_ context.Context, c *Client, from Source, promised []string) error {
		return s.begin(c.plugin, from, promised)
	}
	i.remove = s.end
	return i
}

type subscriptions struct {
	bus *events.Bus

	mu       sync.Mutex
	byPlugin map[manifest.ID]subscription
}

type subscription struct {
	*events.Subscription

	topics []string
}

// begin subscribes a plugin when it is first there; a new instance with the same topics changes nothing.
func (s *subscriptions) begin(plugin manifest.ID, from Source, topics []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.byPlugin[plugin]; before.Subscription != nil {
		if slices.Equal(before.topics, topics) {
			return nil
		}
		before.Close()
		delete(s.byPlugin, plugin)
	}
	begun, err := s.bus.Subscribe(events.Subscriber{
		ID: sourceOf(plugin), Topics: topics, Attempts: 5,
		Deliver: func(ctx context.Context, batch []events.Event) error { return deliver(ctx, from, batch) },
	})
	if err == nil {
		s.byPlugin[plugin] = subscription{begun, topics}
	}
	return err
}

func (s *subscriptions) end(plugin manifest.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if begun := s.byPlugin[plugin]; begun.Subscription != nil {
		begun.Close()
		delete(s.byPlugin, plugin)
	}
}

func deliver(ctx context.Context, from Source, batch []events.Event) error {
	c, err := from.Client(ctx)
	if err != nil {
		return err
	}
	request := &pluginv1.DeliverEventsRequest{}
	for _, e := range batch {
		request.Events = append(request.Events, &pluginv1.Event{Topic: e.Topic, PayloadJson: e.Payload, Metadata: e.Metadata})
	}
	_, err = unary(ctx, c, "DeliverEvents", c.limits.Batch, pluginv1.NewEventsServiceClient(c.conn).DeliverEvents, request)
	return err
}
