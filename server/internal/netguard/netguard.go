// Package netguard keeps requests that outsiders can cause away from the host's own network: the addresses behind it,
// its neighbours, and the metadata services of clouds.
package netguard

import (
	"errors"
	"net/netip"
	"syscall"
)

// ErrNotPublic refuses a connection.
var ErrNotPublic = errors.New("not a public address")

// Control is for [net.Dialer]: it refuses all but public addresses. A dialer calls it with the address that it is about
// to dial, after name resolution, so that a name which changes its mind between a check and the connection gains nothing.
func Control(network, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") || !Public(a.Addr()) {
		return ErrNotPublic
	}
	return nil
}

// Public reports whether a is an address that anybody on the internet may be asked to reach.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// special lists the ranges of the IANA special-purpose registries that [netip.Addr]'s own predicates leave out.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"),
}
