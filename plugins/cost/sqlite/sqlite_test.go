package sqlite

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var first = fstest.MapFS{"0001_start.sql": {Data: []byte("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('a')")}}

func count(t *testing.T, db *DB) (n int) {
	t.Helper()
	err := db.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow("SELECT count(*) FROM notes").Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDB_AppliesEachMigrationOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "100% notes?.sqlite")
	second := fstest.MapFS{"0001_start.sql": first["0001_start.sql"], "0002_more.sql": {Data: []byte("INSERT INTO notes VALUES ('b')")}}
	for i, step := range []struct {
		migrations fstest.MapFS
		want       int
	}{{first, 1}, {first, 1}, {second, 2}, {second, 2}} {
		db, err := Open(t.Context(), path, step.migrations, Everything)
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, db); n != step.want {
			t.Errorf("step %d: %d rows, want %d", i, n, step.want)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(t.Context(), path, first, Lately); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("an older version opened it: %v", err)
	}
}

func TestDB_RollsBackAndReadsOneState(t *testing.T) {
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "notes.sqlite"), first, Lately)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	failed := errors.New("failed")
	insert := func(err error) error {
		return db.Write(t.Context(), func(tx *sql.Tx) error {
			_, insertErr := tx.Exec("INSERT INTO notes VALUES ('c')")
			return errors.Join(insertErr, err)
		})
	}
	if err := insert(failed); !errors.Is(err, failed) || count(t, db) != 1 {
		t.Errorf("a failed write left %d rows: %v", count(t, db), err)
	}
	err = db.Read(t.Context(), func(tx *sql.Tx) error {
		var before, after int
		err := tx.QueryRow("SELECT count(*) FROM notes").Scan(&before)
		err = errors.Join(err, insert(nil), tx.QueryRow("SELECT count(*) FROM notes").Scan(&after))
		if before != 1 || after != 1 {
			t.Errorf("a reader saw %d rows, then %d", before, after)
		}
		_, refused := tx.Exec("DELETE FROM notes")
		if refused == nil {
			t.Error("a reader could write")
		}
		return err
	})
	if err != nil || count(t, db) != 2 {
		t.Errorf("%d rows afterwards: %v", count(t, db), err)
	}
}

func TestDB_SaysWhichFileCannotBeOpened(t *testing.T) {
	folder := t.TempDir()
	if _, err := Open(t.Context(), folder, first, Lately); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("a folder was opened: %v", err)
	}
	bad := fstest.MapFS{"0001_bad.sql": {Data: []byte("CREATE TABL")}}
	if _, err := Open(t.Context(), filepath.Join(folder, "x.sqlite"), bad, Lately); err == nil || !strings.Contains(err.Error(), "0001_bad.sql") {
		t.Errorf("a broken migration: %v", err)
	}
}
