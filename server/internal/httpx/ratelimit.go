package httpx

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// limiter counts requests per caller in fixed windows, as the library of the reference: after Limit requests a caller
// is refused until its window ends. (golang.org/x/time/rate would let one through every Window/Limit.)
type limiter struct {
	rule   RateLimit
	limit  string
	mu     sync.Mutex
	counts map[netip.Prefix]*window
	swept  time.Time
}

type window struct {
	used int
	ends time.Time
}

// maxCallers bounds the memory of a limiter. When more addresses call within one window, new ones share one count.
const maxCallers = 100_000

var tooManyRequests = []byte(`{"error":{"name":"Error","message":"Too many requests, please try again later"},"response":{"statusCode":429}}`)

func newLimiter(rule *RateLimit) *limiter {
	if rule == nil {
		return nil
	}
	l := &limiter{rule: *rule, counts: map[netip.Prefix]*window{}}
	if l.rule.Window <= 0 {
		l.rule.Window = time.Minute
	}
	if l.rule.Limit <= 0 {
		l.rule.Limit = 5
	}
	if l.rule.AllowAddresses == nil {
		l.rule.AllowAddresses = []string{"127.0.0.1", "0:0:0:0:0:0:0:1", "::1"}
	}
	l.limit = strconv.Itoa(l.rule.Limit)
	return l
}

// take counts the request and answers it when there were too many. undo, if not nil, gives it back.
func (l *limiter) take(x *exchange) (undo *window, refused bool) {
	client := x.server.proxies.clientAddress(x.r)
	if slices.Contains(l.rule.AllowAddresses, client) {
		return nil, false
	}
	now := time.Now()
	l.mu.Lock()
	w := l.window(callerKey(client), now)
	w.used++
	left, resets := max(l.rule.Limit-w.used, 0), w.ends
	refused = w.used > l.rule.Limit
	l.mu.Unlock()

	h := x.Header()
	h.Set("X-Ratelimit-Limit", l.limit)
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(left))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(resets.Unix(), 10))
	if refused {
		h.Set("Retry-After", strconv.Itoa(int(resets.Sub(now).Seconds())+1))
		_ = x.sendTagged(http.StatusTooManyRequests, jsonType, tooManyRequests)
	}
	return w, refused
}

func (l *limiter) window(key netip.Prefix, now time.Time) *window {
	if now.Sub(l.swept) > l.rule.Window {
		for k, w := range l.counts {
			if now.After(w.ends) {
				delete(l.counts, k)
			}
		}
		l.swept = now
	}
	w, ok := l.counts[key]
	if !ok && len(l.counts) >= maxCallers {
		key = netip.Prefix{}
		w, ok = l.counts[key]
	}
	if !ok || now.After(w.ends) {
		w = &window{ends: now.Add(l.rule.Window)}
		l.counts[key] = w
	}
	return w
}

// settle gives a request back whose outcome the rule does not count.
func (l *limiter) settle(w *window, status int) {
	free := l.rule.SkipFailed
	if status < http.StatusBadRequest {
		free = l.rule.SkipSuccessful
	}
	if w == nil || !free {
		return
	}
	l.mu.Lock()
	w.used--
	l.mu.Unlock()
}

// callerKey groups addresses of which one caller has many: a /56 of IPv6.
func callerKey(client string) netip.Prefix {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 56
	}
	p, _ := addr.Prefix(bits)
	return p
}
