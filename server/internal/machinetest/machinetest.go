// Package machinetest is for tests that need a program which a developer may lack and a build machine must have.
package machinetest

import (
	"os"
	"testing"
)

// Lacks skips a test because of what this machine lacks. Where CI=true the test fails: what is skipped there is tested nowhere.
func Lacks(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
