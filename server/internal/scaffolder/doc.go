// Package scaffolder answers the read endpoints of the reference's scaffolder as an installation without actions and
// tasks does: the frontend's pages come up, list the catalog's templates, and say that nothing is installed. Running
// templates is not built: creating a task is answered with 501. Contract page: scaffolder, §2.
package scaffolder
