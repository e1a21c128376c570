//go:build race

package draw_test

// every is which vectors are tried: the race detector makes pictures slow, and looks for something else.
const every = 20
