// Package caps calls what plugins can do. For each capability of the protocol it has one proxy that implements the seam
// of the engine that uses it, so that an engine does not know on which side of a process border an implementation lives:
//
//	client.go     one instance of a plugin: deadlines, bulkheads, errors, traces
//	breaker.go    what is left alone after failures: a plugin, or one thing that it offers
//	limits.go     what a plugin may take and answer
//	provider.go   catalog.EntityProvider
//	processor.go  catalog.PreProcessor, KindValidator, PostProcessor
//	action.go     action.Action
//	filter.go     templating.Filter
//	widget.go     widget.Widget
//	submit.go     widget.Submitter
//	collator.go   search.Type
//	task.go       scheduled work
//	rule.go       permission.Integration
//	event.go      subscribers of events
//
// Laws of all of them. Nothing that a plugin answers reaches an engine unchecked: messages, streams, entities, refs and
// numbers of results are held to [Limits], and what breaks a rule is an [OutputError] that names plugin, call and rule. A
// plugin that is not there is asked for nothing: the error is a ServiceUnavailableError that names it and its state. No
// call waits longer than its deadline, and the calls to one plugin do not take more than its share of goroutines.
//
// The package knows nothing of processes and states: a [Source] hands out the instance that serves at present.
package caps
