package embed

import (
	"net/netip"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// How often pictures are drawn without credentials: one of them, and any of them for callers of one network. Caches of
// READMEs fetch for many people from few addresses, so the second is wide.
const (
	perPicture, pictureBurst = rate.Limit(2), 30
	perAddress, addressBurst = rate.Limit(10), 120
	// mostCallers bounds the memory of the limits: of more, those that call least are forgotten.
	mostCallers = 20_000
)

// views counts them. It is safe for concurrent use.
type views struct {
	pictures, addresses *otter.Cache[string, *rate.Limiter]
}

func newViews() *views {
	cache := func() *otter.Cache[string, *rate.Limiter] {
		return otter.Must(&otter.Options[string, *rate.Limiter]{MaximumSize: mostCallers, Executor: func(fn func()) { fn() }})
	}
	return &views{cache(), cache()}
}

func (v *views) secret(id string, now time.Time) bool {
	return allow(v.pictures, id, now, perPicture, pictureBurst)
}

func (v *views) address(address string, now time.Time) bool {
	return allow(v.addresses, network(address), now, perAddress, addressBurst)
}

func allow(cache *otter.Cache[string, *rate.Limiter], key string, now time.Time, limit rate.Limit, burst int) bool {
	l, ok := cache.GetIfPresent(key)
	if !ok {
		l, _ = cache.SetIfAbsent(key, rate.NewLimiter(limit, burst)) // or the one that another request has just made
	}
	return l.AllowN(now, 1)
}

// network groups addresses of which one caller has many.
func network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	p, _ := addr.Prefix(56)
	return p.String()
}
