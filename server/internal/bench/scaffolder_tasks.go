package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/config"
	"github.com/callboard/callboard/server/internal/store"
)

const (
	measuredTasks = 400
	// stockConcurrency is how many tasks a host runs at once unless it is told otherwise.
	stockConcurrency = 10
	// durableWrites of a task of one step: that it is made, that its step begins, that its step has ended, that it has ended.
	// The claim is a further transaction, which does not wait for the disk on SQLite.
	durableWrites = 4
)

// tasksPerSecond is tasks of one step from the request that makes them to their completion, beside as many transactions of one row.
func tasksPerSecond(ctx context.Context, o options, s *workshop, w io.Writer) error {
	fmt.Fprintf(w, "%-34s %9s %9s %14s %9s   ÷ limit\n", fmt.Sprintf("%d tasks of one step", measuredTasks), "tasks/s", "CPU each", "bare limit/s", "took")
	sqlite := map[string]any{"client": "better-sqlite3", "connection": s.path("t", "bare.sqlite")}
	if err := tasksOn(ctx, o, s, "SQLite, a file", nil, sqlite, w); err != nil {
		return err
	}
	p, err := startPostgres(ctx)
	if errors.Is(err, errNoPostgres) {
		fmt.Fprintf(w, "PostgreSQL: not measured: %v\n\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer p.stop()
	err = tasksOn(ctx, o, s, "PostgreSQL, fsync on", p.schema("host"), p.schema("bare"), w)
	fmt.Fprintln(w)
	return err
}

func tasksOn(ctx context.Context, o options, s *workshop, name string, database, bare map[string]any, w io.Writer) error {
	h, err := s.scaffolding(ctx, o, "tasks-"+strings.ToLower(name[:6]), stockConcurrency, database, nil)
	if err != nil {
		return err
	}
	defer h.end()
	if _, err := h.complete(ctx, measuredTasks/10, 0); err != nil { // whatever is made at its first use is made
		return err
	}
	before := h.cpu()
	took, err := h.complete(ctx, measuredTasks, measuredTasks/10)
	if err != nil {
		return err
	}
	spent := h.cpu() - before
	limit, err := bareWrites(ctx, bare)
	if err != nil {
		return fmt.Errorf("the bare limit: %w", err)
	}
	rate := measuredTasks / took.Seconds()
	fmt.Fprintf(w, "%-34s %9.0f %9s %14.0f %9s   %.2f\n", name, rate, micros(spent/measuredTasks), limit, took.Round(time.Millisecond), rate/limit)
	return nil
}

// complete makes n tasks from many connections and waits until all have completed, beside those that had before.
func (s *scaffolding) complete(ctx context.Context, n, before int) (time.Duration, error) {
	began := time.Now()
	if err := each(connections, n, func(int) error {
		_, err := s.make(ctx, "one", map[string]any{"name": "bench"})
		return err
	}); err != nil {
		return 0, err
	}
	var page struct{ TotalTasks int }
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		if err := s.get(ctx, "/api/scaffolder/v2/tasks?status=completed&limit=1", &page); err != nil {
			return 0, err
		}
		if page.TotalTasks == n+before {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("%d of %d tasks completed", page.TotalTasks-before, n)
}

// each calls do for 0 … n-1 from that many workers, until one fails.
func each(workers, n int, do func(i int) error) error {
	var next atomic.Int64
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return failed
}

// bareWrites is how many tasks there could be in a second if they were nothing but their transactions, each of one row.
func bareWrites(ctx context.Context, database map[string]any) (perSecond float64, err error) {
	db, err := store.Open(ctx, config.FromValue(map[string]any{"db": database}).Section("db"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	row := strings.Repeat("x", 500)
	insert := func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO bare (text) VALUES (?)", row)
		return err
	}
	if err := db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE bare (text TEXT NOT NULL)")
		return err
	}); err != nil {
		return 0, err
	}
	began := time.Now()
	err = each(stockConcurrency, measuredTasks, func(int) error {
		err := db.Write(ctx, insert)
		for range durableWrites {
			err = errors.Join(err, db.WriteDurably(ctx, insert))
		}
		return err
	})
	return measuredTasks / time.Since(began).Seconds(), err
}

// schema is a database of its own for a name.
func (p *postgres) schema(name string) map[string]any {
	return map[string]any{"client": "pg", "schema": name,
		"connection": fmt.Sprintf("host=%s port=%d user=%s dbname=postgres sslmode=disable", filepath.Clean(p.dir), postgresPort, postgresUser)}
}
