// Package app is the program as a value: [New] wires every feature from one configuration, [App.Run] serves until its
// context ends. It is the only package that knows all others; main and the end-to-end tests both use it. Several Apps may
// live in one process: nothing is kept in package variables.
package app
