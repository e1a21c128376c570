// Package insight makes answers of what a ledger holds: whose costs they are, whether they are unusual, what they will be
// and whether they stay within a budget.
//
// Amounts are exact wherever they are counted; statistics about them use floating-point numbers and say by which method
// they were made.
package insight
