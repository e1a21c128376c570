// Package builtin holds the actions that every host offers: fetch:*, fs:*, catalog:*, debug:* and notification:send as in
// the reference, and callboard:gotemplate where it is configured. Contract page: scaffolder, §5.
//
// actions.go says what they need of the host, define.go makes an action of a function, fetch.go finds what a template
// names by URL, stamp.go writes a skeleton with names and contents rendered; the other files are one family of actions
// each. Descriptions and schemas are data, in schemas/. All that is done with files goes through package workspace;
// package gotext is the language of callboard:gotemplate.
package builtin
