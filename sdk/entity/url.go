package entity

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ValidURL reports whether s parses as an absolute URL by the WHATWG rules, which is what the reference asks of links:
// far more lenient than [net/url.Parse] for paths ("https://a.b/a b" passes), stricter for hosts and ports. A scheme is
// all that most need, so "mailto:a@b" and even "javascript:x" are valid; see [UnsafeLink] for the latter.
//
// Host names that are not ASCII are accepted without the mapping of internationalised names.
func ValidURL(s string) bool {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	if strings.ContainsAny(s, "\t\n\r") {
		s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	}
	scheme, rest, ok := cutScheme(s)
	if !ok {
		return false
	}
	rest, _, _ = strings.Cut(rest, "#")
	switch scheme {
	case "http", "https", "ws", "wss", "ftp":
		return validAuthority(authority(strings.TrimLeft(rest, `/\`), `/\?`), true)
	case "file":
		return validFileHost(rest)
	}
	if after, found := strings.CutPrefix(rest, "//"); found {
		return validAuthority(authority(after, "/?"), false)
	}
	return true
}

// UnsafeLink reports whether following s could run script in the page that shows it.
func UnsafeLink(s string) bool {
	for _, scheme := range []string{"javascript", "vbscript", "data"} {
		if hasScheme(s, scheme) {
			return true
		}
	}
	return false
}

func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, ":")
	if !ok || scheme == "" || !isLetter(scheme[0]) {
		return "", "", false
	}
	valid := all(scheme, func(c byte) bool { return isAlnum(c) || c == '+' || c == '-' || c == '.' })
	return strings.ToLower(scheme), rest, valid
}

func authority(s, end string) string {
	if i := strings.IndexAny(s, end); i >= 0 {
		return s[:i]
	}
	return s
}

func validAuthority(auth string, special bool) bool {
	credentials := strings.LastIndexByte(auth, '@')
	hostport := auth[credentials+1:]
	host, port, hasPort := hostport, "", false
	if i := strings.LastIndexByte(hostport, ':'); i > strings.LastIndexByte(hostport, ']') {
		host, port, hasPort = hostport[:i], hostport[i+1:], true
	}
	if host == "" {
		return !special && credentials < 0 && !hasPort
	}
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 32); err != nil || n > 65535 || !all(port, isDigit) {
			return false
		}
	}
	return validHost(host, special)
}

func validFileHost(rest string) bool {
	rest = strings.ReplaceAll(rest, `\`, "/")
	after, found := strings.CutPrefix(rest, "//")
	if !found {
		return true
	}
	host := authority(after, "/?")
	drive := len(host) == 2 && isLetter(host[0]) && (host[1] == ':' || host[1] == '|')
	return host == "" || drive || validHost(host, true)
}

// ignoredInHosts are characters that internationalised names are read without.
const ignoredInHosts = "\u00ad\u200b\u2060\ufeff"

// validHost applies the host parser: bracketed IPv6, else a domain (special schemes) or an opaque host.
func validHost(host string, special bool) bool {
	if strings.HasPrefix(host, "[") {
		inner, closed := strings.CutSuffix(host[1:], "]")
		addr, err := netip.ParseAddr(inner)
		return closed && err == nil && addr.Is6() && addr.Zone() == ""
	}
	if !special {
		return !strings.ContainsAny(host, "\x00\t\n\r #/:<>?@[\\]^|")
	}
	if decoded, err := url.PathUnescape(host); err == nil {
		host = decoded
	}
	host = strings.Trim(host, ignoredInHosts)
	if host == "" || !utf8.ValidString(host) || strings.HasPrefix(host, "xn--.") || strings.EqualFold(host, "xn--") {
		return false
	}
	for i := range len(host) {
		if c := host[i]; c <= ' ' || c == 0x7f || strings.IndexByte("#%/:<>?@[\\]^|", c) >= 0 {
			return false
		}
	}
	return !endsInNumber(host) || validIPv4(host)
}

func endsInNumber(host string) bool {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := parts[len(parts)-1]
	if last == "" {
		return false
	}
	if all(last, isDigit) {
		return true
	}
	_, ok := ipv4Number(last)
	return ok
}

// validIPv4 accepts one to four numbers, decimal, octal or hexadecimal, the last of which fills the remaining bytes.
func validIPv4(host string) bool {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return false
	}
	for i, p := range parts {
		n, ok := ipv4Number(p)
		limit := uint64(255)
		if i == len(parts)-1 {
			limit = 1<<(8*(5-len(parts))) - 1
		}
		if !ok || n > limit {
			return false
		}
	}
	return true
}

func ipv4Number(s string) (uint64, bool) {
	base := 10
	switch {
	case s == "":
		return 0, false
	case strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X"):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	if s == "" {
		return 0, true
	}
	if s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 64)
	return n, err == nil
}
