package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/callboard/callboard/plugins/cost/ledger"
)

// asked are queries as pages and widgets ask them.
func asked() []struct {
	name  string
	query ledger.Query
} {
	from, to := ledger.DayOf(firstDay), ledger.DayOf(firstDay)+365
	year := func(g ledger.Granularity, limit int, by ...ledger.Dimension) ledger.Query {
		return ledger.Query{From: from, To: to, Granularity: g, GroupBy: by, Limit: limit}
	}
	month := year(ledger.Daily, 10, ledger.Service)
	month.From = to - 30
	entity := year(ledger.Daily, 10, ledger.Service)
	entity.Filter = ledger.Where(ledger.Is(ledger.Tag("service"), "booking-service", "bookings-db"))
	allocated := year(ledger.Monthly, 20, ledger.ByRule)
	for i := range 500 {
		tag := ledger.Is(ledger.Tag("service"), "service-"+strconv.Itoa(i))
		allocated.Rules = append(allocated.Rules, ledger.Rule{Name: strconv.Itoa(i), Filter: ledger.Where(tag)})
	}
	allocated.Rules = append(allocated.Rules, ledger.Rule{Name: "booking-crew", Filter: ledger.Where(ledger.Is(ledger.Tag("team"), "booking-crew"))})
	return []struct {
		name  string
		query ledger.Query
	}{
		{"year by day, by service", year(ledger.Daily, 10, ledger.Service)},
		{"year by month, by team and cloud", year(ledger.Monthly, 20, ledger.Tag("team"), ledger.Provider)},
		{"30 days by day, by service", month},
		{"year of an entity by day, by service", entity},
		{"year by 501 rules of entities", allocated},
		{"year: 20 dearest resources", year(ledger.Total, 20, ledger.Resource)},
	}
}

// queries asks them, and the first one of a plain table too.
func queries(ctx context.Context, l *ledger.Ledger, bill, bareFile string, repeat int) error {
	fmt.Fprintf(os.Stdout, "%-40s %9s %9s %9s %8s\n", "query", "p50", "p99", "max", "series")
	for _, a := range asked() {
		series := 0
		times, err := timed(repeat, func() error {
			r, err := l.Query(ctx, a.query)
			series = len(r.Series)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		show(a.name, times, series)
	}
	db, err := bare(ctx, bill, bareFile)
	if err != nil {
		return fmt.Errorf("plain table: %w", err)
	}
	defer db.Close()
	series := 0
	times, err := timed(min(repeat, 5), func() error {
		return db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT day, service, sum(effective) FROM charges GROUP BY day, service)").Scan(&series)
	})
	show("bare: a SELECT over a plain table", times, series)
	return err
}

func timed(repeat int, f func() error) ([]time.Duration, error) {
	times := make([]time.Duration, repeat)
	for i := range times {
		started := time.Now()
		if err := f(); err != nil {
			return nil, err
		}
		times[i] = time.Since(started)
	}
	slices.Sort(times)
	return times, nil
}

func show(name string, times []time.Duration, series int) {
	at := func(percent int) time.Duration { return times[(len(times)-1)*percent/100].Round(10 * time.Microsecond) }
	fmt.Fprintf(os.Stdout, "%-40s %9s %9s %9s %8d\n", name, at(50), at(99), at(100), series)
}

// bare is a table with a row for each charge, as one would write it down first.
func bare(ctx context.Context, bill, path string) (*sql.DB, error) {
	_ = os.Remove(path)
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=OFF&_synchronous=OFF")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "CREATE TABLE charges (day TEXT, service TEXT, effective REAL)"); err != nil {
		return db, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return db, err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO charges VALUES (?, ?, ?)")
	if err != nil {
		return db, err
	}
	defer insert.Close()
	if err := fill(ctx, insert, bill); err != nil {
		return db, err
	}
	return db, tx.Commit()
}

func fill(ctx context.Context, insert *sql.Stmt, bill string) error {
	var day, service, amount int
	var failed error
	header := true
	err := records(bill, func(record []string) {
		if header {
			day, service, amount, header = slices.Index(record, "ChargePeriodStart"), slices.Index(record, "ServiceName"), slices.Index(record, "EffectiveCost"), false
			return
		}
		value, err := strconv.ParseFloat(record[amount], 64)
		if err == nil {
			_, err = insert.ExecContext(ctx, record[day][:10], record[service], value)
		}
		if err != nil {
			failed = err
		}
	})
	if err != nil {
		return err
	}
	return failed
}
