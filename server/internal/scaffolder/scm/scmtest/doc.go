// Package scmtest has a GitHub and a GitLab for tests: what the actions of package scm use of their APIs, with state, and
// repositories that a real git clones from and pushes to over HTTP. Nothing in it needs package testing, so that a command
// can start them too.
//
// host.go is what both have in common, objects.go stores git objects, githttp.go serves git. Files of one host begin with
// its name.
package scmtest
