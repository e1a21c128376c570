// Package console is the small page that the host shows at "/" while it serves no frontend: what is running, entities
// by kind, what could not be ingested by file, line and field, and what is wrong with the configuration.
//
// It is rendered on the server and works without scripts; a script of its own keeps it fresh and switches its theme.
// The same facts are at /console.json. It knows nothing of the catalog: the program gives it a [Source].
package console
