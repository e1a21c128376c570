// Package proxy answers /api/proxy: requests to configured routes are carried to other services, with headers that the
// frontend must not know. Contract: "platform, proxy".
//
// Law: one lookup decides both where a request goes and whose credentials it needs. The longest route that fits wins,
// whatever the order of the configuration, and a path that could be read as another, longer route is refused (path.go).
// Nothing that a caller sends moves a request outside the path of its target, or to another host.
//
// Law: headers pass by list, in both directions (headers.go). Redirects of the other service are never followed, so that
// configured headers go to the configured host alone.
//
// A target "plugin://<id>/<path>" is answered by a plugin of this host, in the name of the caller; see [Plugins].
package proxy
