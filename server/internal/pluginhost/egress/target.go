package egress

import (
	"errors"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// target is where a request wants to go.
type target struct {
	host string // a name in lower case without a final dot, or an address in its usual form; without brackets
	port uint16
	addr netip.Addr // valid if host is an address
}

func (t target) String() string {
	host := t.host
	if t.addr.Is6() {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(t.port))
}

var (
	hostForm = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$`)

	errTarget  = errors.New("the target must be a host and a port, as in example.com:443")
	errHost    = errors.New("the host must be a name of letters, digits and hyphens (international names in their xn-- form), or an address")
	errNumeric = errors.New("an address must be written in its usual form, as in 192.0.2.1")
)

// parseTarget reads "host:port" as CONNECT has it. What two programs could read differently is refused: a name that one
// resolver takes for an address would pass a check as a name.
func parseTarget(text string) (target, error) {
	at := strings.LastIndexByte(text, ':')
	if at <= 0 || len(text) > 300 {
		return target{}, errTarget
	}
	digits := text[at+1:]
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 || digits[0] == '0' || digits[0] == '+' {
		return target{}, errTarget
	}
	t, err := parseHost(text[:at])
	t.port = uint16(port)
	return t, err
}

func parseHost(text string) (target, error) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if err != nil || !closed || !addr.Is6() || addr.Zone() != "" {
			return target{}, errHost
		}
		addr = addr.Unmap()
		return target{host: addr.String(), addr: addr}, nil
	}
	host := strings.TrimSuffix(strings.ToLower(text), ".")
	if len(host) > 253 || !hostForm.MatchString(host) {
		return target{}, errHost
	}
	if numeric(host) {
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.String() != host {
			return target{}, errNumeric
		}
		return target{host: host, addr: addr}, nil
	}
	return target{host: host}, nil
}

// numeric tells whether the last label could be taken for a number, as in an IPv4 address.
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
