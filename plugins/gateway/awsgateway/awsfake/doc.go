// Package awsfake is Amazon API Gateway for REST APIs: the part of the control plane that keys need, with signatures that are
// checked, and a gateway that lets in who has a key in a usage plan.
//
//	server.go what every call must have, and where it goes
//	key.go    API keys and their tags
//	plan.go   REST APIs, usage plans, the keys in them, their usage
//	plane.go  the gateway: keys, plans, quotas, late by Delay
package awsfake
