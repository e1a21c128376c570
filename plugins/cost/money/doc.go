// Package money has amounts that add up exactly.
//
// An [Amount] is a decimal number with 18 places after the point, in 128 bits: up to 170 quintillion, of whatever currency
// stands beside it. Sums do not depend on the order of what is added, so totals of millions of charges equal those of any
// other exact sum.
//
// What is not a number never becomes an amount: [Parse] refuses NaN, infinities and malformed decimals, and a sum that leaves
// the range is [Overflow], which every further sum stays and which refuses to be written.
package money
