// Package entity is the catalog's vocabulary: entities, references to them, relations, and the rules that field values
// obey. It is pure: no I/O, no clock, no dependency beyond the standard library, so that host, plugins and tools share it.
//
// An [Entity] is an open JSON document; a [Ref] is its address. Grammar and rules mirror Backstage's catalog-model.
package entity
