package shell

import (
	"net/url"
	"path"
	"strings"
)

// Home is the console's first page.
const Home = "/console/"

// maxReturn bounds an address to return to.
const maxReturn = 2000

// Return is address if it is one of the console's own pages, else its first page. It is where a browser is sent after a
// form: so nothing that a browser could read as another host, or as another part of this one, passes.
func Return(address string) string {
	if len(address) > maxReturn || strings.ContainsAny(address, "\\\x00") || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return Home
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(address, Home) {
		return Home
	}
	if clean := path.Clean(u.Path); clean != strings.TrimSuffix(u.Path, "/") || !strings.HasPrefix(clean+"/", Home) {
		return Home
	}
	return address
}
