// Package catalog is the software catalog: it reads entities from files, URLs and providers, processes and relates them,
// keeps them in SQL and answers from an in-memory index. Contract page: catalog.
//
// The writing side is an [Engine]: providers hand over root entities, each entity goes through the stages of its
// [Processor]s, the children it emits are processed in turn, and what came out is stitched into the final entity that
// everybody sees. SQL is the truth; every change of a final entity is a row of the change log in the same transaction,
// and the index follows that log, on this process and on every replica.
//
//	provider*.go     root entities: configured and registered locations, mutations
//	processor*.go    the stages of one entity; no SQL
//	engine*.go       the loop: claim what is due, process on all cores, write in batches
//	extension*.go    providers and processors that come and go while the engine runs, as plugins do
//	stitch.go        final entities from processed ones, relations, orphan marks and errors
//	follow.go        change log → index
//	problem.go       what is wrong, kept for people
//	store*.go        SQL
//
// What is due is decided by time (catalog.processingInterval) for entities whose result depends on something that is read,
// and by change for all others. A file is recognised by size, time and hash, a URL by its ETag, an entity by its hash:
// what has not changed is not written.
//
// Configuration is the reference's, below "catalog". Ours is callboard.catalog.maxFileSize, the bytes that one file may
// have: by default 1 MiB for what is read from URLs and, since generated catalogs are large, 64 MiB for files that the
// operator's own configuration leads to; a value given holds for both.
//
// Beside the reference: an entity that only depends on its own document is processed when it changes, not each interval;
// Locations that form a circle do not cut each other off their root; and what fails is kept as a [Problem] with file and
// line, where the reference is silent until an entity was fine once.
//
// The reading side (queries, routes) works on the index alone.
package catalog
