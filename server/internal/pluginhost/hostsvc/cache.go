package hostsvc

import (
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// cachePerPlugin bounds what one plugin has in the cache, in bytes of keys and values.
const cachePerPlugin = 8 << 20

// Cache implements [Cacher] in memory. Each plugin has a bounded part of its own, so none can push out another's values.
type Cache struct {
	now   func() time.Time
	limit uint64

	mu    sync.RWMutex
	parts map[manifest.ID]*otter.Cache[string, cached]
}

// cached is a value; until is zero when only the lack of room ends it.
type cached struct {
	data  []byte
	until time.Time
}

// NewCache makes an empty cache. now is the clock, nil = time.Now.
func NewCache(now func() time.Time) *Cache {
	if now == nil {
		now = time.Now
	}
	return &Cache{now: now, limit: cachePerPlugin, parts: map[manifest.ID]*otter.Cache[string, cached]{}}
}

// Get implements [Cacher].
func (c *Cache) Get(plugin manifest.ID, key string) ([]byte, bool) {
	part := c.part(plugin)
	v, ok := part.GetIfPresent(key)
	if !ok {
		return nil, false
	}
	if !v.until.IsZero() && !c.now().Before(v.until) {
		part.Invalidate(key)
		return nil, false
	}
	return v.data, true
}

// Put implements [Cacher].
func (c *Cache) Put(plugin manifest.ID, key string, value []byte, ttl time.Duration) {
	v := cached{data: slices.Clone(value)}
	if ttl > 0 {
		v.until = c.now().Add(ttl)
	}
	c.part(plugin).Set(key, v)
}

// Delete implements [Cacher].
func (c *Cache) Delete(plugin manifest.ID, key string) { c.part(plugin).Invalidate(key) }

func (c *Cache) part(plugin manifest.ID) *otter.Cache[string, cached] {
	c.mu.RLock()
	part := c.parts[plugin]
	c.mu.RUnlock()
	if part != nil {
		return part
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts[plugin] == nil {
		const overhead = 128 // of an entry, so that a million empty values are not free
		c.parts[plugin] = otter.Must(&otter.Options[string, cached]{
			MaximumWeight: c.limit,
			Weigher:       func(key string, v cached) uint32 { return uint32(len(key) + len(v.data) + overhead) },
			Executor:      func(fn func()) { fn() }, // its upkeep is cheap enough for the caller's goroutine
		})
	}
	return c.parts[plugin]
}

var _ Cacher = (*Cache)(nil)
