// Package search answers /api/search: full-text search over documents that other features provide, such as the entities
// of the catalog. Contract: "platform, search". The query semantics are those of the reference's default engine (Lunr):
// tokenised fields, stemming, prefix and edit-distance matches with lower weight, filters that are tokenised too.
//
// Each document type has an inverted index of its own, kept in memory behind an atomic pointer and brought up to date in
// the background: a query never reads a source, and an update reads only documents that changed. The index is a list of
// immutable segments, merged by size as it grows, so that an update costs what changed and not what is there.
//
// source.go is what others implement, catalog.go the type software-catalog; engine.go decides who sees what; index.go and
// segment.go are the index; plan.go, expand.go, match.go and rank.go are one query, in that order; query.go and params.go
// read what callers send.
package search
