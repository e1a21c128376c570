package signals

import (
	"context"
	"encoding/json"
)

// Broadcaster hands messages to the pages that are open now.
type Broadcaster interface {
	// Publish sends m to every subscribed recipient. It does not wait for them: messages of one publisher reach each
	// connection in order, or the connection is closed. It is safe for concurrent use.
	Publish(ctx context.Context, m Message)
}

// Message is one push. Payload is marshalled once.
type Message struct {
	Recipients Recipients
	Channel    string
	Payload    any
}

// Recipients are everybody, or the owners of some refs. The zero value is nobody.
type Recipients struct {
	everybody bool
	refs      []string
}

// Everybody is all connections, those without a token too.
func Everybody() Recipients { return Recipients{everybody: true} }

// Users are the connections that own one of refs: a user's own ref, or a group's.
func Users(refs ...string) Recipients { return Recipients{refs: refs} }

// envelope is what a page receives.
type envelope struct {
	Channel string `json:"channel"`
	Message any    `json:"message"`
}

// action is what a page sends.
type action struct {
	verb    verb
	channel string
}

type verb string

const (
	subscribe   verb = "subscribe"
	unsubscribe verb = "unsubscribe"
)

const maxChannelName = 256

// parseAction reads a frame. What is no action is not answered and does no harm, as in the reference.
func parseAction(frame []byte) (a action, ok bool) {
	var raw struct {
		Action  any `json:"action"`
		Channel any `json:"channel"`
	}
	if json.Unmarshal(frame, &raw) != nil {
		return action{}, false
	}
	name, _ := raw.Action.(string)
	channel, _ := raw.Channel.(string)
	a = action{verb: verb(name), channel: channel}
	if channel == "" || len(channel) > maxChannelName {
		return action{}, false
	}
	return a, a.verb == subscribe || a.verb == unsubscribe
}
