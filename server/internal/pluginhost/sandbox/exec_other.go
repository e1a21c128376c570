//go:build !linux

package sandbox

import (
	"fmt"
	"os"
)

// Exec is the body of `callboard plugin-exec`, which there is on Linux only.
func Exec([]string) int {
	fmt.Fprintln(os.Stderr, "callboard plugin-exec: there is no launcher on this system")
	return 126
}
