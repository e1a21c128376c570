// Package ledger keeps the charges of all clouds and answers what they add up to.
//
// A [Ledger] is one SQLite file in a directory. Replace fills it with the [Charge] values of a [Batch]; Query answers a
// [Query] with a [Result].
//
// What is kept: charges are rolled up as they arrive. All that charges of a day have in common in every dimension, the
// resource and the whole set of tags included, becomes one sum of each metric: a cell. Nothing else is lost than the hour of
// the day, quantities and unit prices. Sums are exact, whatever their order.
//
// How: the charges of one source and billing period are a partition, and a partition is one or more segments. A segment is a
// small column store: a blob for each dimension, with its texts in a dictionary and a code for each series, and a blob for
// each metric, with a number for each series and day. A query reads the few columns that it is about, and adds up ten million
// cells, a year of ten million charges, in a third of a second; no index has to foresee which tags somebody will ask for.
//
//	day.go      days and billing periods
//	charge.go   what a charge is, metrics, dimensions; tags.go sets of tags
//	question.go what is asked and answered
//	ledger.go   open, list, remove
//	replace.go  imports: staged, then shown in one transaction
//	builder.go  rolling up; segment.go how a segment is written, view.go how its dimensions are read
//	query.go    ranks and limits; plan.go groups, filter.go and rules.go selections, sum.go cells
//	states.go   how far sources are, which values there are
//
// A charge counts on the day of UTC on which its charge period begins, also where that is longer than a day, and metrics are
// never added to each other. Charges of different currencies are never added either: a query about several fails.
package ledger
