// Package storetest runs a test against every database the product supports: a fresh SQLite file, and a fresh schema of
// a private PostgreSQL server that the tests start themselves.
package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
)

// Each runs fn once per database as a subtest ("SQLite", "PostgreSQL"), each time with an empty database. Without
// PostgreSQL's programs the second is skipped, or fails when CI=true.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { fn(t, PostgreSQL(t)) })
}

// SQLite is an empty SQLite database in a file of the test's own folder.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	return open(t, map[string]any{"client": "better-sqlite3", "connection": filepath.Join(t.TempDir(), "test.sqlite")})
}

// PostgreSQL is an empty schema of the private server; see [Each] for what happens without PostgreSQL.
func PostgreSQL(t testing.TB) *store.DB {
	t.Helper()
	return open(t, PostgreSQLConfig(t))
}

// PostgreSQLConfig is the value of backend.database for an empty schema of the private server, for tests that open the
// database several times (replicas) or start the whole program.
func PostgreSQLConfig(t testing.TB) map[string]any {
	t.Helper()
	socket := server(t)
	schema := "t_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	return map[string]any{"client": "pg", "schema": schema,
		"connection": fmt.Sprintf("host=%s port=%d user=%s dbname=postgres sslmode=disable", socket, port, user)}
}

func open(t testing.TB, section map[string]any) *store.DB {
	t.Helper()
	cfg := config.FromValue(map[string]any{"backend": map[string]any{"database": section}})
	db, err := store.Open(context.Background(), cfg.Section("backend.database"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
