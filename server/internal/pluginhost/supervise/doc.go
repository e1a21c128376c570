// Package supervise keeps one plugin running: one goroutine owns one plugin, everybody else reads an atomic snapshot.
//
// It knows nothing of processes. A [Release] says how an [Instance] is started; the supervisor starts it, probes it,
// starts it again with backoff when it dies, gives up after a crash loop, and changes to another release without a gap:
//
//	discovered → verified ─► starting → ready ⇄ degraded
//	     │          │            │        │         │
//	(broken)  (rejected,         │        └────┬────┘
//	           needs-approval,   └─► crashed ◄─┴─► draining → stopped
//	           needs-config)          │    ▲
//	                                  ▼    │
//	                               backoff ─► starting        five crashes in ten minutes: failed
//
//	swap: start the new one until it is ready, move the pointer, drain the old one.
//	      The new one does not become ready: the old one goes on, the snapshot tells why.
//
// Laws, kept by a random walk in the tests: at most one instance is current; at most one start is in progress; an
// instance that was current is not stopped while it serves requests, until its grace is over, it dies or it is hung;
// each instance that was started is stopped exactly once; after Run returns nothing of it runs.
package supervise
