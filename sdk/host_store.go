package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/callboard/callboard/sdk/pluginv1"
)

// KV keeps the plugin's own small data, which stays between starts and is shared by all hosts. Needs storage.kv, which is
// also its size. Keys have 1 to 512 bytes, values at most 256 KiB.
type KV struct {
	c pluginv1.HostKeyValueServiceClient
}

// Stored is a value, and its version, which changes with each write.
type Stored struct {
	Data    []byte
	Version int64
}

// PutOptions say how to write.
type PutOptions struct {
	// IfVersion writes only over that version, and only when there is none if it points to 0; [ErrConflict] otherwise.
	// Nil = whatever is there.
	IfVersion *int64
	// TTL is how long the value stays; 0 = for ever.
	TTL time.Duration
}

// Get answers a value; [ErrNotFound] when there is none.
func (kv KV) Get(ctx context.Context, key string) (Stored, error) {
	res, err := kv.c.GetValue(ctx, &pluginv1.GetValueRequest{Key: key})
	return Stored{res.GetValue(), res.GetVersion()}, err
}

// GetJSON decodes a value that [KV.PutJSON] wrote, and answers its version.
func (kv KV) GetJSON(ctx context.Context, key string, into any) (int64, error) {
	s, err := kv.Get(ctx, key)
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(s.Data, into); err != nil {
		return 0, fmt.Errorf("key %q: %w", key, err)
	}
	return s.Version, nil
}

// Put writes a value and answers its version.
func (kv KV) Put(ctx context.Context, key string, data []byte, options ...PutOptions) (int64, error) {
	o := only("KV.Put", options)
	req := &pluginv1.PutValueRequest{Key: key, Value: data, IfVersion: o.IfVersion}
	if o.TTL > 0 {
		req.Ttl = durationpb.New(o.TTL)
	}
	res, err := kv.c.PutValue(ctx, req)
	return res.GetVersion(), err
}

// PutJSON is [KV.Put] of a value as JSON.
func (kv KV) PutJSON(ctx context.Context, key string, value any, options ...PutOptions) (int64, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return 0, fmt.Errorf("key %q: %w", key, err)
	}
	return kv.Put(ctx, key, data, options...)
}

// Delete removes a value; that there is none is no error.
func (kv KV) Delete(ctx context.Context, key string) error {
	_, err := kv.c.DeleteValue(ctx, &pluginv1.DeleteValueRequest{Key: key})
	return err
}

// Keys streams the keys with a prefix, in order.
func (kv KV) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := kv.c.ListKeys(ctx, &pluginv1.ListKeysRequest{Prefix: prefix})
		for res, err := range received(stream, err) {
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range res.GetKeys() {
				if !yield(key, nil) {
					return
				}
			}
		}
	}
}

// Cache keeps what may be lost at any time. It needs nothing in plugin.yaml.
type Cache struct {
	c pluginv1.HostCacheServiceClient
}

// Get answers a value, and whether there is one.
func (c Cache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	res, err := c.c.GetCached(ctx, &pluginv1.GetCachedRequest{Key: key})
	return res.GetValue(), res.GetFound(), err
}

// Put keeps a value for at most ttl; 0 = as long as there is room.
func (c Cache) Put(ctx context.Context, key string, data []byte, ttl time.Duration) error {
	req := &pluginv1.PutCachedRequest{Key: key, Value: data}
	if ttl > 0 {
		req.Ttl = durationpb.New(ttl)
	}
	_, err := c.c.PutCached(ctx, req)
	return err
}

// Delete removes a value.
func (c Cache) Delete(ctx context.Context, key string) error {
	_, err := c.c.DeleteCached(ctx, &pluginv1.DeleteCachedRequest{Key: key})
	return err
}

// Locks are mutual exclusion among all hosts.
type Locks struct {
	c pluginv1.HostLockServiceClient
}

// Lease is a lock that is held until its time is over, or it is released.
type Lease struct {
	locks    Locks
	name, id string
	ttl      time.Duration
}

// Acquire takes a lock for ttl (1 s to 10 min) and does not wait: [ErrConflict] when another has it.
func (l Locks) Acquire(ctx context.Context, name string, ttl time.Duration) (*Lease, error) {
	lease := &Lease{locks: l, name: name, ttl: ttl}
	return lease, lease.Renew(ctx)
}

// Renew holds the lock for its ttl from now on. [ErrConflict] when it was lost in the meantime: stop what it guards.
func (l *Lease) Renew(ctx context.Context) error {
	res, err := l.locks.c.AcquireLock(ctx, &pluginv1.AcquireLockRequest{Name: l.name, Ttl: durationpb.New(l.ttl), Lease: l.id})
	if err != nil {
		return err
	}
	if !res.GetHeld() {
		return fmt.Errorf("lock %s is held by another: %w", l.name, ErrConflict)
	}
	l.id = res.GetLease()
	return nil
}

// Release gives the lock back early.
func (l *Lease) Release(ctx context.Context) error {
	_, err := l.locks.c.ReleaseLock(ctx, &pluginv1.ReleaseLockRequest{Name: l.name, Lease: l.id})
	return err
}
