// Package kong drives Kong Gateway by its Admin API.
//
// What the portal knows is told to Kong so:
//
//	application  a consumer, whose username and custom_id are the application's id
//	API          a service; its id is the service's name
//	key          a credential of plugin key-auth, whose id is the operation's; the tag portal-op:<operation> says so, too
//	plan         a group of plugin acl, and a configuration of plugin rate-limiting for the consumer at the service
//
// Plans are those of [Options], which the driver makes: group orders:gold is plan gold of service orders, so that access to
// one API is never access to another. Beside them, a group that the plugin acl of exactly one service allows is a plan of
// that service, without limits that the driver knows. A service needs plugins key-auth and acl (with allow) of its own for a
// plan to mean anything. [Driver.Publish] adds them to services that it makes; it does not add them to others, because that
// would shut out who calls them now.
//
// Everything that the driver makes has the tag portal, and a consumer's things have portal:<application>. Ids are made of
// names, so that what is done twice is done once. What others have made is never changed but for one thing: groups are added
// to what a plugin acl allows.
//
// A key is suspended by a change of its value that nobody can guess, and resumed by the change back; Kong keeps keys as they
// are, so nothing else needs to.
//
// A node without a database takes no such writes. Where [Options] allow it, the driver then reads the declarative
// configuration of each node, changes it and loads it, guarded by the hash of what was read. A node that is started with a
// file for its configuration forgets that when it starts again, and with it the keys.
//
//	driver.go       options, capabilities, health
//	admin.go        calls, lists, and what Kong's errors mean
//	consumer.go, key.go, api.go, plan.go   the methods of the driver
//	change.go       writes, with a database; declarative.go without one
//
// Package kongfake is a Kong for tests; package manager answers what VeeCode's frontend for Kong asks.
package kong
