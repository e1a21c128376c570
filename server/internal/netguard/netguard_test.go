package netguard_test

import (
	"net/netip"
	"testing"

	"github.com/callboard/callboard/server/internal/netguard"
)

func TestPublic_IsWhatAnybodyMayBeAskedToReach(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "2606:4700::1111": true, "172.32.0.1": true, "100.128.0.1": true,
		"127.0.0.1": false, "127.255.255.254": false, "0.0.0.0": false, "0.1.2.3": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.127.255.255": false, "192.0.0.1": false, "192.0.2.1": false, "198.18.0.1": false,
		"198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": true, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false,
		"2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false, "fc00::1": false, "fd12::1": false, "fe80::1": false, "fec0::1": false, "ff02::1": false,
		"100::1": false, "::127.0.0.1": false, "fe80::1%eth0": false,
	} {
		if got := netguard.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestControl_RefusesWhatIsNotAPublicAddress(t *testing.T) {
	for _, address := range []string{"127.0.0.1:80", "[::1]:80", "10.0.0.1:80", "[::ffff:169.254.169.254]:80", "[64:ff9b::7f00:1]:80", "example.com:80", "8.8.8.8", ""} {
		if netguard.Control("tcp4", address, nil) == nil {
			t.Errorf("%q was accepted", address)
		}
	}
	for network, address := range map[string]string{"tcp4": "93.184.215.14:443", "tcp6": "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443"} {
		if err := netguard.Control(network, address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		if netguard.Control("udp", address, nil) == nil {
			t.Errorf("%s was accepted over UDP", address)
		}
	}
}
