package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/callboard/callboard/server/internal/netguard"
	"github.com/callboard/callboard/server/internal/pluginhost/manifest"
)

// rules are what one plugin may reach.
type rules struct {
	plugin   manifest.ID
	allow    atomic.Pointer[[]manifest.Destination]
	names    map[string]bool // private hosts, by name or address
	networks []netip.Prefix
	lookup   func(ctx context.Context, host string) ([]netip.Addr, error)
	perHost  rate.Limit

	mu     sync.Mutex
	limits map[string]*rate.Limiter
}

// maxHosts bounds what a wildcard makes the host remember.
const maxHosts = 256

func newRules(o Options) (*rules, error) {
	r := &rules{
		plugin: o.Plugin, names: map[string]bool{}, lookup: o.Lookup, perHost: rate.Limit(o.Limits.HostPerSecond), limits: map[string]*rate.Limiter{},
	}
	if err := r.setAllowed(o.Allow); err != nil {
		return nil, err
	}
	for _, text := range o.AllowPrivate {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			r.networks = append(r.networks, prefix.Masked())
			continue
		}
		t, err := parseHost(text)
		if err != nil {
			t, err = parseHost("[" + text + "]")
		}
		if err != nil {
			return nil, fmt.Errorf("egress of plugin %s: private host %q: %w", o.Plugin, text, err)
		}
		r.names[t.host] = true
	}
	return r, nil
}

// setAllowed changes the list for requests from now on; connections that are open stay.
func (r *rules) setAllowed(list []string) error {
	allow := make([]manifest.Destination, 0, len(list))
	for _, text := range list {
		d, err := manifest.ParseDestination(text)
		if err != nil {
			return fmt.Errorf("egress of plugin %s: %q %w", r.plugin, text, err)
		}
		allow = append(allow, d)
	}
	r.allow.Store(&allow)
	return nil
}

// refusal is why a request does not go out, with the status that says so.
type refusal struct {
	status int
	reason string
}

func (r *refusal) Error() string { return r.reason }

// allowed judges by the approved list. schemes are those that the kind of request can stand for.
func (r *rules) allowed(t target, schemes ...string) error {
	for _, d := range *r.allow.Load() {
		for _, scheme := range schemes {
			if d.Allows(scheme, t.host, t.port) {
				return nil
			}
		}
	}
	return &refusal{403, fmt.Sprintf("plugin %s may not reach %s: \"%s://%s\" is neither in needs.egress of its plugin.yaml nor in a setting that stands there", r.plugin, t, schemes[0], t)}
}

// throttle counts a request to a host that is allowed.
func (r *rules) throttle(host string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.limits[host]
	if !ok {
		if len(r.limits) >= maxHosts {
			clear(r.limits)
		}
		l = rate.NewLimiter(r.perHost, max(1, int(5*r.perHost)))
		r.limits[host] = l
	}
	if l.Allow() {
		return nil
	}
	return &refusal{429, fmt.Sprintf("plugin %s asks %s too often: at most %g new requests a second", r.plugin, host, float64(r.perHost))}
}

const lookupTime = 10 * time.Second

// addresses resolves t once and answers what may be dialled: these addresses are dialled and no name, so that a name which
// changes its mind gains nothing.
func (r *rules) addresses(ctx context.Context, t target) ([]netip.AddrPort, error) {
	found := []netip.Addr{t.addr}
	if !t.addr.IsValid() {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		var err error
		if found, err = r.lookup(ctx, t.host); err != nil {
			return nil, &refusal{502, fmt.Sprintf("%s cannot be resolved: %s", t.host, withoutName(err))}
		}
	}
	var good []netip.AddrPort
	var private []string
	for _, addr := range found {
		addr = addr.Unmap()
		if netguard.Public(addr) || r.privateAllowed(t.host, addr) {
			good = append(good, netip.AddrPortFrom(addr, t.port))
		} else {
			private = append(private, addr.String())
		}
	}
	if len(good) == 0 && len(private) > 0 {
		return nil, &refusal{403, fmt.Sprintf("plugin %s may not reach %s: its address %s is not public; an operator can allow it in callboard.plugins.%s.egress.allowPrivate",
			r.plugin, t, strings.Join(private, ", "), r.plugin)}
	}
	if len(good) == 0 {
		return nil, &refusal{502, t.host + " has no address"}
	}
	return good, nil
}

func (r *rules) privateAllowed(host string, addr netip.Addr) bool {
	if r.names[host] || r.names[addr.String()] {
		return true
	}
	for _, n := range r.networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// withoutName is a resolver's error without the server that it asked, which is the host's own network.
func withoutName(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the name server does not answer"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "there is no such name"
	}
	return "the name server failed"
}
