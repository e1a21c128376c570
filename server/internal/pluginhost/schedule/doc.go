// Package schedule runs plugins' tasks: of all hosts on one database, one at a time runs a task.
//
// A task is a row. The host that moves its ticket runs it, renews the lease while it does, and writes how it ended; a host
// that dies loses its lease within [leaseTime] and another goes on, where the reference would wait for the task's timeout.
// Tasks run in the order in which they are due, missed times are made up for once, and a run that ended with an error is
// simply due again at its next time, as in the reference.
package schedule
