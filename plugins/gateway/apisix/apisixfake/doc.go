// Package apisixfake is an Apache APISIX for tests and demonstrations: the resources of its Admin API that developer portals
// touch, and a data plane that does what they say.
//
//	s := apisixfake.New(apisixfake.Options{Key: "demo"})
//	s.Sample()
//	http.ListenAndServe("127.0.0.1:9180", s)
//	http.ListenAndServe("127.0.0.1:9080", s.Gateway())
//
// Files:
//
//	server.go    options, credentials; sample.go resources to begin with
//	resource.go  the resources: their lists, checks and references
//	plane.go     the data plane: routes, plugins key-auth, consumer-restriction, limit-count, prometheus
package apisixfake
