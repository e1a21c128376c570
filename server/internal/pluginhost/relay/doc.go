// Package relay carries requests to /api/<id> to a plugin's own HTTP server, HTTP/1.1 on its http.sock, and the answers back.
//
// The path below the mount and the query travel byte for byte: what they mean is the plugin's affair. Credentials do not
// travel; the plugin gets who calls, as the host has found out, in headers that nobody else can set (identity.go).
// Answers may not speak for the host: headers that set cookies or policies for its origin are taken off (answer.go).
// Bodies stream both ways, and web sockets pass (upgrade.go).
//
// Law: a plugin that hangs, dies or floods costs its own callers an error and nobody else anything. Waiting is bounded
// everywhere: for an instance, for a place among the requests in flight, for the header of the answer, for progress after
// it (limits.go). A request that no instance has begun to answer, and that may be sent twice, is sent once more, so that
// replacing an instance loses none.
//
// HTTP/1.1 to the plugin is spoken here (wire.go, upstream.go); net/http reads the answers. Every request is carried on its
// own goroutine; a body (sending.go) and a web socket have a second one, which is waited for.
package relay
