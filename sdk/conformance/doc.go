// Package conformance checks that an executable keeps Callboard's plugin protocol. It looks at the plugin from outside, as
// the host does: it starts the process, listens in the host's place on the sockets, and calls. So it takes plugins in any
// language, and it asks nothing of their authors but a command line.
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, conformance.Target{Command: []string{"./sentry"}, Settings: []byte(`{"url":"http://127.0.0.1"}`)})
//	}
//
// Each [Rule] has an id, a level and a sentence. What a plugin breaks is told with what was seen and what to do. The same
// rules are behind `callboard plugin verify`, which adds the manifest and the host's sandbox.
//
// The kit starts what it is given. With its own launcher a plugin runs with the rights of whoever runs the kit: verify
// plugins of strangers through the command, which encloses them.
package conformance
