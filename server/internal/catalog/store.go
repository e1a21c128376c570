package catalog

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"strings"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/store"
)

// The SQL of the catalog is in the store*.go files. One rule holds for all of it: a transaction that changes entities
// takes the writer lock first, so that such transactions commit one after the other on every database, and the change
// log's numbers have the order of the commits.

//go:embed migrations
var migrationFiles embed.FS

func migrations() fs.FS {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return files
}

// database is the catalog's tables.
type database struct{ db *store.DB }

// write runs fn in a transaction that holds the writer lock.
func (d database) write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	return d.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if d.db.Dialect() == store.PostgreSQL {
			if _, err := tx.ExecContext(ctx, "SELECT 1 FROM catalog_meta WHERE key = 'writer' FOR UPDATE"); err != nil {
				return err
			}
		}
		return fn(ctx, tx)
	})
}

// The sizes of one statement. Statements come in few lengths, so that SQLite finds them prepared: formatting and parsing
// them cost more than running them.
const (
	rowsPerStatement  = 256
	keysPerStatement  = 512
	bytesPerStatement = 4 << 20
)

// execRows runs one statement per chunk of rows: before + "(?, ?), (?, ?), …" + after.
func execRows(ctx context.Context, tx bun.IDB, before string, rows [][]any, after string) error {
	return eachChunk(rows, func(values string, args []any) error {
		return execute(ctx, tx, before+values+after, args...)
	})
}

// queryRows is execRows for statements that return text in their only column.
func queryRows(ctx context.Context, tx bun.IDB, before string, rows [][]any, after string) ([]string, error) {
	var all []string
	err := eachChunk(rows, func(values string, args []any) error {
		got, err := texts(ctx, tx, before+values+after, args...)
		all = append(all, got...)
		return err
	})
	return all, err
}

func eachChunk(rows [][]any, run func(values string, args []any) error) error {
	var args []any
	for len(rows) > 0 {
		n := min(len(rows), rowsPerStatement)
		for n&(n-1) != 0 {
			n &= n - 1 // down to a power of two
		}
		for n > 1 && bytesOf(rows[:n]) > bytesPerStatement {
			n /= 2
		}
		args = args[:0]
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		row := "(?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
		if err := run(row+strings.Repeat(", "+row, n-1), args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func bytesOf(rows [][]any) (size int) {
	for _, r := range rows {
		for _, v := range r {
			if s, ok := v.(string); ok {
				size += len(s)
			}
		}
	}
	return size
}

// execIn runs a statement that ends in "IN (?)", or has it somewhere, for each chunk of keys. Other arguments come first.
func execIn[K ~string](ctx context.Context, tx bun.IDB, statement string, keys []K, args ...any) error {
	return inChunks(statement, keys, args, func(statement string, args []any) error { return execute(ctx, tx, statement, args...) })
}

// queryIn runs a query with one "IN (?)" for each chunk of keys.
func queryIn[K ~string](ctx context.Context, db bun.IDB, keys []K, query string, scan func(*sql.Rows) error) error {
	return inChunks(query, keys, nil, func(query string, args []any) error { return each(ctx, db, scan, query, args...) })
}

// inChunks fills the list of a statement up to one of a few lengths by repeating its last key.
func inChunks[K ~string](statement string, keys []K, first []any, run func(statement string, args []any) error) error {
	for len(keys) > 0 {
		n, size := min(len(keys), keysPerStatement), 1
		for size < n {
			size *= 8
		}
		args := append(make([]any, 0, len(first)+size), first...)
		for i := range size {
			args = append(args, string(keys[min(i, n-1)]))
		}
		if err := run(strings.Replace(statement, "IN (?)", "IN (?"+strings.Repeat(", ?", size-1)+")", 1), args); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func execute(ctx context.Context, db bun.IDB, statement string, args ...any) error {
	_, err := store.Below(db).ExecContext(ctx, statement, args...)
	return err
}

// each calls scan for every row of a query.
func each(ctx context.Context, db bun.IDB, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := store.Below(db).QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// texts is the only column of a query.
func texts(ctx context.Context, db bun.IDB, query string, args ...any) ([]string, error) {
	var all []string
	err := each(ctx, db, func(rows *sql.Rows) error {
		var s string
		err := rows.Scan(&s)
		all = append(all, s)
		return err
	}, query, args...)
	return all, err
}

// null stores "" as NULL.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// meta reads one of the engine's own values, "" when it was never set.
func (d database) meta(ctx context.Context, key string) (string, error) {
	values, err := texts(ctx, d.db.Read(), "SELECT value FROM catalog_meta WHERE key = ?", key)
	if len(values) == 0 {
		return "", err
	}
	return values[0], err
}

func setMeta(ctx context.Context, tx bun.IDB, key, value string) error {
	return execute(ctx, tx, "INSERT INTO catalog_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
}

// probe tells whether the database takes writes at all.
func (d database) probe(ctx context.Context) error {
	return d.write(ctx, func(ctx context.Context, tx bun.Tx) error { return setMeta(ctx, tx, "writer", "") })
}
