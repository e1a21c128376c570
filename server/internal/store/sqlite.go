package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/uuid"
	"github.com/mattn/go-sqlite3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/callboard/callboard/server/internal/config"
)

// memoryConnection is the connection of Backstage's default configuration: nothing survives a restart.
const memoryConnection = ":memory:"

// databaseFile is the file inside a configured directory; Backstage would keep one file per plugin there.
const databaseFile = "callboard.sqlite"

func openSQLite(ctx context.Context, section *config.Section) (*DB, error) {
	path, err := sqlitePath(section)
	if err != nil {
		return nil, err
	}
	dsn, description := fileDSN(path), "SQLite at "+path
	if path == memoryConnection {
		dsn, description = memoryDSN(), "SQLite in memory"
	}
	writer, err := openSQLitePool(dsn, url.Values{"_txlock": {"immediate"}}, 1)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", description, err)
	}
	reader, err := openSQLitePool(dsn, url.Values{"_query_only": {"1"}}, max(4, runtime.NumCPU()))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", description, err), writer.Close())
	}
	db := &DB{dialect: SQLite, memory: path == memoryConnection, description: description, writer: writer, reader: reader,
		retryable: func(error) bool { return false }, translate: translateSQLite}
	if err := checkWritable(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("backend.database: %s cannot be written: %w; check the path and its permissions, and that the disk is not full",
			description, err), db.Close())
	}
	return db, nil
}

// sqlitePath reads backend.database.connection: a file name, ":memory:", {filename} or {directory}.
func sqlitePath(section *config.Section) (string, error) {
	if path, ok := section.Value("connection").(string); ok && path != "" {
		return prepare(path)
	}
	connection := section.Section("connection")
	if path := connection.String("filename", ""); path != "" {
		return prepare(path)
	}
	if dir := connection.String("directory", ""); dir != "" {
		return prepare(filepath.Join(dir, databaseFile))
	}
	return memoryConnection, nil
}

func prepare(path string) (string, error) {
	if path == memoryConnection {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("backend.database.connection: the folder of %s cannot be made: %w", path, err)
	}
	return path, nil
}

// memoryDSN names a database that the connections of both pools share: SQLite's memdb file system locks like a file,
// where shared-cache mode would fail readers during every write.
func memoryDSN() string { return "file:/callboard-" + uuid.NewString() + "?vfs=memdb" }

func fileDSN(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_journal_mode=WAL&_synchronous=NORMAL"
}

func openSQLitePool(dsn string, extra url.Values, connections int) (*bun.DB, error) {
	extra.Set("_busy_timeout", "5000")
	extra.Set("_foreign_keys", "1")
	extra.Set("_cache_size", "-16000")
	extra.Set("_stmt_cache_size", "64") // per connection; for statements whose arguments are not part of the text
	pool, err := sql.Open("sqlite3", dsn+"&"+extra.Encode())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connections)
	// Idle connections keep the in-memory database alive and its page cache warm.
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxLifetime(0)
	return bun.NewDB(pool, sqlitedialect.New()), nil
}

// checkWritable writes for real: a read-only file or folder shows only then.
func checkWritable(ctx context.Context, db *DB) error {
	// A page that many transactions in a row change is copied from the log to the file once for all of them.
	if _, err := db.writer.ExecContext(ctx, "PRAGMA wal_autocheckpoint = 4000"); err != nil {
		return err
	}
	return db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS callboard_opened (at TEXT); DELETE FROM callboard_opened; INSERT INTO callboard_opened VALUES (datetime('now'))")
		return err
	})
}

func translateSQLite(err error) error {
	if e, ok := errors.AsType[sqlite3.Error](err); ok && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked) {
		return busy(err)
	}
	return err
}
