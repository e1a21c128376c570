// Package focus reads bills in the FOCUS format (FinOps Open Cost and Usage Specification), versions 1.0 to 1.3, from CSV,
// CSV in gzip, and Parquet.
//
// [Open] looks at the first bytes and the columns, and says what is wrong with what is no bill at all. [Reader.Charges] then
// streams rows: memory does not grow with the file. A row that breaks a rule is rejected, with its line and column, and the
// rest goes on; a file that breaks off ends with an error.
//
//	open.go     formats, gzip, limits
//	columns.go  which columns are read; the version that they tell
//	row.go      the rules of a row
//	csv.go, parquet.go  rows of each format; cell.go texts of Parquet's values
//
// Nothing is guessed: amounts are exact decimals, NaN and infinities are rejected, and a null cost is no zero. Columns that
// begin with x_ belong to providers and are skipped, but for those that hold carbon.
package focus
