// Package apim drives Azure API Management through the management API of Azure.
//
// A plan is a product. An application is a user that nobody logs in as, whose note says which plans it was given, and a key is a subscription of his to a product: its
// name, "cb~<app>~<api>~<operation>", makes issuing idempotent and tells the portal's own from others'. A subscription has
// two keys. Which of them is presented stands at the end of its display name, "[2 <operation>]" after a rotation, so that the
// service itself knows it; without such an end it is the first.
//
// Access that is taken away moves the application's subscriptions to a product without APIs, callboard-no-access: a state
// would be mistaken for a suspension. Products that ask for approval are respected: their subscriptions begin as submitted,
// and who administers the service approves them there.
//
//	driver.go       options, capabilities, health
//	arm.go          calls to the management API: tokens, ETags, lists, what its errors mean
//	product.go      APIs, plans, limits as far as policies tell them
//	subscription.go keys
//	slot.go         rotation; cancel.go takes one back
//	access.go       which product an application's keys are for
//
// Folder apimfake is an API Management service for tests and demonstrations.
package apim
