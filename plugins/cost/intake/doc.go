// Package intake brings bills into the ledger: files that are uploaded, files that are put into a folder or an S3 bucket, and
// what OpenCost answers.
//
//	intake.go    an import from its first byte to its end, as a job
//	job.go       what is known of it; jobs.go keeps that over restarts; progress.go tells it while it runs
//	upload.go    HTTP
//	watch.go     places that are looked at again and again; delivery.go what belongs together there; records.go what was seen
//	folder.go, s3.go, sign.go  the two kinds of places; folder s3fake is a bucket for tests
//
// What replaces what. An import replaces every billing period of its source that it has charges of, as a whole. So files that
// make up a period together must be imported together. In watched places they are recognised by a manifest, as AWS Data
// Exports (…-Manifest.json) and Azure's exports (manifest.json) write it, or by a folder whose name is a partition, such as
// BILLING_PERIOD=2026-11; every other file stands for itself, and the one that changed last wins.
//
// What is refused. An import changes nothing when more of its rows are rejected than ten, or a tenth where that is more: a bill
// with a hole is worse than yesterday's.
package intake
