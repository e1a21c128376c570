// Package console is what people see who have no Backstage frontend: pages below /console/, rendered on the server. The
// catalog, APIs, access and widgets are package portal's, which asks the host's own API in the name of who is signed in.
// This package signs people in and keeps who they are in a cookie; and it shows the state of the host: what is running,
// plugins, what could not be ingested by file, line and field, what is wrong with the configuration.
//
// The state of the host is at /console.json as well. It knows nothing of the catalog: the program gives it a [Source].
package console
