package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
	"github.com/callboard/callboard/server/internal/store/storetest"
)

func migrations() fstest.MapFS {
	table := &fstest.MapFile{Data: []byte("CREATE TABLE ledger_lines (n INTEGER NOT NULL)")}
	return fstest.MapFS{"sqlite/0001_lines.up.sql": table, "pg/0001_lines.up.sql": table}
}

func count(t *testing.T, db *store.DB) int {
	t.Helper()
	n, err := db.Read().NewSelect().Table("ledger_lines").Count(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func TestAWriteIsAllOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if err := db.Migrate(ctx, "ledger", migrations()); err != nil {
			t.Fatal(err)
		}
		insert := func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO ledger_lines VALUES (1)")
			return err
		}
		failed := errors.New("changed my mind")
		err := db.Write(ctx, func(ctx context.Context, tx bun.Tx) error { return errors.Join(insert(ctx, tx), failed) })
		if !errors.Is(err, failed) || count(t, db) != 0 {
			t.Fatalf("a failed write: %v, %d rows", err, count(t, db))
		}
		if err := db.Write(ctx, insert); err != nil || count(t, db) != 1 {
			t.Fatalf("a write: %v, %d rows", err, count(t, db))
		}
	})
}

func TestADurableWriteWaitsForTheDiskAndOthersDoNot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if err := db.Migrate(ctx, "ledger", migrations()); err != nil {
			t.Fatal(err)
		}
		var durable, usual string
		ask := func(into *string) func(context.Context, bun.Tx) error {
			return func(ctx context.Context, tx bun.Tx) error {
				if _, err := tx.ExecContext(ctx, "INSERT INTO ledger_lines VALUES (1)"); err != nil || db.Dialect() == store.PostgreSQL {
					return err
				}
				return tx.QueryRowContext(ctx, "PRAGMA synchronous").Scan(into)
			}
		}
		cancelled, cancel := context.WithCancel(ctx)
		failed := db.WriteDurably(cancelled, func(context.Context, bun.Tx) error { cancel(); return cancelled.Err() })
		if err := errors.Join(db.WriteDurably(ctx, ask(&durable)), db.Write(ctx, ask(&usual))); err != nil || failed == nil {
			t.Fatal(err, failed)
		}
		if db.Dialect() == store.SQLite && (durable != "2" || usual != "1") { // FULL and NORMAL
			t.Errorf("synchronous is %s, and %s for others", durable, usual)
		}
		if n := count(t, db); n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
	})
}

func TestWritersQueueAndReadersSeeWholeTransactions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if err := db.Migrate(ctx, "ledger", migrations()); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					err := db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
						for range 2 {
							if _, err := tx.ExecContext(ctx, "INSERT INTO ledger_lines VALUES (1)"); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
					if n := count(t, db); n%2 != 0 {
						t.Errorf("a reader saw %d rows, half a transaction", n)
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, db); n != 80 {
			t.Errorf("%d rows, want 80", n)
		}
	})
}

func TestReplicasMigrateOnce(t *testing.T) {
	section := storetest.PostgreSQLConfig(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			cfg := config.FromValue(map[string]any{"db": section})
			db, err := store.Open(context.Background(), cfg.Section("db"))
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.Migrate(context.Background(), "ledger", migrations()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestAReaderCannotWriteOnSQLite(t *testing.T) {
	db := storetest.SQLite(t)
	if _, err := db.Read().ExecContext(context.Background(), "CREATE TABLE x (a)"); err == nil {
		t.Error("the read pool wrote")
	}
}

func TestTheInMemoryDatabaseIsSharedByAllConnections(t *testing.T) {
	cfg := config.FromYAML("{client: better-sqlite3, connection: ':memory:'}")
	db, err := store.Open(context.Background(), cfg.Root())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(context.Background(), "ledger", migrations()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			err := db.Write(context.Background(), func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO ledger_lines VALUES (1)")
				return err
			})
			if err != nil {
				t.Error(err)
			}
			count(t, db)
		})
	}
	wg.Wait()
	if n := count(t, db); n != 6 {
		t.Errorf("%d rows, want 6", n)
	}
}

func TestOpeningFailsWithWhatToDo(t *testing.T) {
	readOnly := filepath.Join(t.TempDir(), "folder")
	if err := os.WriteFile(readOnly, []byte("a file where a folder should be"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(t.TempDir(), "garbage.sqlite")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown client":   {"{client: mysql2}", `"mysql2" is not supported; use better-sqlite3 or pg`},
		"unusable folder":  {"{client: better-sqlite3, connection: {directory: '" + readOnly + "'}}", "backend.database.connection"},
		"not a database":   {"{client: better-sqlite3, connection: '" + garbage + "'}", "cannot be written"},
		"bad schema":       {"{client: pg, schema: 'a;b', connection: 'host=/nowhere'}", "not a lower-case identifier"},
		"nobody listening": {"{client: pg, connection: 'host=/nowhere dbname=x'}", "PostgreSQL x at /nowhere"},
		"bad port":         {"{client: pg, connection: {host: localhost, port: 99999}}", "not a port number"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.Open(context.Background(), config.FromYAML(c.yaml).Root())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a message with %q", err, c.want)
			}
		})
	}
}

func TestAPasswordIsNeverPartOfTheDescription(t *testing.T) {
	section := storetest.PostgreSQLConfig(t)
	section["connection"] = section["connection"].(string) + " password=canary-password"
	db, err := store.Open(context.Background(), config.FromValue(section).Root())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if strings.Contains(db.String(), "canary") {
		t.Errorf("description %q", db)
	}
	if err := db.Ping(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestABusyDatabaseIsAskedAgainLater(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for SQLite's busy timeout of five seconds")
	}
	path := filepath.Join(t.TempDir(), "busy.sqlite")
	open := func() *store.DB {
		db, err := store.Open(context.Background(), config.FromValue(map[string]any{"connection": path}).Root())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	one, two := open(), open()
	holding, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = one.Write(context.Background(), func(context.Context, bun.Tx) error { close(holding); <-release; return nil })
	})
	<-holding
	err := two.Write(context.Background(), func(context.Context, bun.Tx) error { return nil })
	close(release)
	wg.Wait()
	if !apierror.Has(err, apierror.ServiceUnavailable) {
		t.Errorf("got %v, want ServiceUnavailableError", err)
	}
}
