// Package expressfake is an Express Gateway for tests and demonstrations. It behaves as version 1.16.11 was seen to, mistakes
// included, for what developer portals use of it: users, applications, credentials of the type key-auth, scopes, and the
// configuration of endpoints, pipelines and policies. Package e2e holds the real program and the driver to the same suite.
//
//	server.go  options and routes
//	entity.go  users, applications, credentials and scopes
//	config.go  the configuration, which is read again some time after it was written
//	plane.go   what happens to requests
package expressfake
