// Package sqlite opens the plugin's own database files: one writer and several readers in WAL mode, and schemas that grow by
// numbered migrations.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// DB is one database file. A write waits for the one before it; reads see the state of their beginning and wait for nobody.
type DB struct {
	path           string
	writer, reader *sql.DB
}

// Durability is what a power cut may take. The end of the process alone takes nothing that was committed.
type Durability string

// The durabilities.
const (
	Everything Durability = "FULL"   // nothing: each commit waits for the disk
	Lately     Durability = "NORMAL" // the last commits, all of a moment, where they can be made again
)

// Open opens a file, which is made with its folder if it is not there, and brings its schema up to date: migrations are the
// *.sql files of a folder, applied in the order of their names, each once.
func Open(ctx context.Context, path string, migrations fs.FS, keeps Durability) (*DB, error) {
	db, err := open(ctx, path, keeps)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := db.migrate(ctx, migrations); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate %s: %w", path, err), db.Close())
	}
	return db, nil
}

func open(ctx context.Context, path string, keeps Durability) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	writer, err := pool(path, url.Values{"_txlock": {"immediate"}, "_synchronous": {string(keeps)}}, 1)
	if err != nil {
		return nil, err
	}
	// Large pages suit large values. They are chosen before the file has any, which WAL mode gives it.
	_, err = writer.ExecContext(ctx, "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader, err := pool(path, url.Values{"_query_only": {"1"}}, max(4, runtime.NumCPU()))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &DB{path, writer, reader}, nil
}

// pool opens connections that are kept.
func pool(path string, extra url.Values, connections int) (*sql.DB, error) {
	extra.Set("_busy_timeout", "10000")
	extra.Set("_foreign_keys", "1")
	extra.Set("_cache_size", "-16000")
	p, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+extra.Encode())
	if err != nil {
		return nil, err
	}
	p.SetMaxOpenConns(connections)
	p.SetMaxIdleConns(connections)
	return p, nil
}

// migrate keeps the number of applied migrations in the file's user_version.
func (db *DB) migrate(ctx context.Context, migrations fs.FS) error {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return err
	}
	return db.Write(ctx, func(tx *sql.Tx) error {
		var applied int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&applied); err != nil {
			return err
		}
		if applied > len(names) {
			return fmt.Errorf("it was written by a newer version, with %d migrations where this one knows %d", applied, len(names))
		}
		for _, name := range names[applied:] {
			text, err := fs.ReadFile(migrations, name)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(names)))
		return err
	})
}

// Write runs f in a transaction, which is rolled back when f fails.
func (db *DB) Write(ctx context.Context, f func(*sql.Tx) error) error {
	return within(ctx, db.writer, nil, f)
}

// Read runs f in a transaction that sees one state of the file.
func (db *DB) Read(ctx context.Context, f func(*sql.Tx) error) error {
	return within(ctx, db.reader, &sql.TxOptions{ReadOnly: true}, f)
}

func within(ctx context.Context, pool *sql.DB, options *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := pool.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Close ends both pools after their transactions.
func (db *DB) Close() error { return errors.Join(db.reader.Close(), db.writer.Close()) }
