//go:build race

package page

// every is which vectors are tried: the race detector makes pages slow, and looks for something else.
const every = 40
