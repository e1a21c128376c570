package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/uptrace/bun/migrate"
)

// Migrate brings the tables of one feature up to date. files holds the folders sqlite/ and pg/ with NNNN_name.up.sql; a
// feature's tables are prefixed with its name (catalog_entities), and what was applied is kept in <feature>_migrations.
//
// On PostgreSQL replicas queue on an advisory lock that ends with its connection, so a killed process leaves no stuck
// lock; on SQLite there is one process.
func (db *DB) Migrate(ctx context.Context, feature string, files fs.FS) error {
	dir, err := fs.Sub(files, string(db.dialect))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", feature, err)
	}
	migrations := migrate.NewMigrations()
	if err := migrations.Discover(dir); err != nil {
		return fmt.Errorf("migrate %s: %w", feature, err)
	}
	unlock, err := db.lockMigrations(ctx, feature)
	if err != nil {
		return fmt.Errorf("migrate %s: lock: %w", feature, err)
	}
	defer unlock()
	migrator := migrate.NewMigrator(db.writer, migrations, migrate.WithTableName(feature+"_migrations"),
		migrate.WithLocksTableName(feature+"_migration_locks"), migrate.WithMarkAppliedOnSuccess(true))
	if err := migrator.Init(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", feature, err)
	}
	if _, err := migrator.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", feature, err)
	}
	return nil
}

func (db *DB) lockMigrations(ctx context.Context, feature string) (unlock func(), err error) {
	if db.dialect != PostgreSQL {
		return func() {}, nil
	}
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return nil, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte("callboard.migrate." + feature))
	key := int64(h.Sum64())
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", key); err != nil {
		return nil, err
	}
	return func() {
		// The connection goes back to the pool, so the lock must not stay with it, also when ctx has ended.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(?)", key)
		_ = conn.Close()
	}, nil
}
