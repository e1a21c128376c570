//go:build race

package spec

// every is which places are tried: the race detector makes it slow, and looks for something else.
const every = 10
