// Package weblink judges addresses that a browser will follow: links in notifications, locations of search results. It
// reads them as browsers do, because whoever writes a hostile link writes it for a browser. So it does with the origins
// that browsers tell.
package weblink

import (
	"errors"
	"net/url"
	"strings"
)

// The reasons against an address, in the reference's words.
var (
	ErrScheme  = errors.New("Only HTTP/HTTPS links are allowed")
	ErrInvalid = errors.New("Invalid URL")
)

// Check reports whether following address from a web page stays with http or https. A relative address does.
func Check(address string) error {
	switch Scheme(address) {
	case "":
		return nil
	case "http", "https":
	default:
		return ErrScheme
	}
	text := clean(address)
	rest := strings.TrimLeft(text[strings.IndexByte(text, ':')+1:], `/\`)
	host, _, _ := strings.Cut(strings.NewReplacer(`\`, "/", "?", "/", "#", "/").Replace(rest), "/")
	if u, err := url.Parse("http://" + host); err != nil || u.Hostname() == "" {
		return ErrInvalid
	}
	return nil
}

// Scheme is the scheme that a browser finds in address, in lower case; "" = none, so the address is relative.
func Scheme(address string) string {
	scheme, _, ok := strings.Cut(clean(address), ":")
	if !ok || !isScheme(scheme) {
		return ""
	}
	return strings.ToLower(scheme)
}

// Origin is the origin of an address as browsers write it: the host in lower case, without the port that the scheme has
// anyway. "" = the address has none.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// clean removes what browsers skip: blanks and control characters around, tabs and line breaks anywhere.
func clean(address string) string {
	address = strings.TrimFunc(address, func(r rune) bool { return r <= ' ' })
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, address)
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || strings.IndexByte("0123456789+-.", s[i]) < 0) {
			return false
		}
	}
	return s != ""
}
