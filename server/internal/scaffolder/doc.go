// Package scaffolder answers the read endpoints of the reference's scaffolder: the frontend's pages come up, list the
// catalog's templates, and the [Actions] that plugins bring. Running templates is not built: creating a task is answered
// with 501. Contract page: scaffolder, §2.
package scaffolder
