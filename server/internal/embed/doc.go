// Package embed lets other portals show widgets: which apps there are, tokens for their pages, and addresses of pictures
// that need no credentials. Its routes are part of /api/widgets/v1; the widgets themselves are another feature's.
//
// An [App] is a portal, described by the configuration: the origins of its pages, who may get tokens for it, and the widest
// that such a token may be. A token ([Engine.Mint]) is a JWT that package auth signs and verifies. It lives for minutes and
// is narrower than the app, than who asked for it, and than whose rights it has. Within its session it is exchanged for a
// later one with the same limits; nothing is stored for that. Revoking ends a session, or all of an app's: here at once, on
// other replicas within a second.
//
// A capability ([Engine.Grant]) is one picture of one widget at an address that nobody can guess, for a README or a mail,
// where no token can be. It has the rights of who made it at every view, and ends when those end. What a service makes shows
// no more than the apps that list the service, and is gone when none does.
//
// Who gets and ends what is in the log, by id: a token or an address never is.
package embed
