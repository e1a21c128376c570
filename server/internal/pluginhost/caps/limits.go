package caps

import (
	"fmt"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// Limits are what the host takes of a plugin. A zero field is the default.
type Limits struct {
	// InFlight calls run at once, Queued more wait, for at most Patience. Streams are counted apart, since they are long:
	// at most Streams of them run at once and none waits.
	InFlight, Queued, Streams int
	Patience                  time.Duration

	// Quick is the deadline of lists and rules, Query that of widgets, Batch that of entities and events, Filter that of
	// template filters, which rendering waits for.
	Quick, Query, Batch, Filter time.Duration
	// Idle is how long a stream may be silent, Stream how long it may last in all. Actions may last for Action, and Submit is
	// the deadline of forms, whose senders wait.
	Idle, Stream, Action, Submit time.Duration

	// MessageBytes is the largest message in either direction.
	MessageBytes int
	// StreamMessages and StreamBytes end a stream that does not.
	StreamMessages int
	StreamBytes    int

	EntityBytes int // one entity as JSON
	EntityDepth int // its nesting
	Entities    int // of one refresh
	Emitted     int // entities, relations and refresh keys that one entity may bring, each
	Documents   int // of one search type
	WidgetBytes int // all frames of one answer
	Listed      int // providers, actions, widgets, …, of one plugin
	LogBytes    int // one text of an action's log
	OutputBytes int // one output or checkpoint of an action
	FilterBytes int // what a template filter gets, and what it answers
}

// Defaults are the limits that hold unless the operator sets others.
func Defaults() Limits {
	return Limits{
		InFlight: 32, Queued: 64, Streams: 32, Patience: 100 * time.Millisecond,
		Quick: 2 * time.Second, Query: 15 * time.Second, Batch: 10 * time.Second, Filter: time.Second,
		Idle: time.Minute, Stream: 10 * time.Minute, Action: time.Hour, Submit: time.Minute,
		MessageBytes: 4 << 20, StreamMessages: 200_000, StreamBytes: 512 << 20,
		EntityBytes: 1 << 20, EntityDepth: 64, Entities: 100_000, Emitted: 1000,
		Documents: 100_000, WidgetBytes: 8 << 20, Listed: 500, LogBytes: 16 << 10, OutputBytes: 1 << 20, FilterBytes: 192 << 10,
	}
}

func (l Limits) withDefaults() Limits {
	d := Defaults()
	for _, f := range []struct{ value, def *int }{
		{&l.InFlight, &d.InFlight}, {&l.Queued, &d.Queued}, {&l.Streams, &d.Streams}, {&l.MessageBytes, &d.MessageBytes},
		{&l.StreamMessages, &d.StreamMessages}, {&l.StreamBytes, &d.StreamBytes}, {&l.EntityBytes, &d.EntityBytes},
		{&l.EntityDepth, &d.EntityDepth}, {&l.Entities, &d.Entities}, {&l.Emitted, &d.Emitted}, {&l.Documents, &d.Documents},
		{&l.WidgetBytes, &d.WidgetBytes}, {&l.Listed, &d.Listed}, {&l.LogBytes, &d.LogBytes}, {&l.OutputBytes, &d.OutputBytes},
		{&l.FilterBytes, &d.FilterBytes},
	} {
		if *f.value == 0 {
			*f.value = *f.def
		}
	}
	for _, f := range []struct{ value, def *time.Duration }{
		{&l.Patience, &d.Patience}, {&l.Quick, &d.Quick}, {&l.Query, &d.Query}, {&l.Batch, &d.Batch}, {&l.Filter, &d.Filter},
		{&l.Idle, &d.Idle}, {&l.Stream, &d.Stream}, {&l.Action, &d.Action}, {&l.Submit, &d.Submit},
	} {
		if *f.value == 0 {
			*f.value = *f.def
		}
	}
	return l
}

// OutputError is an answer that the host does not take: too much of it, or wrong. It is the plugin's fault, and counts
// as a failed call.
type OutputError struct {
	Plugin manifest.ID
	Call   string // "RefreshProvider projects"
	Rule   string // what is broken: "an entity of 2 MiB, at most 1 MiB are allowed"
	// TooMuch is true when a limit is exceeded, false when the answer is wrong.
	TooMuch bool
}

func (e *OutputError) Error() string {
	return fmt.Sprintf("plugin %s, %s: the answer breaks a rule: %s", e.Plugin, e.Call, e.Rule)
}

// wrong and tooMuch make the error for a call.
func (c *Client) wrong(call, format string, args ...any) error {
	return &OutputError{Plugin: c.plugin, Call: call, Rule: fmt.Sprintf(format, args...)}
}

func (c *Client) tooMuch(call, format string, args ...any) error {
	return &OutputError{Plugin: c.plugin, Call: call, Rule: fmt.Sprintf(format, args...), TooMuch: true}
}
