// Package rest sends the calls of the gateways' drivers: JSON over HTTP to a management API that is never trusted to answer
// well. What a gateway answers becomes the errors that [driver.Driver] promises, with a text that says what to do.
//
//	client.go    one call: address, credentials, bounds
//	refusal.go   what an answer without success means
//	text.go      foreign text as one short line without secrets
//	page.go      lists that come in pages, and paths
package rest
