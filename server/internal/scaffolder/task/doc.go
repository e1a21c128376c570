// Package task keeps the scaffolder's tasks and runs them: an event log for each task, claims with a lease so that of many
// hosts one runs a task and another takes over within seconds when that one dies, and what a run has reached, sealed, so
// that whoever takes over goes on from there. What a run does is a function that the engine is given. Contract page:
// scaffolder, §2 and §3.
//
// A step runs at least once. One that must not run twice says so by its action, and the workflow does not run it again
// when an earlier run may have done its work; only a user's retry does.
//
// All times that hosts compare are the database's.
package task
