//go:build race

package builtin

// underRace: the race detector makes the interpreter of templates ten times slower, so that one recorded case in twelve
// runs then. What can race is the same in all of them.
const underRace = true
