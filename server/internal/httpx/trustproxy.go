package httpx

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// TrustProxy says whose X-Forwarded-For is believed (backend.trustProxy). The zero value believes nobody.
type TrustProxy struct {
	all      bool
	hops     int
	networks []netip.Prefix
}

// TrustAll believes every proxy: the left-most address is the client's.
func TrustAll() TrustProxy { return TrustProxy{all: true} }

// TrustHops believes the n nearest proxies.
func TrustHops(n int) TrustProxy { return TrustProxy{hops: n} }

// TrustNetworks believes proxies by address: networks, addresses, and the names "loopback", "linklocal" and
// "uniquelocal".
func TrustNetworks(names []string) (TrustProxy, error) {
	named := map[string][]string{
		"loopback":    {"127.0.0.0/8", "::1/128"},
		"linklocal":   {"169.254.0.0/16", "fe80::/10"},
		"uniquelocal": {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"},
	}
	var t TrustProxy
	for _, name := range names {
		texts, ok := named[name]
		if !ok {
			texts = []string{name}
		}
		for _, text := range texts {
			network, err := netip.ParsePrefix(text)
			if err != nil {
				addr, err := netip.ParseAddr(text)
				if err != nil {
					return TrustProxy{}, fmt.Errorf("%q is not an address, a network or one of loopback, linklocal, uniquelocal", text)
				}
				network = netip.PrefixFrom(addr, addr.BitLen())
			}
			t.networks = append(t.networks, network)
		}
	}
	return t, nil
}

func (t TrustProxy) trusts(addr string, hop int) bool {
	if t.all || hop < t.hops {
		return true
	}
	a, err := netip.ParseAddr(addr)
	return err == nil && slices.ContainsFunc(t.networks, func(n netip.Prefix) bool { return n.Contains(a.Unmap()) })
}

// clientAddress is the nearest address that no trusted proxy vouches against: the peer, unless it is trusted, then
// what it says it forwards for, and so on.
func (t TrustProxy) clientAddress(r *http.Request) string {
	addr, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		addr = r.RemoteAddr
	}
	forwarded := r.Header["X-Forwarded-For"]
	if len(forwarded) == 0 || !t.trusts(addr, 0) {
		return addr
	}
	chain := strings.Split(strings.Join(forwarded, ","), ",")
	for hop := 1; len(chain) > 0; hop++ {
		next := strings.TrimSpace(chain[len(chain)-1])
		if _, err := netip.ParseAddr(next); err != nil {
			return addr // not an address: the chain is not believed from here
		}
		addr, chain = next, chain[:len(chain)-1]
		if !t.trusts(addr, hop) {
			break
		}
	}
	return addr
}
