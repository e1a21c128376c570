//go:build !race

package templating

const raced = false
