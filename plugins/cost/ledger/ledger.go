package ledger

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/callboard/callboard/plugins/cost/sqlite"
	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Ledger is safe for concurrent use. Queries run beside imports and see each of them as a whole or not at all.
type Ledger struct {
	db   *sqlite.DB
	now  func() time.Time
	room int // how much memory the builders of an import may take, in bytes
}

// memoryOfImport is how much of a bill is rolled up at once; larger partitions get several segments.
const memoryOfImport = 64 << 20

// keptImports is how many imports are listed.
const keptImports = 1000

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the ledger in a directory, and removes what an import left there that did not end.
func Open(ctx context.Context, dir string) (*Ledger, error) { return open(ctx, dir, time.Now) }

// OpenAt is [Open] with a clock, by which imports are dated.
func OpenAt(ctx context.Context, dir string, now func() time.Time) (*Ledger, error) {
	return open(ctx, dir, now)
}

func open(ctx context.Context, dir string, now func() time.Time) (*Ledger, error) {
	schema, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, filepath.Join(dir, "ledger.sqlite"), schema, sqlite.Everything)
	if err != nil {
		return nil, err
	}
	l := &Ledger{db: db, now: now, room: memoryOfImport}
	err = l.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM segments WHERE partition_id IS NULL")
		return err
	})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("remove what unfinished imports left: %w", err)
	}
	return l, nil
}

// Close waits for queries and imports.
func (l *Ledger) Close() error { return l.db.Close() }

// Partitions lists what the ledger holds, by source and period.
func (l *Ledger) Partitions(ctx context.Context) ([]Partition, error) {
	var list []Partition
	err := l.db.Read(ctx, func(tx *sql.Tx) (err error) {
		list, err = partitions(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	return list, nil
}

func partitions(ctx context.Context, tx *sql.Tx) ([]Partition, error) {
	rows, err := tx.QueryContext(ctx, `SELECT source, period, run, focus_version, charges, cells, first_day, last_day, currencies, content, imported
		FROM partitions ORDER BY source, period`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Partition
	for rows.Next() {
		var p Partition
		var currencies []byte
		var imported int64
		if err := rows.Scan(&p.Source, &p.Period, &p.Run, &p.FocusVersion, &p.Charges, &p.Cells, &p.First, &p.Last, &currencies, &p.Content, &imported); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(currencies, &p.Currencies); err != nil {
			return nil, err
		}
		p.Imported = time.UnixMilli(imported).UTC()
		list = append(list, p)
	}
	return list, rows.Err()
}

// Remove takes the charges of a source and period away. It fails with a NotFoundError where there are none.
func (l *Ledger) Remove(ctx context.Context, source string, period Period) error {
	err := l.db.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, "DELETE FROM partitions WHERE source = ? AND period = ?", source, period)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); n == 0 {
			return apierror.NotFoundf("there are no charges of source %q in %s", excerpt.Short(source), excerpt.Short(string(period)))
		} else if err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove charges: %w", err)
	}
	return nil
}

// Imports lists the latest imports, the last one first. Of those long ago there are none.
func (l *Ledger) Imports(ctx context.Context, limit int) ([]Import, error) {
	var list []Import
	err := l.db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT id, source, run, charges, partitions, started, ended FROM imports ORDER BY id DESC LIMIT ?", limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			i, err := scanImport(rows)
			if err != nil {
				return err
			}
			list = append(list, i)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	return list, nil
}

func scanImport(rows *sql.Rows) (i Import, err error) {
	var parts []byte
	var started, ended int64
	if err := rows.Scan(&i.ID, &i.Source, &i.Run, &i.Charges, &parts, &started, &ended); err != nil {
		return i, err
	}
	i.Started, i.Ended = time.UnixMilli(started).UTC(), time.UnixMilli(ended).UTC()
	return i, json.Unmarshal(parts, &i.Partitions)
}
