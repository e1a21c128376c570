// Package expressgateway manages the keys of Express Gateway by its Admin API.
//
//	driver.go    the gateway as a whole, its APIs and plans
//	access.go    applications, and what they have access to
//	key.go       credentials of the type key-auth
//	publish.go   endpoints and pipelines
//	admin.go     the calls, and what the Admin API means by its answers
//
// # What becomes what
//
//	application         user, by its username; the owner is the last name, since users need one
//	API                 apiEndpoint; its scopes are what a key needs
//	plan                pipeline: its rate-limit policies are the limits, and an API is in at most one
//	access to an API    EG application "<application>.<API>" of the user, and the scopes of its keys
//	key                 credential of the type key-auth; callers present "<id>:<secret>"
//
// An API without scopes lets in every key. Access to it cannot be taken away, and the driver says so.
//
// # What the Admin API does not do
//
// It cannot delete a credential, nor change one except for its scopes and its status. It does write over one when a credential
// of the same id is made again, and keeps members that it does not know: so a revoked key gets a secret that nobody has, a
// mark, and the status false. Where a list comes in pages, one without entries ends it, whatever follows; and the list of
// all credentials leaves out those of users beyond the first page. So users are read in one page, and credentials one user
// after the other. It tells errors as plain text with the type of a page, and most of them with 500.
//
// Its policy rate-limit delays requests by a second, two seconds and so on before it refuses any, unless delayMs is 0.
package expressgateway
