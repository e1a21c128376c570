//go:build !race

package draw_test

// every is which vectors are tried.
const every = 1
