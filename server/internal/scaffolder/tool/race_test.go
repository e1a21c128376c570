//go:build race

package tool_test

func init() { underRace = true }
