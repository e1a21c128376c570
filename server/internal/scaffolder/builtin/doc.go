// Package builtin holds the actions that every host offers: fetch:*, fs:*, catalog:*, debug:* and notification:send as in the reference, and
// callboard:gotemplate. Contract page: scaffolder, §5.
package builtin
