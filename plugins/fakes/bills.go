package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/callboard/callboard/plugins/cost/focus/sample"
	"github.com/callboard/callboard/plugins/cost/intake/s3fake"
)

// bills is a bucket into which three clouds put their bills: of the twelve months before this one, and of this one until
// yesterday. It is filled when it is first asked for, and again each day, so that nothing waits for it at the start.
type bills struct {
	bucket     *s3fake.Bucket
	now        func() time.Time
	rowsPerDay int

	mu     sync.Mutex
	filled time.Time // the day
}

// newBills are some that are read in a moment, and have every kind of charge, and each workload on each day.
func newBills(now func() time.Time) *bills {
	return &bills{bucket: &s3fake.Bucket{Name: "marram-bills", AccessKey: "AKIASAMPLE"}, now: now, rowsPerDay: 150}
}

func (b *bills) service() service { return service{name: "bills", handler: b} }

// ServeHTTP implements [http.Handler].
func (b *bills) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := b.fill(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	b.bucket.ServeHTTP(w, r)
}

func (b *bills) fill() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	today := b.now().UTC().Truncate(24 * time.Hour)
	if b.filled.Equal(today) {
		return nil
	}
	from := time.Date(today.Year()-1, today.Month(), 1, 0, 0, 0, 0, time.UTC)
	days := int(today.Sub(from) / (24 * time.Hour))
	folder, err := os.MkdirTemp("", "bills-")
	if err != nil {
		return fmt.Errorf("make bills: %w", err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a leftover is harmless
	if err := sample.WriteFolder(folder, sample.Options{Rows: b.rowsPerDay * days, From: from, Days: days, Seed: 7}); err != nil {
		return fmt.Errorf("make bills: %w", err)
	}
	if err := b.put(folder); err != nil {
		return fmt.Errorf("put bills into the bucket: %w", err)
	}
	b.filled = today
	return nil
}

func (b *bills) put(folder string) error {
	files := os.DirFS(folder)
	return fs.WalkDir(files, ".", func(key string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, key)
		if err == nil {
			b.bucket.Put(key, content, b.now())
		}
		return err
	})
}
