// Package portal is the console's pages for people: catalog, entities with their widgets, APIs, access to them, search and
// the gallery of widgets. It is a frontend that is rendered on the server: every page asks the host's own HTTP API in the
// name of who is signed in, inside of the process, so that nobody sees or does more than the API lets them. There is no
// other way from here to the host's data.
//
// Where to look: client.go asks the API; portal.go has the routes and answers failures; each other file is one page, or
// what pages share.
package portal
