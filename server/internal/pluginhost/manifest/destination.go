package manifest

import (
	"errors"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Destination is one entry of needs.egress: where a plugin may send requests.
type Destination struct {
	Scheme string // "https" or "http"
	// Host is a name, an address, or "*." and a name of at least two labels, which stands for every name below it and not
	// for the name itself.
	Host string
	Port uint16
}

var hostForm = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$`)

// ParseDestination reads "scheme://host[:port]". The port is the scheme's own unless given. Paths are not a thing that the
// host could hold a plugin to, since it does not see into TLS; so they are refused instead of ignored.
func ParseDestination(text string) (Destination, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return Destination{}, errors.New(`must begin with https:// or http://, as in "https://*.example.com:443"`)
	}
	if strings.ContainsAny(rest, "/?#@") {
		return Destination{}, errors.New("must end after the host and port: paths, queries and users cannot be enforced")
	}
	d := Destination{Scheme: scheme, Host: rest, Port: 443}
	if scheme == "http" {
		d.Port = 80
	}
	if at := strings.LastIndexByte(rest, ':'); at >= 0 && !strings.HasSuffix(rest, "]") {
		port, err := strconv.ParseUint(rest[at+1:], 10, 16)
		if err != nil || port == 0 || rest[at+1] == '0' {
			return Destination{}, errors.New("must have a port from 1 to 65535 after the colon")
		}
		d.Host, d.Port = rest[:at], uint16(port)
	}
	return d, d.checkHost()
}

func (d *Destination) checkHost() error {
	if inner, ok := strings.CutPrefix(d.Host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" || !strings.HasSuffix(inner, "]") {
			return errors.New("must hold an IPv6 address between the brackets")
		}
		d.Host = addr.String()
		return nil
	}
	d.Host = strings.ToLower(d.Host)
	name, wild := strings.CutPrefix(d.Host, "*.")
	switch {
	case strings.Contains(name, "*"):
		return errors.New(`may have "*." at the beginning of the host and no other asterisk`)
	case len(name) > 253 || !hostForm.MatchString(name):
		return errors.New("must name a host")
	case wild && !strings.Contains(name, "."):
		return errors.New(`must have at least two labels after "*.": a whole top-level domain is too much to approve`)
	case wild && numeric(name):
		return errors.New("may not have an asterisk before an address")
	case numeric(name):
		// "127.1" and "0x7f.1" mean addresses to some programs and names to others.
		if addr, err := netip.ParseAddr(name); err != nil || addr.String() != name {
			return errors.New("must write an address in its usual form")
		}
	}
	return nil
}

// numeric tells whether the last label could be taken for a number, as in an IPv4 address.
func numeric(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// Allows tells whether a request to scheme, host and port goes to this destination. host is without brackets.
func (d Destination) Allows(scheme, host string, port uint16) bool {
	return scheme == d.Scheme && port == d.Port && d.hostCovers(strings.TrimSuffix(strings.ToLower(host), "."))
}

// Covers tells whether everything that other allows is allowed by d.
func (d Destination) Covers(other Destination) bool {
	if d.Scheme != other.Scheme || d.Port != other.Port {
		return false
	}
	// Names below *.a.b.c are names below *.b.c; "*" cannot be part of a real name.
	return d.Host == other.Host || d.hostCovers(other.Host)
}

func (d Destination) hostCovers(host string) bool {
	if suffix, wild := strings.CutPrefix(d.Host, "*"); wild {
		return len(host) > len(suffix) && strings.HasSuffix(host, suffix)
	}
	return host == d.Host
}

func (d Destination) String() string {
	host := d.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return d.Scheme + "://" + host + ":" + strconv.Itoa(int(d.Port))
}
