// Gateway gives applications keys for the APIs of the catalog, whatever API gateway serves them.
//
//	main.go      what is registered
//	settings.go  what an operator writes; kinds.go makes drivers of it
//	hub.go       the gateways of the present settings, and the engine over them
//	gate.go      policies in Rego, asked about access
//	directory.go what a gateway serves, as it was last seen
//	access.go    who may do what
//	catalog.go   which API an entity names
//	routes.go    the API under /v1; apps.go, requests.go, keys.go and gateways.go by subject
//	actions.go   steps of templates
//	widgets.go   what is shown on pages; traffic.go for what Prometheus knows
//	forms.go     what people fill in: requests; forms_keys.go for keys
//	tell.go      notifications and the host's audit trail
//	health.go    what operators are told
//
// Package lifecycle is the life of a key, driver the interface to gateways, and each gateway a package of its own.
package main
