package intake

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

// Delivered is what became of files in a watched place.
type Delivered struct {
	Name    string          `json:"name"` // of the manifest, the folder or the file
	Source  string          `json:"source"`
	Periods []ledger.Period `json:"periods"`
	Job     string          `json:"job,omitempty"`
	Problem string          `json:"problem,omitempty"` // it could not be imported, and is not tried again until it changes
	Seen    time.Time       `json:"seen"`
	Gone    *time.Time      `json:"gone,omitempty"` // since when it is not there any more; its charges stay

	fingerprint string
	content     string
}

// Delivered lists what was found in a place, by name.
func (i *Intake) Delivered(ctx context.Context, place string) ([]Delivered, error) {
	var list []Delivered
	err := i.db.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT name, source, fingerprint, content, periods, job, problem, seen, gone FROM deliveries WHERE place = ? ORDER BY name", place)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			d, err := scanDelivered(rows)
			if err != nil {
				return err
			}
			list = append(list, d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list what was found in %s: %w", place, err)
	}
	return list, nil
}

func scanDelivered(rows *sql.Rows) (d Delivered, err error) {
	var periods []byte
	var seen, gone int64
	if err := rows.Scan(&d.Name, &d.Source, &d.fingerprint, &d.content, &periods, &d.Job, &d.Problem, &seen, &gone); err != nil {
		return d, err
	}
	d.Seen = time.UnixMilli(seen).UTC()
	if gone != 0 {
		at := time.UnixMilli(gone).UTC()
		d.Gone = &at
	}
	return d, json.Unmarshal(periods, &d.Periods)
}

// record writes down what was found.
func (i *Intake) record(ctx context.Context, place string, d *Delivered) error {
	periods, err := json.Marshal(slices.Concat([]ledger.Period{}, d.Periods))
	if err != nil {
		return err
	}
	var gone int64
	if d.Gone != nil {
		gone = d.Gone.UnixMilli()
	}
	err = i.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO deliveries (place, name, source, fingerprint, content, periods, job, problem, seen, gone)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			place, d.Name, d.Source, d.fingerprint, d.content, string(periods), d.Job, d.Problem, d.Seen.UnixMilli(), gone)
		return err
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", d.Name, err)
	}
	return nil
}

// Forget has files of a place imported again at the next look, whether they have changed or not. An empty name means all.
func (i *Intake) Forget(ctx context.Context, place, name string) error {
	err := i.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM deliveries WHERE place = ? AND (name = ? OR ? = '')", place, name, name)
		return err
	})
	return errors.Join(err)
}
