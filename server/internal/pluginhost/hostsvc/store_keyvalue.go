package hostsvc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// live is the condition on rows whose time is not over.
const live = "(expires_at = 0 OR expires_at > ?)"

// Get implements [KeyValue].
func (s *Store) Get(ctx context.Context, plugin manifest.ID, key string) (Value, error) {
	var v Value
	err := s.db.Read().NewRaw("SELECT value, version FROM hostsvc_values WHERE plugin = ? AND key = ? AND "+live,
		plugin, key, s.now().UnixMilli()).Scan(ctx, &v.Data, &v.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return v, apierror.NotFoundf("There is no value under %q", key)
	}
	return v, err
}

// Put implements [KeyValue]. It begins with the plugin's row of usage, which is locked until the end: sums are right with
// any number of writers, and writers cannot lock each other up.
func (s *Store) Put(ctx context.Context, plugin manifest.ID, key string, p Put) (version int64, err error) {
	now := s.now()
	err = s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		u, err := beginWrite(ctx, tx, plugin, now)
		if err != nil {
			return err
		}
		old, err := find(ctx, tx, plugin, key)
		if err != nil {
			return err
		}
		if err := old.fits(key, p.IfVersion); err != nil {
			return err
		}
		bytes := u.bytes - old.bytes + int64(len(key)+len(p.Data))
		if bytes > int64(p.Quota) {
			return apierror.NotAllowedf("plugin %s may keep %s (needs.storage.kv in its plugin.yaml), and this value would make it %s; delete something, or have more approved",
				plugin, p.Quota, manifest.Size(bytes))
		}
		version = u.version + 1
		return u.put(ctx, tx, row{plugin, key, p.Data, version, expiry(now, p.TTL)}, bytes)
	})
	return version, err
}

type usage struct{ bytes, version int64 }

// beginWrite locks the plugin's row of usage and removes what is over.
func beginWrite(ctx context.Context, tx bun.Tx, plugin manifest.ID, now time.Time) (usage, error) {
	var u usage
	err := tx.NewRaw(`INSERT INTO hostsvc_usage (plugin, bytes, version) VALUES (?, 0, 0)
		ON CONFLICT (plugin) DO UPDATE SET version = hostsvc_usage.version RETURNING bytes, version`, plugin).Scan(ctx, &u.bytes, &u.version)
	if err != nil {
		return u, err
	}
	var over int64
	err = tx.NewRaw(`SELECT coalesce(sum(octet_length(value) + octet_length(key)), 0) FROM hostsvc_values
		WHERE plugin = ? AND expires_at > 0 AND expires_at <= ?`, plugin, now.UnixMilli()).Scan(ctx, &over)
	if err != nil || over == 0 {
		return u, err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM hostsvc_values WHERE plugin = ? AND expires_at > 0 AND expires_at <= ?", plugin, now.UnixMilli()); err != nil {
		return u, err
	}
	u.bytes -= over
	_, err = tx.ExecContext(ctx, "UPDATE hostsvc_usage SET bytes = ? WHERE plugin = ?", u.bytes, plugin)
	return u, err
}

// present is what is there before a write; version 0 = nothing.
type present struct{ version, bytes int64 }

func find(ctx context.Context, tx bun.Tx, plugin manifest.ID, key string) (present, error) {
	var p present
	err := tx.NewRaw("SELECT version, octet_length(value) + octet_length(key) FROM hostsvc_values WHERE plugin = ? AND key = ?", plugin, key).
		Scan(ctx, &p.version, &p.bytes)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return p, err
}

func (p present) fits(key string, ifVersion *int64) error {
	if ifVersion == nil || *ifVersion == p.version {
		return nil
	}
	if p.version == 0 {
		return apierror.Conflictf("There is no value under %q, so it has no version %d; read it again", key, *ifVersion)
	}
	return apierror.Conflictf("The value under %q has version %d, not %d; read it again", key, p.version, *ifVersion)
}

type row struct {
	plugin  manifest.ID
	key     string
	value   []byte
	version int64
	expires int64
}

func (usage) put(ctx context.Context, tx bun.Tx, r row, bytes int64) error {
	if r.value == nil {
		r.value = []byte{}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO hostsvc_values (plugin, key, value, version, expires_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (plugin, key) DO UPDATE SET value = EXCLUDED.value, version = EXCLUDED.version, expires_at = EXCLUDED.expires_at`,
		r.plugin, r.key, r.value, r.version, r.expires)
	if err != nil {
		return fmt.Errorf("keep the value: %w", err)
	}
	_, err = tx.ExecContext(ctx, "UPDATE hostsvc_usage SET bytes = ?, version = ? WHERE plugin = ?", bytes, r.version, r.plugin)
	return err
}

func expiry(now time.Time, ttl time.Duration) int64 {
	if ttl <= 0 {
		return 0
	}
	return now.Add(ttl).UnixMilli()
}

// Delete implements [KeyValue].
func (s *Store) Delete(ctx context.Context, plugin manifest.ID, key string, ifVersion *int64) error {
	now := s.now()
	return s.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		u, err := beginWrite(ctx, tx, plugin, now)
		if err != nil {
			return err
		}
		old, err := find(ctx, tx, plugin, key)
		if err != nil {
			return err
		}
		if err := old.fits(key, ifVersion); err != nil || old.version == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM hostsvc_values WHERE plugin = ? AND key = ?", plugin, key); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE hostsvc_usage SET bytes = ? WHERE plugin = ?", u.bytes-old.bytes, plugin)
		return err
	})
}

// keysPage is how many keys one query reads.
const keysPage = 500

// Keys implements [KeyValue]. It reads page after page, so a slow reader holds no connection.
func (s *Store) Keys(ctx context.Context, plugin manifest.ID, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		from, compare := prefix, ">="
		for {
			var keys []string
			err := s.db.Read().NewRaw("SELECT key FROM hostsvc_values WHERE plugin = ? AND key "+compare+" ? AND "+live+" ORDER BY key LIMIT ?",
				plugin, from, s.now().UnixMilli(), keysPage).Scan(ctx, &keys)
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range keys {
				if !strings.HasPrefix(key, prefix) || !yield(key, nil) { // the order is that of bytes: what has the prefix stands together
					return
				}
			}
			if len(keys) < keysPage {
				return
			}
			from, compare = keys[len(keys)-1], ">"
		}
	}
}
