//go:build race

package app_test

// raced: the template language takes twenty times as long.
const raced = true
