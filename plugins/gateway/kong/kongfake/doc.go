// Package kongfake is a Kong Gateway for tests and demonstrations: the entities of its Admin API that developer portals touch,
// with a database and without one, and a data plane that does what they say.
//
//	s := kongfake.New(kongfake.Options{Token: "demo"})
//	s.Sample()
//	http.ListenAndServe("127.0.0.1:8001", s)
//	http.ListenAndServe("127.0.0.1:8000", s.Gateway())
//
// Files:
//
//	server.go   options, credentials, node information
//	kinds.go    the kinds of entities: fields, references, what must be unique
//	crud.go     the routes of entities; page.go their lists
//	state.go    entities as an immutable state, of which the data plane sees an older one
//	schema.go   schemas of plugins (schemas.json): defaults and checks
//	config.go   the declarative configuration of a node without a database
//	plane.go    the data plane: routes, plugins key-auth, acl, rate-limiting; measure.go what prometheus tells of it
package kongfake
