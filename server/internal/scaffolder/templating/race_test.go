//go:build race

package templating

const raced = true
