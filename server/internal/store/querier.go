package store

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// Querier runs statements.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Below is database/sql under bun where the database is SQLite: bun writes arguments into the text of a statement, and
// only a text that comes again is found prepared. On PostgreSQL that text tells the types of the arguments.
func Below(db bun.IDB) Querier {
	if db.Dialect().Name() == dialect.SQLite {
		switch db := db.(type) {
		case bun.Tx:
			return db.Tx
		case *bun.DB:
			return db.DB
		}
	}
	return db
}
