// Package apimfake is an Azure API Management service: the part of the management API that keys need, the login that gives
// its tokens, and a gateway that lets in who has a subscription.
//
//	server.go       options, the login, what every call must have
//	resource.go     users, products, APIs
//	subscription.go subscriptions: states, slots, scopes
//	plane.go        the gateway: keys, scopes, limits, late by Delay
package apimfake
