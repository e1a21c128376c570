// Package tyk drives Tyk Gateway by its Gateway API.
//
// What the portal knows is told to Tyk so:
//
//	application  a session portal-app-<application> that is inactive for ever; its metadata says which plans the application
//	             has, and which keys
//	API          an API definition
//	key          a session, whose alias is the application; the metadata portal_op is the operation
//	plan         a policy with the limits of one API
//
// Plans are those of [Options], for which the driver makes the policy portal-<api>.<plan> of each API when it is needed, and
// policies that others made for exactly one API. A plan may have a rate, a limit of less than an hour, and a quota, one of at
// least an hour. What is written of APIs and policies acts after a reload of the group, which the driver asks for.
//
// A session without rights may do everything in Tyk; that of an application without a plan has the right to call an API that
// does not exist.
//
// Tyk finds keys by the key, or where it hashes keys by the hash, and by nothing else: therefore the session of the application
// says under which operation which key was made. An operation is noted there before its key is made; one that was interrupted
// is looked for among all keys, which Tyk lists if it does not hash them, or is told to with enable_hashed_keys_listing. Keys
// that others made under an application's alias are found in that list, too.
//
// Changes of one application wait for each other within a driver; those of several hosts must be kept apart by the caller.
//
//	driver.go   options, capabilities, health; admin.go calls and errors
//	application.go   sessions of applications; session.go those of keys
//	key.go, plan.go, api.go   the methods of the driver
//
// Package tykfake is a Tyk for tests.
package tyk
