//go:build race

package builtin

func init() { underRace = true }
