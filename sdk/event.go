package sdk

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// Event is something that happened, as its publisher told it.
type Event struct {
	Topic    string
	Payload  json.RawMessage
	Metadata map[string]string
}

// Decode stores the payload in into.
func (e Event) Decode(into any) error {
	if err := json.Unmarshal(e.Payload, into); err != nil {
		return fmt.Errorf("event of topic %s: %w", e.Topic, err)
	}
	return nil
}

// OnEvent subscribes to a topic. Events of one topic come in order, one at a time. An error has the host deliver the
// event, and those after it, again a few times: receive must take a repetition.
func (p *Plugin) OnEvent(topic string, receive func(context.Context, Event) error) {
	if receive == nil {
		misusef("OnEvent %q: the function is nil", topic)
	}
	p.events.add(p, "event topic", topic, receive)
}

type eventServer struct {
	pluginv1.UnimplementedEventsServiceServer

	p *Plugin
}

func (s eventServer) DeliverEvents(ctx context.Context, req *pluginv1.DeliverEventsRequest) (*pluginv1.DeliverEventsResponse, error) {
	for _, e := range req.GetEvents() {
		receive, err := s.p.events.get("subscription to", e.GetTopic())
		if err != nil {
			return nil, err
		}
		if err := receive(ctx, Event{Topic: e.GetTopic(), Payload: e.GetPayloadJson(), Metadata: e.GetMetadata()}); err != nil {
			return nil, fmt.Errorf("event of topic %s: %w", e.GetTopic(), err)
		}
	}
	return &pluginv1.DeliverEventsResponse{}, nil
}

var _ pluginv1.EventsServiceServer = eventServer{}
