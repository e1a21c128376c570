// Package httpx is the HTTP edge: what every request passes before a feature sees it and every answer passes on its way
// out. It mirrors contract page "platform, HTTP router" of the reference: security headers, CORS, compression, body
// limits, the error envelope, 404 with an empty body, OpenAPI request checks, the credentials barrier, health.
//
// A feature declares itself as a [Feature] and registers handlers of type [Handler] on the [Router] it gets; the handler
// parses, calls its engine and renders, and returns an error for everything that went wrong. gin is used by this package
// and by each feature's routes.go, nowhere else.
//
// Where to look:
//
//	server.go     the order in which a request passes everything     exchange.go   request and answer of one call, pooled
//	feature.go    features, routes, access rules                     paths.go      matching as Express does it
//	attach.go     features that come and go while it runs            streambody.go bodies handed on while they arrive
//	barrier.go    credentials before everything else                 failure.go    errors as clients see them
//	body.go       reading JSON bodies                                render.go     writing JSON and prepared bytes
//	openapi.go    checks against a specification (query.go, schema.go)
//	headers.go, cors.go, encoding.go, ratelimit.go, trustproxy.go, accesslog.go, metrics.go
//	lifecycle.go  start, health and end                              listen.go     sockets, TLS, graceful shutdown
//	sse.go        event streams                                      settings.go   what configuration may change
//
// The hot path (a prepared body, a cached token) allocates nothing but the text of its length: request and answer live
// in one pooled value, headers are shared slices, nothing is put into a context.
package httpx
