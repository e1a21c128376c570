// Package tykfake is a Tyk Gateway for tests and demonstrations: the parts of its Gateway API that developer portals touch, and
// a data plane that does what they say.
//
//	s := tykfake.New(tykfake.Options{Secret: "demo"})
//	s.Sample()
//	http.ListenAndServe("127.0.0.1:8080", s)
//	http.ListenAndServe("127.0.0.1:8081", s.Gateway())
//
// What is written of APIs and policies acts after /tyk/reload/group only; what is written of keys acts at once.
//
// Files:
//
//	server.go    options, credentials, reload; sample.go APIs to begin with
//	keys.go      sessions, by key or by its hash
//	objects.go   API definitions and policies
//	plane.go     the data plane: keys, policies, rights, rates, quotas, and what a pump tells of it
package tykfake
