package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
)

// Dialect names a database family where SQL must differ.
type Dialect string

// The supported databases.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "pg"
)

// DB is the one database of a running host. It is safe for concurrent use.
type DB struct {
	dialect Dialect
	// memory tells that the data ends with this value.
	memory bool
	// description says where the data is, without credentials.
	description string
	writer      *bun.DB
	reader      *bun.DB // the same as writer on PostgreSQL
	// retryable reports errors after which the same transaction may be tried again at once.
	retryable func(error) bool
	// translate turns driver errors that callers can act on into apierrors.
	translate func(error) error
}

// CheckConfig reports what is wrong with section (backend.database) as far as it shows without opening anything.
func CheckConfig(section *config.Section) {
	switch client := section.String("client", "better-sqlite3"); client {
	case "better-sqlite3", "sqlite3":
	case "pg":
		if !schemaName.MatchString(section.String("schema", defaultSchema)) {
			section.Problem("schema", "must be a lower-case identifier of at most 63 characters")
		}
		if _, err := postgresConfig(section); err != nil {
			section.Problem("connection", err.Error())
		}
	default:
		section.Problem("client", fmt.Sprintf("%q is not supported; use better-sqlite3 or pg", client))
	}
}

// Open opens the database that section (backend.database) names and checks that it can be written. Errors name the
// configuration key or the file and say what to do.
func Open(ctx context.Context, section *config.Section) (*DB, error) {
	switch client := section.String("client", "better-sqlite3"); client {
	case "better-sqlite3", "sqlite3":
		return openSQLite(ctx, section)
	case "pg":
		return openPostgres(ctx, section)
	default:
		return nil, fmt.Errorf("backend.database.client: %q is not supported; use better-sqlite3 or pg", client)
	}
}

// Dialect is the family of this database.
func (db *DB) Dialect() Dialect { return db.dialect }

// InMemory reports whether the data is in this process alone and ends with it.
func (db *DB) InMemory() bool { return db.memory }

// String says what and where the database is, for logs and the console; it holds no credentials.
func (db *DB) String() string { return db.description }

// Read is the pool for queries outside a write transaction. It must not be used to write; on SQLite it cannot.
func (db *DB) Read() bun.IDB { return db.reader }

// Write runs fn in one write transaction and commits when it returns nil. On SQLite writers queue behind each other, so
// fn must not wait for the network or for another Write; on PostgreSQL serialisation failures are retried, so fn may run
// more than once.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	const attempts = 5
	for attempt := 1; ; attempt++ {
		err := db.writer.RunInTx(ctx, &sql.TxOptions{}, fn)
		if err == nil {
			return nil
		}
		if attempt == attempts || ctx.Err() != nil || !db.retryable(err) {
			return db.translate(err)
		}
	}
}

// WriteDurably is Write for what must outlive the machine's death, not only the process's: it returns when the commit, and
// every one before it, is on the disk. On SQLite other commits are left to the system for a moment, which keeps the
// database whole but may lose the last ones; on PostgreSQL every commit is durable unless its server says otherwise.
func (db *DB) WriteDurably(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	if db.dialect == PostgreSQL || db.memory {
		return db.Write(ctx, fn)
	}
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return db.translate(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
		return db.translate(err)
	}
	err = conn.RunInTx(ctx, &sql.TxOptions{}, fn)
	// The connection goes back to the pool, so it must not keep the setting, also when ctx has ended.
	if _, reset := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = NORMAL"); err == nil {
		err = reset
	}
	return db.translate(err)
}

// Ping checks that the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("database %s does not answer: %w", db.description, err)
	}
	return nil
}

// Close closes the pools.
func (db *DB) Close() error {
	err := db.writer.Close()
	if db.reader != db.writer {
		if rerr := db.reader.Close(); err == nil {
			err = rerr
		}
	}
	return err
}

func busy(err error) error {
	return &apierror.Error{Name: apierror.ServiceUnavailable, Message: "The database is busy, try again in a moment", Cause: err}
}
