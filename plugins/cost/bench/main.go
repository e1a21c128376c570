// Bench measures what bills of a size cost to import and to ask, beside the bare limits: reading the file alone, and a plain
// table in SQLite. It ends with an error when a total is not the exact sum of the file, or a second import changes anything.
//
//	go run ./cost/bench -rows 1000000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/callboard/callboard/plugins/cost/focus/sample"
	"github.com/callboard/callboard/plugins/cost/ledger"
)

// firstDay is that of the bench's year.
var firstDay = time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)

func main() {
	rows := flag.Int("rows", 1_000_000, "charges of a year")
	dir := flag.String("dir", "", "where to put the bill and the ledger; a temporary folder when empty")
	repeat := flag.Int("repeat", 50, "how often each query is asked")
	flag.Parse()
	if err := run(context.Background(), *rows, *dir, *repeat); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rows int, dir string, repeat int) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "cost-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	bill := filepath.Join(dir, "bill.csv")
	if err := write(bill, rows); err != nil {
		return fmt.Errorf("write the bill: %w", err)
	}
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := imports(ctx, l, bill, rows); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if err := check(ctx, l, bill); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if err := sizes(dir); err != nil {
		return err
	}
	return queries(ctx, l, bill, filepath.Join(dir, "bare.sqlite"), repeat)
}

func write(path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	started := time.Now()
	err = errors.Join(sample.WriteCSV(f, sample.Options{Rows: rows, From: firstDay, Days: 365, Seed: 1}), f.Close())
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "A year of %d charges, %d MB of CSV, written in %s.\n\n", rows, info.Size()>>20, since(started))
	return nil
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }

// sizes prints what the ledger takes on disk.
func sizes(dir string) error {
	total := int64(0)
	err := filepath.WalkDir(filepath.Join(dir, "ledger"), func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		total += info.Size()
		return err
	})
	fmt.Fprintf(os.Stdout, "The ledger takes %d MB on disk.\n\n", total>>20)
	return err
}
