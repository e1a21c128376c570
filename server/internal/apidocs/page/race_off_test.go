//go:build !race

package page

// every is which vectors are tried.
const every = 1
