package hostsvc

import (
	"context"
	"embed"
	"io/fs"
	"sync"
	"time"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
	"github.com/callboard/callboard/server/internal/store"
)

//go:embed migrations
var migrationFiles embed.FS

// Store is what plugins keep in the host's database: keys and values, locks, audit records. It implements [KeyValue],
// [Locks] and [Audit] for all hosts on that database.
//
// Leases and times to live are compared with this host's clock, so hosts that share a database keep theirs in step to well
// below the shortest lease, as with any NTP.
type Store struct {
	db  *store.DB
	now func() time.Time
	// auditKept is how many records of one plugin stay.
	auditKept int64

	mu       sync.Mutex
	recorded map[manifest.ID]int // audit records written by this process
}

// NewStore brings the tables up to date. now is the clock, nil = time.Now.
func NewStore(ctx context.Context, db *store.DB, now func() time.Time) (*Store, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, now: now, auditKept: auditKept, recorded: map[manifest.ID]int{}}, db.Migrate(ctx, "hostsvc", files)
}

var (
	_ KeyValue = (*Store)(nil)
	_ Locks    = (*Store)(nil)
	_ Audit    = (*Store)(nil)
)
