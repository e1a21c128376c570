// Package signals pushes small messages to open pages over a WebSocket at /api/signals. Contract: "platform, signals".
//
// A page opens a connection with its token as the subprotocol, subscribes to channels, and receives what other features
// publish there through a [Broadcaster]: to everybody, or to those whose ownership refs are among the recipients.
// Signals are hints that something is worth fetching again: they are not stored, and who is not connected misses them.
//
// The [Hub] delivers within one process. A connection that cannot keep up is closed, because its page reconnects and
// reads the truth from the API; waiting for it would hold up everybody else.
package signals
