//go:build !race

package spec

// every is which places are tried.
const every = 1
