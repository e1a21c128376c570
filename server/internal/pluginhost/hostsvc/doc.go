// Package hostsvc is what a plugin may ask of the host: the gRPC services of host.proto on one unix socket for each start
// of a plugin. [Serve] opens it.
//
// The socket says which plugin asks: nobody else is told its path, the kernel tells who connects, and a token of this
// start comes with every call. What the plugin may do stands in one table (grants.go): a method that is not in it, or a
// need that was not approved, is refused, logged and audited. What a method does is behind the small interfaces of
// [Backend], so this package knows neither the catalog nor identity; it brings what is its own: [Store] (keys and values,
// locks, audit records in SQL) and [Cache].
//
// Nothing that a plugin sends makes the host fail: messages, calls a second, calls at a time, connections and records are
// bounded, a panic in a handler is an internal error of that call, and errors without a name reach the plugin as an id
// whose text is in the host's log only.
package hostsvc
