package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/callboard/callboard/plugins/cost/focus"
	"github.com/callboard/callboard/plugins/cost/ledger"
)

// imports reads the file alone, then into the ledger, then again.
func imports(ctx context.Context, l *ledger.Ledger, bill string, rows int) error {
	watch := start()
	err := records(bill, func([]string) {})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "%-34s %10s %10s %12s\n", "import", "time", "processor", "rows/s")
	bare := watch.line("bare: the CSV read alone", rows)
	watch = start()
	first, err := load(ctx, l, bill, "1")
	if err != nil {
		return err
	}
	took := watch.line("into the ledger", rows)
	watch = start()
	again, err := load(ctx, l, bill, "2")
	if err != nil {
		return err
	}
	watch.line("again, which changes nothing", rows)
	fmt.Fprintf(os.Stdout, "ratio of the first to the bare limit, by processor time: %.1f; greatest memory: %s\n\n", float64(took)/float64(bare), peak())
	if first.Charges != int64(rows) {
		return fmt.Errorf("%d charges were imported", first.Charges)
	}
	for i, p := range again.Partitions {
		if !p.Unchanged || p.Content != first.Partitions[i].Content {
			return fmt.Errorf("the second import has changed %s", p.Period)
		}
	}
	return nil
}

// watch tells times by the clock, and of the processor: the latter does not depend on what else the machine does.
type watch struct {
	clock     time.Time
	processor time.Duration
}

func start() watch { return watch{time.Now(), processor()} }

// line prints what something took, and returns the processor's time.
func (w watch) line(what string, rows int) time.Duration {
	took, used := time.Since(w.clock), processor()-w.processor
	fmt.Fprintf(os.Stdout, "%-34s %10s %10s %12.0f\n", what, took.Round(time.Millisecond), used.Round(time.Millisecond), float64(rows)/took.Seconds())
	return used
}

// processor is how long the process has used processors so far.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func load(ctx context.Context, l *ledger.Ledger, bill, run string) (ledger.Import, error) {
	f, err := os.Open(bill)
	if err != nil {
		return ledger.Import{}, err
	}
	defer f.Close()
	reader, err := focus.Open(f, focus.Options{Now: func() time.Time { return firstDay.AddDate(1, 0, 0) }})
	if err != nil {
		return ledger.Import{}, err
	}
	defer reader.Close()
	done, err := l.Replace(ctx, ledger.Batch{Source: "bench", Run: run, FocusVersion: reader.Version()}, progress(reader))
	if err == nil && reader.Rejects() > 0 {
		err = fmt.Errorf("%d rows were rejected", reader.Rejects())
	}
	return done, err
}

// progress shows on a terminal's line how far the import is.
func progress(reader *focus.Reader) iter.Seq2[ledger.Charge, error] {
	return func(yield func(ledger.Charge, error) bool) {
		for c, err := range reader.Charges() {
			if reader.Rows()%100_000 == 0 {
				fmt.Fprintf(os.Stderr, "\r%d rows", reader.Rows())
			}
			if !yield(c, err) {
				return
			}
		}
		fmt.Fprint(os.Stderr, "\r              \r")
	}
}

// records reads a file by the standard library alone.
func records(bill string, each func([]string)) error {
	f, err := os.Open(bill)
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		each(record)
	}
}

// summed are the metrics that are checked, with their columns in a bill.
var summed = map[ledger.Metric]string{
	ledger.Effective: "EffectiveCost", ledger.Billed: "BilledCost", ledger.List: "ListCost", ledger.Contracted: "ContractedCost",
}

// check compares the ledger's totals with sums of the file in numbers of any size, for every metric, service and month.
func check(ctx context.Context, l *ledger.Ledger, bill string) error {
	all, err := sums(bill)
	if err != nil {
		return err
	}
	compared := 0
	for metric, want := range all {
		q := ledger.Query{Metric: metric, From: ledger.DayOf(firstDay), To: ledger.DayOf(firstDay) + 365, GroupBy: []ledger.Dimension{ledger.Service, ledger.BillingPeriod}}
		got, err := l.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, s := range got.Series {
			key := s.Keys[ledger.Service] + "|" + s.Keys[ledger.BillingPeriod]
			if want[key] == nil || want[key].Cmp(scaled(s.Total.String())) != 0 {
				return fmt.Errorf("%s of %s is %s, want %s", metric, key, s.Total, want[key])
			}
			delete(want, key)
			compared++
		}
		if len(want) > 0 {
			return fmt.Errorf("%s: %d sums are missing", metric, len(want))
		}
	}
	fmt.Fprintf(os.Stdout, "%d totals are exactly those of an independent sum of the file.\n", compared)
	return nil
}

// sums adds the file up by metric, and by "service|month".
func sums(bill string) (map[ledger.Metric]map[string]*big.Int, error) {
	totals := map[ledger.Metric]map[string]*big.Int{}
	at := map[string]int{} // of columns
	err := records(bill, func(record []string) {
		if len(at) == 0 {
			for i, name := range record {
				at[strings.Clone(name)] = i
			}
			return
		}
		key := record[at["ServiceName"]] + "|" + record[at["BillingPeriodStart"]][:7]
		for metric, column := range summed {
			if totals[metric] == nil {
				totals[metric] = map[string]*big.Int{}
			}
			total := totals[metric][key]
			if total == nil {
				total = new(big.Int)
				totals[metric][key] = total
			}
			total.Add(total, scaled(record[at[column]]))
		}
	})
	return totals, err
}

// scaled is a decimal of at most 18 places in steps of the last one; nil for anything else.
func scaled(text string) *big.Int {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > 18 {
		return nil
	}
	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", 18-len(fraction)), 10)
	if !ok {
		return nil
	}
	return n
}

// peak is the most memory that the process has had, as Linux tells it.
func peak() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(status)) {
		if size, found := strings.CutPrefix(line, "VmHWM:"); found {
			return strings.TrimSpace(size)
		}
	}
	return "unknown"
}
