//go:build race

package workflow_test

func init() { underRace = true }
