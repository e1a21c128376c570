//go:build race

package conformance_test

// sampled is the area of which one case in eight is replayed: the race detector makes the template engine forty times
// slower. `make test-whole` replays all of it.
const sampled = "scaffolder.templating"
