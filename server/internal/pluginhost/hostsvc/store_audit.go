package hostsvc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

const (
	// auditKept is how many records of one plugin stay; older ones go.
	auditKept = 10_000
	// auditSlack is how many more there may be before they go, so that not every record costs a deletion.
	auditSlack = 100
)

// Record implements [Audit].
func (s *Store) Record(ctx context.Context, r AuditRecord) error {
	meta, err := json.Marshal(r.Meta)
	if err != nil {
		return fmt.Errorf("audit record of plugin %s: %w", r.Plugin, err)
	}
	if r.Meta == nil {
		meta = []byte("{}")
	}
	failed := 0
	if r.Failed {
		failed = 1
	}
	trim := s.timeToTrim(r.Plugin)
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO hostsvc_audit (at, plugin, event, severity, failed, actor, meta) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			r.At.UnixMilli(), r.Plugin, r.Event, r.Severity, failed, r.Actor, string(meta))
		if err != nil || !trim {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM hostsvc_audit WHERE plugin = ? AND id <=
			(SELECT id FROM hostsvc_audit WHERE plugin = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`, r.Plugin, r.Plugin, s.auditKept)
		return err
	})
}

// timeToTrim is true for the first record of a plugin in this process and then for each [auditSlack]th.
func (s *Store) timeToTrim(plugin manifest.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.recorded[plugin]
	s.recorded[plugin]++
	return n%auditSlack == 0
}

// Audited lists records newest first: those of one plugin, or of all for "".
func (s *Store) Audited(ctx context.Context, plugin manifest.ID, limit int) ([]AuditRecord, error) {
	var rows []struct {
		At                                   int64
		Plugin, Event, Severity, Actor, Meta string
		Failed                               int
	}
	err := s.db.Read().NewRaw(`SELECT at, plugin, event, severity, failed, actor, meta FROM hostsvc_audit
		WHERE ? = '' OR plugin = ? ORDER BY id DESC LIMIT ?`, plugin, plugin, limit).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	records := make([]AuditRecord, len(rows))
	for i, r := range rows {
		records[i] = AuditRecord{At: time.UnixMilli(r.At).UTC(), Plugin: manifest.ID(r.Plugin), Event: r.Event, Severity: r.Severity,
			Failed: r.Failed != 0, Actor: r.Actor}
		if err := json.Unmarshal([]byte(r.Meta), &records[i].Meta); err != nil {
			return nil, fmt.Errorf("audit record of plugin %s: %w", r.Plugin, err)
		}
	}
	return records, nil
}
