package forwardauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/callboard/callboard/plugins/gateway/driver"
	"github.com/callboard/callboard/sdk"
	"github.com/callboard/callboard/sdk/apierror"
)

const (
	// shards are the values that counts are spread over: few enough to write them all every few seconds, and each far below
	// what the store takes as one value.
	shards   = 16
	maxShard = 200 << 10
)

// sheet is what a shard holds, by what sheetKey makes.
type sheet map[string]count

// count is what all hosts have counted in the window that began at Start, in seconds since 1970.
type count struct {
	Start int64 `json:"s"`
	N     int64 `json:"n"`
}

// sheetKey has no part with a space in it.
func sheetKey(id meterID, w Window) string {
	return string(id.app) + " " + string(id.api) + " " + string(id.key) + " " + w.String()
}

func parseSheetKey(key string) (meterID, Window, bool) {
	parts := strings.Split(key, " ")
	if len(parts) != 4 {
		return meterID{}, 0, false
	}
	w, err := ParseWindow(parts[3])
	return meterID{driver.AppID(parts[0]), driver.APIID(parts[1]), driver.KeyID(parts[2])}, w, err == nil && w.shared()
}

func shardOf(app driver.AppID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(app)) // never fails
	return int(h.Sum32() % shards)
}

func (d *Driver) shardKey(shard int) string { return fmt.Sprintf("%scount/%02d", d.prefix, shard) }

// readSheet answers version 0 when there is none. One that cannot be read is begun again: it is only counts.
func (d *Driver) readSheet(ctx context.Context, shard int) (sheet, int64, error) {
	stored, err := d.store.Get(ctx, d.shardKey(shard))
	if errors.Is(err, sdk.ErrNotFound) {
		return sheet{}, 0, nil
	}
	if err != nil {
		return nil, 0, d.storeError("read counts", err)
	}
	s := sheet{}
	if json.Unmarshal(stored.Data, &s) != nil {
		s = sheet{}
	}
	return s, stored.Version, nil
}

// learn takes what all hosts have counted for the applications of a shard.
func (d *Driver) learn(ctx context.Context, shard int) error {
	d.meters.keeping.Lock()
	defer d.meters.keeping.Unlock()
	s, _, err := d.readSheet(ctx, shard)
	if err != nil {
		return err
	}
	d.takeSheet(s)
	return nil
}

func (d *Driver) takeSheet(s sheet) {
	now := d.now()
	for k, c := range s {
		if id, w, ok := c.of(k, now); ok {
			start, end := w.around(time.Unix(c.Start, 0))
			d.meters.of(id).know(w, start, end, c.N)
		}
	}
}

// of says what a count in a sheet is of. It is false for what is over, and for what was not written here.
func (c count) of(sheetKey string, now time.Time) (meterID, Window, bool) {
	id, w, ok := parseSheetKey(sheetKey)
	start, end := w.around(time.Unix(c.Start, 0))
	return id, w, ok && c.N >= 0 && start.Unix() == c.Start && now.Before(end)
}

func (m *meter) know(w Window, start, end time.Time, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &m.tallies[w]
	switch at := start.UnixNano(); {
	case at > t.start:
		*t = tally{start: at, end: end.UnixNano(), known: n}
	case at == t.start:
		t.known = n
	}
}

// flush adds what this host has counted to the store, and learns what the others have. It adds again what it added when the
// store's answer was lost: then too much is counted, rather than too little.
func (d *Driver) flush(ctx context.Context) error {
	d.meters.keeping.Lock()
	defer d.meters.keeping.Unlock()
	var failed error
	for shard, added := range d.meters.unflushed(d.now()) {
		if err := d.flushShard(ctx, shard, added); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// addition is what is to be added to one count.
type addition struct {
	meter  *meter
	window Window
	start  int64 // nanoseconds
	n      int64
}

// unflushed lists what is to be added, by shard. Windows that are over are left out.
func (ms *meters) unflushed(now time.Time) map[int][]addition {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	found := map[int][]addition{}
	for id, m := range ms.all {
		m.mu.Lock()
		for w := Minute; w <= Month; w++ {
			if t := m.tallies[w]; t.unflushed > 0 && now.UnixNano() < t.end {
				found[shardOf(id.app)] = append(found[shardOf(id.app)], addition{m, w, t.start, t.unflushed})
			}
		}
		m.mu.Unlock()
	}
	return found
}

func (d *Driver) flushShard(ctx context.Context, shard int, added []addition) error {
	for attempt := range attempts {
		s, version, err := d.readSheet(ctx, shard)
		if err != nil {
			return err
		}
		s.prune(d.now())
		s.add(added)
		data, err := s.encode()
		if err != nil {
			return err
		}
		_, err = d.store.Put(ctx, d.shardKey(shard), data, sdk.PutOptions{IfVersion: &version})
		if err == nil {
			for _, a := range added {
				a.meter.flushed(a)
			}
			d.takeSheet(s)
			return nil
		}
		if !errors.Is(err, sdk.ErrConflict) {
			return d.storeError("write counts", err)
		}
		if err := pause(ctx, attempt); err != nil {
			return d.storeError("write counts", err)
		}
	}
	return apierror.Conflictf("gateway %s: counts are being changed by others; the next attempt adds them", d.name)
}

// flushed moves what was added from what this host has to add to what is known.
func (m *meter) flushed(a addition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := &m.tallies[a.window]; t.start == a.start {
		t.unflushed -= a.n
		t.known += a.n
	}
}

func (s sheet) add(added []addition) {
	for _, a := range added {
		k, start := sheetKey(a.meter.id, a.window), time.Unix(0, a.start).Unix()
		switch there := s[k]; {
		case there.Start < start:
			s[k] = count{start, a.n}
		case there.Start == start:
			s[k] = count{start, there.N + a.n}
		}
	}
}

// prune drops windows that are over, and what is no count.
func (s sheet) prune(now time.Time) {
	for k, c := range s {
		if _, _, ok := c.of(k, now); !ok {
			delete(s, k)
		}
	}
}

// encode drops the shortest windows, which are over first, where there is more than the store takes.
func (s sheet) encode() ([]byte, error) {
	for w := Minute; ; w++ {
		data, err := json.Marshal(s)
		if err != nil || len(data) <= maxShard || w > Month {
			return data, err
		}
		for k := range s {
			if _, of, _ := parseSheetKey(k); of == w {
				delete(s, k)
			}
		}
	}
}
