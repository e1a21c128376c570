package plugintest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/callboard/callboard/sdk/apierror"
	"github.com/callboard/callboard/sdk/pluginv1"
)

// KV is the fake host's key-value store, and its cache. What expires does so by the harness' clock.
type KV struct {
	clock *Clock

	mu      sync.Mutex
	entries map[string]kvEntry
	version int64
}

type kvEntry struct {
	value   []byte
	version int64
	until   time.Time
}

func newKV(clock *Clock) *KV { return &KV{clock: clock, entries: map[string]kvEntry{}} }

// Put stores a value, as the plugin would have.
func (kv *KV) Put(key string, value []byte) {
	if _, err := kv.put(key, value, nil, 0); err != nil {
		panic("plugintest: " + err.Error())
	}
}

// Get answers a value, and whether there is one.
func (kv *KV) Get(key string) ([]byte, bool) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	e, ok := kv.alive(key)
	return slices.Clone(e.value), ok
}

// Keys are all keys, in order.
func (kv *KV) Keys() []string {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(kv.entries)), func(key string) bool {
		_, ok := kv.alive(key)
		return !ok
	})
}

func (kv *KV) alive(key string) (kvEntry, bool) {
	e, ok := kv.entries[key]
	if ok && !e.until.IsZero() && !kv.clock.Now().Before(e.until) {
		return kvEntry{}, false
	}
	return e, ok
}

// maxKey and maxValue are the real host's.
const (
	maxKey   = 512
	maxValue = 256 << 10
)

func (kv *KV) put(key string, value []byte, ifVersion *int64, ttl time.Duration) (int64, error) {
	if key == "" || len(key) > maxKey || len(key)+len(value) > maxValue {
		return 0, apierror.Inputf("a key has 1 to %d bytes, and with its value at most %d", maxKey, maxValue)
	}
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if err := kv.expect(key, ifVersion); err != nil {
		return 0, err
	}
	kv.version++
	e := kvEntry{value: slices.Clone(value), version: kv.version}
	if ttl > 0 {
		e.until = kv.clock.Now().Add(ttl)
	}
	kv.entries[key] = e
	return e.version, nil
}

func (kv *KV) expect(key string, version *int64) error {
	if e, _ := kv.alive(key); version != nil && e.version != *version {
		return apierror.Conflictf("key %q has version %d, not %d", key, e.version, *version)
	}
	return nil
}

func (kv *KV) remove(key string, ifVersion *int64) error {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if err := kv.expect(key, ifVersion); err != nil {
		return err
	}
	delete(kv.entries, key)
	return nil
}

type kvService struct {
	pluginv1.UnimplementedHostKeyValueServiceServer

	kv *KV
}

func (s kvService) GetValue(_ context.Context, req *pluginv1.GetValueRequest) (*pluginv1.GetValueResponse, error) {
	s.kv.mu.Lock()
	defer s.kv.mu.Unlock()
	e, ok := s.kv.alive(req.GetKey())
	if !ok {
		return nil, apierror.NotFoundf("no key %q", req.GetKey())
	}
	return &pluginv1.GetValueResponse{Value: e.value, Version: e.version}, nil
}

func (s kvService) PutValue(_ context.Context, req *pluginv1.PutValueRequest) (*pluginv1.PutValueResponse, error) {
	version, err := s.kv.put(req.GetKey(), req.GetValue(), req.IfVersion, req.GetTtl().AsDuration())
	return &pluginv1.PutValueResponse{Version: version}, err
}

func (s kvService) DeleteValue(_ context.Context, req *pluginv1.DeleteValueRequest) (*pluginv1.DeleteValueResponse, error) {
	return &pluginv1.DeleteValueResponse{}, s.kv.remove(req.GetKey(), req.IfVersion)
}

func (s kvService) ListKeys(req *pluginv1.ListKeysRequest, stream grpc.ServerStreamingServer[pluginv1.ListKeysResponse]) error {
	keys := slices.DeleteFunc(s.kv.Keys(), func(k string) bool { return !strings.HasPrefix(k, req.GetPrefix()) })
	for part := range slices.Chunk(keys, 100) {
		if err := stream.Send(&pluginv1.ListKeysResponse{Keys: part}); err != nil {
			return err
		}
	}
	return nil
}

type cacheService struct {
	pluginv1.UnimplementedHostCacheServiceServer

	kv *KV
}

func (s cacheService) GetCached(_ context.Context, req *pluginv1.GetCachedRequest) (*pluginv1.GetCachedResponse, error) {
	value, ok := s.kv.Get(req.GetKey())
	return &pluginv1.GetCachedResponse{Found: ok, Value: value}, nil
}

func (s cacheService) PutCached(_ context.Context, req *pluginv1.PutCachedRequest) (*pluginv1.PutCachedResponse, error) {
	_, err := s.kv.put(req.GetKey(), req.GetValue(), nil, req.GetTtl().AsDuration())
	return &pluginv1.PutCachedResponse{}, err
}

func (s cacheService) DeleteCached(_ context.Context, req *pluginv1.DeleteCachedRequest) (*pluginv1.DeleteCachedResponse, error) {
	return &pluginv1.DeleteCachedResponse{}, s.kv.remove(req.GetKey(), nil)
}

// Locks are the fake host's locks.
type Locks struct {
	clock *Clock

	mu   sync.Mutex
	held map[string]lease
	last int
}

type lease struct {
	id    string
	until time.Time
}

// Take holds a lock as another host would, for an hour.
func (l *Locks) Take(name string) { l.acquire(name, "", time.Hour) }

// Held reports whether anybody has the lock.
func (l *Locks) Held(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock.Now().Before(l.held[name].until)
}

func (l *Locks) acquire(name, id string, ttl time.Duration) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]lease{}
	}
	current := l.held[name]
	alive := l.clock.Now().Before(current.until)
	switch {
	case alive && current.id != id, id != "" && !alive:
		return "", false
	case id == "":
		l.last++
		id = "lease-" + strconv.Itoa(l.last)
	}
	l.held[name] = lease{id, l.clock.Now().Add(ttl)}
	return id, true
}

type locksService struct {
	pluginv1.UnimplementedHostLockServiceServer

	l *Locks
}

func (s locksService) AcquireLock(_ context.Context, req *pluginv1.AcquireLockRequest) (*pluginv1.AcquireLockResponse, error) {
	ttl := req.GetTtl().AsDuration()
	if ttl < time.Second || ttl > 10*time.Minute {
		return nil, apierror.Inputf("a lock is held for 1 s to 10 min, not %s", ttl)
	}
	id, held := s.l.acquire(req.GetName(), req.GetLease(), ttl)
	return &pluginv1.AcquireLockResponse{Held: held, Lease: id}, nil
}

func (s locksService) ReleaseLock(_ context.Context, req *pluginv1.ReleaseLockRequest) (*pluginv1.ReleaseLockResponse, error) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if s.l.held[req.GetName()].id == req.GetLease() {
		delete(s.l.held, req.GetName())
	}
	return &pluginv1.ReleaseLockResponse{}, nil
}
