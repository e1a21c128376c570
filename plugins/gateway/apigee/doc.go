// Package apigee drives Apigee X and hybrid through the Apigee API of Google Cloud.
//
// An API is a proxy, and a plan is an API product. All applications of the portal are apps of one developer, and a key is a
// consumer key of an app. Apigee calls keys by the very text that callers present, so that the id of a key is a digest of it
// here, and no path with one gets into an error. What makes issuing idempotent is an attribute of the key, which names the
// operation; others name its API and its label. Which plans an app was given are attributes of the app.
//
// A key opens an API when its app, itself and its product within it are approved: one is suspended when any of the three is
// not. Products that ask for approval are respected: who administers Apigee approves them there. A new app comes with a key
// that opens nothing, which is taken away; keys without a product that others made are not told.
//
//	driver.go  options, capabilities, health
//	account.go the service account's assertion for a token
//	manage.go  calls to the Apigee API, lists, what its errors mean
//	product.go APIs and plans
//	app.go     applications: attributes, statuses
//	key.go     keys
//	access.go  which products keys have
//
// Folder apigeefake is an Apigee organization for tests and demonstrations.
package apigee
