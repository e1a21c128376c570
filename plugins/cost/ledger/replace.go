package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/excerpt"
)

// Replace puts charges in the place of all that the ledger has of their source and billing periods. It does so at once, in
// one transaction at the end: an error among the charges, or the end of the process, leaves everything as it was. Where the
// content is what the ledger has already, only the run is noted. No charges change nothing.
//
// Charges are read on the caller's goroutine, one at a time, and are not kept after the next one. Memory is bounded: what
// does not fit is staged in the database, where nobody sees it. When two imports replace the same partition, the one that
// ends last wins.
func (l *Ledger) Replace(ctx context.Context, b Batch, charges iter.Seq2[Charge, error]) (Import, error) {
	result, err := l.replace(ctx, b, charges)
	if err != nil {
		return Import{}, fmt.Errorf("import of source %s: %w", excerpt.Short(b.Source), err)
	}
	return result, nil
}

func (l *Ledger) replace(ctx context.Context, b Batch, charges iter.Seq2[Charge, error]) (Import, error) {
	if b.Source == "" || len(b.Source) > 200 || len(b.Run) > 1000 {
		return Import{}, apierror.Inputf("a source needs a name of at most 200 bytes, a run one of at most 1000")
	}
	s := &staging{l: l, batch: b, id: rand.Text(), open: map[Period]*stagedPeriod{}, started: l.now()}
	for c, err := range charges {
		if err != nil {
			return Import{}, errors.Join(err, s.discard(ctx))
		}
		if err := s.add(ctx, &c); err != nil {
			return Import{}, errors.Join(err, s.discard(ctx))
		}
	}
	result, err := s.finish(ctx)
	if err != nil {
		return Import{}, errors.Join(err, s.discard(ctx))
	}
	return result, nil
}

// staging is an import that has not ended. Its segments are in the database without a partition.
type staging struct {
	l       *Ledger
	batch   Batch
	id      string
	open    map[Period]*stagedPeriod
	charges int64
	started time.Time
	stored  bool // there is something to discard
}

type stagedPeriod struct {
	builder    *builder
	partition  Partition
	currencies map[string]bool
	segments   int64
	content    hash.Hash
}

// weighEvery is how many charges pass between looks at the memory.
const weighEvery = 256

func (s *staging) add(ctx context.Context, c *Charge) error {
	if err := c.check(); err != nil {
		return err
	}
	if s.batch.Period != "" && c.Period != s.batch.Period {
		return apierror.Inputf("a charge is of the billing period %s, in an import of %s", c.Period, s.batch.Period)
	}
	p := s.open[c.Period]
	if p == nil {
		if len(s.open) >= maxPeriods {
			return apierror.Inputf("an import may be of %d billing periods, not more", maxPeriods)
		}
		p = s.period(c.Period)
	}
	if err := p.builder.add(c); err != nil {
		return err
	}
	s.charges++
	if s.charges%weighEvery != 0 {
		return nil
	}
	return s.makeRoom(ctx)
}

// maxPeriods bounds what a file with wrong dates can do.
const maxPeriods = 240

func (s *staging) period(name Period) *stagedPeriod {
	p := &stagedPeriod{builder: newBuilder(), currencies: map[string]bool{}, content: sha256.New(), partition: Partition{
		Source: s.batch.Source, Period: name, Run: s.batch.Run, FocusVersion: s.batch.FocusVersion, First: lastDay, Last: firstDay,
	}}
	s.open[name] = p
	return p
}

// makeRoom stores the largest builders until the others fit.
func (s *staging) makeRoom(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	total := 0
	for _, p := range s.open {
		total += p.builder.weight()
	}
	for total > s.l.room {
		largest := slices.MaxFunc(slices.Collect(maps.Values(s.open)), func(a, b *stagedPeriod) int {
			return a.builder.weight() - b.builder.weight()
		})
		total -= largest.builder.weight()
		if err := s.store(ctx, largest); err != nil {
			return err
		}
	}
	return nil
}

// store makes a segment of what a period's builder has.
func (s *staging) store(ctx context.Context, p *stagedPeriod) error {
	b := p.builder
	p.builder = newBuilder()
	if b.charges == 0 {
		return nil
	}
	for _, currency := range b.currencies() {
		p.currencies[currency] = true
	}
	g := b.segment()
	p.partition.Charges += b.charges
	p.partition.Cells += int64(g.cells)
	p.partition.First, p.partition.Last = min(p.partition.First, g.first), max(p.partition.Last, g.last)
	p.segments++
	g.hash(p.content)
	s.stored = true
	return s.l.db.Write(ctx, func(tx *sql.Tx) error { return s.insert(ctx, tx, p.partition.Period, &g) })
}

func (g *segment) hash(h hash.Hash) {
	for _, c := range g.columns {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(c.data)))
		h.Write([]byte(c.name))
		h.Write(size[:])
		h.Write(c.data)
	}
}

func (s *staging) insert(ctx context.Context, tx *sql.Tx, period Period, g *segment) error {
	done, err := tx.ExecContext(ctx, "INSERT INTO segments (staging, period, series, cells, first_day, last_day) VALUES (?, ?, ?, ?, ?, ?)",
		s.id, period, g.series, g.cells, g.first, g.last)
	if err != nil {
		return err
	}
	id, err := done.LastInsertId()
	if err != nil {
		return err
	}
	for _, c := range g.columns {
		if _, err := tx.ExecContext(ctx, "INSERT INTO columns (segment_id, name, data) VALUES (?, ?, ?)", id, c.name, c.data); err != nil {
			return err
		}
	}
	return nil
}

// finish stores the rest and shows all of it.
func (s *staging) finish(ctx context.Context) (Import, error) {
	result := Import{Source: s.batch.Source, Run: s.batch.Run, Charges: s.charges, Started: s.started}
	periods := slices.Sorted(maps.Keys(s.open))
	for _, period := range periods {
		if err := s.store(ctx, s.open[period]); err != nil {
			return result, err
		}
	}
	result.Ended = s.l.now()
	err := s.l.db.Write(ctx, func(tx *sql.Tx) error {
		for _, period := range periods {
			p, err := s.publish(ctx, tx, s.open[period], result.Ended)
			if err != nil {
				return fmt.Errorf("period %s: %w", period, err)
			}
			result.Partitions = append(result.Partitions, p)
		}
		return s.note(ctx, tx, &result)
	})
	return result, err
}

// publish puts a period's segments in the place of the former ones.
func (s *staging) publish(ctx context.Context, tx *sql.Tx, p *stagedPeriod, now time.Time) (Partition, error) {
	q := p.partition
	q.Imported = now.UTC()
	q.Currencies = slices.Sorted(maps.Keys(p.currencies))
	_ = binary.Write(p.content, binary.BigEndian, q.Charges) // to a hash
	q.Content = hex.EncodeToString(p.content.Sum(nil))
	var former string
	err := tx.QueryRowContext(ctx, "SELECT content FROM partitions WHERE source = ? AND period = ?", q.Source, q.Period).Scan(&former)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return q, err
	}
	if q.Unchanged = former == q.Content; q.Unchanged {
		return q, s.confirm(ctx, tx, q)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM partitions WHERE source = ? AND period = ?", q.Source, q.Period); err != nil {
		return q, err
	}
	return q, s.put(ctx, tx, q, p.segments)
}

// confirm notes the run of a partition that stays, and drops the staged segments, which are the same.
func (s *staging) confirm(ctx context.Context, tx *sql.Tx, q Partition) error {
	_, err := tx.ExecContext(ctx, "UPDATE partitions SET run = ?, focus_version = ?, imported = ? WHERE source = ? AND period = ?",
		q.Run, q.FocusVersion, q.Imported.UnixMilli(), q.Source, q.Period)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM segments WHERE partition_id IS NULL AND staging = ? AND period = ?", s.id, q.Period)
	return err
}

func (s *staging) put(ctx context.Context, tx *sql.Tx, q Partition, segments int64) error {
	currencies, err := json.Marshal(q.Currencies)
	if err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, `INSERT INTO partitions (source, period, run, focus_version, charges, cells, first_day, last_day, currencies, content, imported)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		q.Source, q.Period, q.Run, q.FocusVersion, q.Charges, q.Cells, q.First, q.Last, string(currencies), q.Content, q.Imported.UnixMilli())
	if err != nil {
		return err
	}
	id, err := done.LastInsertId()
	if err != nil {
		return err
	}
	done, err = tx.ExecContext(ctx, "UPDATE segments SET partition_id = ? WHERE partition_id IS NULL AND staging = ? AND period = ?", id, s.id, q.Period)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != segments {
		return errors.Join(apierror.New(apierror.Conflict, "another process has opened the ledger and removed what this import had staged; import again"), err)
	}
	return nil
}

// note lists the import, and forgets the oldest.
func (s *staging) note(ctx context.Context, tx *sql.Tx, result *Import) error {
	parts, err := json.Marshal(result.Partitions)
	if err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, "INSERT INTO imports (source, run, charges, partitions, started, ended) VALUES (?, ?, ?, ?, ?, ?)",
		result.Source, result.Run, result.Charges, string(parts), result.Started.UnixMilli(), result.Ended.UnixMilli())
	if err != nil {
		return err
	}
	if result.ID, err = done.LastInsertId(); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM imports WHERE id <= ?", result.ID-keptImports)
	return err
}

// discard removes what was staged; if that fails too, the next Open does it.
func (s *staging) discard(ctx context.Context) error {
	if !s.stored {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return s.l.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM segments WHERE partition_id IS NULL AND staging = ?", s.id)
		return err
	})
}
