// Package sample makes FOCUS bills that look like those of a company: the ferry line of examples/catalog, with three clouds,
// teams and environments, growth and quiet weekends, one cost that gets out of hand, tags that were forgotten, commitments,
// taxes, credits, refunds and corrections.
//
// Bills are the same for the same [Options], row by row, on every machine.
package sample
