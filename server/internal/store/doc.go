// Package store opens the database that every feature's store.go works on: SQLite embedded, or PostgreSQL, by the same
// keys as Backstage (backend.database). It owns pools, transactions, migrations and dialect differences, and nothing of
// any feature's tables. bun is used here and in each feature's store.go, nowhere else.
package store
