// Package apisix drives Apache APISIX by its Admin API.
//
// What the portal knows is told to APISIX so:
//
//	application  a consumer of that name, and one for each API that it has access to: shop__orders
//	API          a service
//	key          a credential of the application's consumer for the API; its id is the operation's
//	plan         a group of consumers, orders.gold for plan gold of service orders, with plugin limit-count
//
// A consumer of APISIX is in one group at most, and its limits count for all that it calls; so that an application can have one
// plan for one API and another for the next, it has a consumer for each. Metrics tell applications by these consumers:
// [Driver.Metered] are their names.
//
// A service needs plugins key-auth and consumer-restriction (type consumer_group_id, with a whitelist) of its own for a plan to
// mean anything; [Driver.Publish] adds them to services that it makes. The driver adds its groups to a whitelist and changes
// nothing else that others have made: what it has made carries the label portal.
//
// APISIX ends no keys by itself: the portal does. limit-count answers 503 unless it is told otherwise, and is told 429.
//
//	driver.go   options, capabilities, health; admin.go calls, lists and errors
//	consumer.go, key.go, plan.go, api.go   the methods of the driver
//
// Package apisixfake is an APISIX for tests.
package apisix
