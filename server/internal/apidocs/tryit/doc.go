// Package tryit sends requests that viewers make of an API's operations. It is off unless callboard.apiDocs.tryIt says
// otherwise, and then only the servers of that list are reached: what a document names is what a stranger wrote, so a
// server counts when the document and the configuration both have it.
//
// Law: no secret reaches a viewer. Credentials are configured here, are added to requests here, and are removed from all
// that is answered. Viewers cannot set the headers that carry them.
//
// Law: what changes something is sent once for each time that somebody agreed to exactly that request. The first attempt
// is answered with a summary and a token (confirm.go); the token is bound to viewer, entity and every byte of the request,
// holds for two minutes and works once, on whichever replica it is shown: what waits is in the database (store.go).
//
// Law: a request stays below the path of its server (address.go), is dialled to public addresses unless the configuration
// names an internal host (client.go), follows no redirect, ends within ten seconds, and neither it nor its answer has more
// than a megabyte.
//
// settings.go reads the configuration, request.go makes a request of what came, body.go and form.go its body, cookie.go its
// cookies; engine.go sends it.
package tryit
