package opencost

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"time"

	"github.com/callboard/callboard/plugins/cost/intake"
	"github.com/callboard/callboard/plugins/cost/ledger"
	"github.com/callboard/callboard/plugins/cost/sqlite"
	"github.com/callboard/callboard/sdk/apierror"
)

// Days keeps what OpenCost has answered about each day. The ledger replaces months as a whole, and OpenCost knows about the
// last two weeks only.
type Days struct{ db *sqlite.DB }

//go:embed migrations/*.sql
var migrations embed.FS

// OpenDays opens the days in a directory.
func OpenDays(ctx context.Context, dir string) (*Days, error) {
	schema, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, filepath.Join(dir, "opencost.sqlite"), schema, sqlite.Lately)
	if err != nil {
		return nil, err
	}
	return &Days{db}, nil
}

// Close waits for what is being written.
func (d *Days) Close() error { return d.db.Close() }

// Importer takes charges: an [intake.Intake].
type Importer interface {
	ImportCharges(ctx context.Context, d intake.Delivery, focusVersion string, charges iter.Seq2[ledger.Charge, error]) (intake.Job, error)
}

// Collector brings the days of one OpenCost into the ledger.
type Collector struct {
	Client   *Client
	Source   string // in the ledger
	Currency string // that OpenCost's prices are in; USD when empty
	Days     *Days
	Intake   Importer
	Now      func() time.Time
	Back     int // how many days before today are asked for at first; 14 when 0
}

// settles is how long after its end a day is asked for: metrics arrive late.
const settles = time.Hour

// Collect asks for the days that are over and not kept yet, and imports the months that they are of. A day that cannot be had
// does not keep others from being imported. It is called again and again, from one host at a time.
func (c *Collector) Collect(ctx context.Context) error {
	today := ledger.DayOf(c.Now().Add(-settles))
	back := c.Back
	if back <= 0 {
		back = 14
	}
	kept, err := c.Days.kept(ctx, c.Source, today-ledger.Day(back))
	if err != nil {
		return err
	}
	var problems []error
	for day := today - ledger.Day(back); day < today && ctx.Err() == nil; day++ {
		if kept[day] {
			continue
		}
		if err := c.fetch(ctx, day); err != nil {
			problems = append(problems, err)
			if !apierror.Has(err, apierror.Input) {
				break // the next one would fail like this
			}
		}
	}
	problems = append(problems, c.publish(ctx), ctx.Err())
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("collect costs of source %s: %w", c.Source, err)
	}
	return nil
}

func (c *Collector) fetch(ctx context.Context, day ledger.Day) error {
	list, err := c.Client.Day(ctx, day)
	if err != nil {
		return err
	}
	currency := c.Currency
	if currency == "" {
		currency = "USD"
	}
	charges, err := charges(day, list, currency)
	if err != nil {
		return apierror.Inputf("costs of %s: %v", day, err)
	}
	if len(charges) == 0 {
		return nil // OpenCost does not know that day, or not yet
	}
	return c.Days.keep(ctx, c.Source, day, charges)
}

// publish imports the months of which days are not in the ledger.
func (c *Collector) publish(ctx context.Context) error {
	days, err := c.Days.unpublished(ctx, c.Source)
	if err != nil {
		return err
	}
	months := map[ledger.Period]bool{}
	for _, day := range days {
		months[day.Period()] = true
	}
	for month := range months {
		d := intake.Delivery{Source: c.Source, Period: month, Run: "until " + days[len(days)-1].String(), Origin: intake.FromOpenCost}
		if _, err := c.Intake.ImportCharges(ctx, d, "1.2", c.Days.charges(ctx, c.Source, month)); err != nil {
			return err
		}
		if err := c.Days.published(ctx, c.Source, month); err != nil {
			return err
		}
	}
	return nil
}

func (d *Days) kept(ctx context.Context, source string, from ledger.Day) (map[ledger.Day]bool, error) {
	days, err := d.list(ctx, "SELECT day FROM days WHERE source = ? AND day >= ?", source, from)
	kept := make(map[ledger.Day]bool, len(days))
	for _, day := range days {
		kept[day] = true
	}
	return kept, err
}

func (d *Days) unpublished(ctx context.Context, source string) ([]ledger.Day, error) {
	return d.list(ctx, "SELECT day FROM days WHERE source = ? AND imported = 0 ORDER BY day", source)
}

func (d *Days) list(ctx context.Context, query string, args ...any) ([]ledger.Day, error) {
	var list []ledger.Day
	err := d.db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var day ledger.Day
			if err := rows.Scan(&day); err != nil {
				return err
			}
			list = append(list, day)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list days of OpenCost: %w", err)
	}
	return list, nil
}

// keep writes a day down.
func (d *Days) keep(ctx context.Context, source string, day ledger.Day, charges []ledger.Charge) error {
	text, err := json.Marshal(charges)
	if err != nil {
		return err
	}
	err = d.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO days (source, day, charges, imported) VALUES (?, ?, ?, 0)", source, day, text)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep %s: %w", day, err)
	}
	return nil
}

// published notes that the ledger has the days of a month.
func (d *Days) published(ctx context.Context, source string, month ledger.Period) error {
	return d.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE days SET imported = 1 WHERE source = ? AND day >= ? AND day < ?", source, month.First(), month.Next())
		return err
	})
}

// charges streams what is kept of a month, day by day.
func (d *Days) charges(ctx context.Context, source string, month ledger.Period) iter.Seq2[ledger.Charge, error] {
	return func(yield func(ledger.Charge, error) bool) {
		for day := month.First(); day < month.Next(); day++ {
			list, err := d.day(ctx, source, day)
			if err != nil {
				yield(ledger.Charge{}, err)
				return
			}
			for _, c := range list {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

func (d *Days) day(ctx context.Context, source string, day ledger.Day) (list []ledger.Charge, err error) {
	err = d.db.Read(ctx, func(tx *sql.Tx) error {
		var text []byte
		err := tx.QueryRowContext(ctx, "SELECT charges FROM days WHERE source = ? AND day = ?", source, day).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return errors.Join(err, json.Unmarshal(text, &list))
	})
	return list, err
}
