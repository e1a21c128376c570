// Package apigeefake is an Apigee organization: the part of the Apigee API that keys need, the login that gives its tokens
// for a service account's assertions, and a gateway that verifies keys.
//
//	server.go  options, what every call must have, where it goes
//	login.go   the service account and its tokens
//	app.go     developers and apps
//	key.go     keys: three statuses, products, attributes
//	product.go products and proxies
//	plane.go   the gateway: keys, products, quotas, late by Delay
package apigeefake
