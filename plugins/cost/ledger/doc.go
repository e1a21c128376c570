// Package ledger keeps the charges of all clouds and answers what they add up to.
//
// A [Ledger] is opened on a directory, is filled by Replace, which takes the [Charge] values of a [Batch], and answers a
// [Query] with a [Result].
package ledger
