package tryit

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/callboard/callboard/sdk/apierror"
)

// cookie adds a cookie that the operation describes. Cookies often say who somebody is, so the configuration names those
// that viewers may set; there are no usual ones.
func (c *call) cookie(name, value string) error {
	switch {
	case !slices.Contains(c.server.Cookies, name):
		return apierror.Inputf("params.cookie: %q may not be set for this server (callboard.apiDocs.tryIt.servers.cookies)", shown(name))
	case !httpguts.ValidHeaderFieldName(name) || !cookieValue(value):
		return apierror.Inputf("params.cookie: %q must be a cookie's value of at most %d bytes: letters, digits and signs, but no space, quote, comma, semicolon or backslash", shown(name), mostCookie)
	}
	c.cookies = append(c.cookies, [2]string{name, value})
	return nil
}

const mostCookie = 4 << 10

// cookieValue holds for RFC 6265's cookie-octets. Others would end the cookie or begin the next one.
func cookieValue(s string) bool {
	return len(s) <= mostCookie && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`",;\`, r)
	}) < 0
}

// besides refuses a cookie in the place of one that a credential brings: which of two counts differs from server to server.
func (c *call) besides(x *Credential) error {
	if x.Header != "Cookie" {
		return nil
	}
	for _, own := range cookiesOf(x.value) {
		if slices.ContainsFunc(c.cookies, func(theirs [2]string) bool { return strings.EqualFold(theirs[0], own.Name) }) {
			return apierror.Inputf("params.cookie: %q is a cookie of the credential", shown(own.Name))
		}
	}
	return nil
}

func cookiesOf(header string) []*http.Cookie {
	return (&http.Request{Header: http.Header{"Cookie": {header}}}).Cookies()
}

// cookieHeader is all cookies as one header, "" = none.
func (c *call) cookieHeader() string {
	var pairs []string
	if c.credential != nil && c.credential.Header == "Cookie" {
		pairs = append(pairs, c.credential.value)
	}
	for _, x := range c.cookies {
		pairs = append(pairs, x[0]+"="+x[1])
	}
	return strings.Join(pairs, "; ")
}
