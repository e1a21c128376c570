package weblink

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestCheck_LetsThroughWhatStaysOnTheWeb(t *testing.T) {
	for address, want := range map[string]error{
		"": nil, "/relative": nil, "relative/a:b": nil, "?a=b:c": nil, "#a:b": nil, "//elsewhere.test/x": nil, "1a:b": nil,
		"https://a.test/x": nil, "HTTP://A.test": nil, " https://a.test ": nil, "http:a.test": nil, `https:\\a.test\x`: nil,
		"https://a.test:8080/?q=javascript:x": nil, "https://user@a.test": nil, "ht\ntps://a.test": nil,
		"javascript:alert(1)": ErrScheme, "JavaScript:alert(1)": ErrScheme, " javascript:x": ErrScheme, "\x01javascript:x": ErrScheme,
		"java\tscript:x": ErrScheme, "java\r\nscript:x": ErrScheme, "data:text/html,x": ErrScheme, "vbscript:x": ErrScheme,
		"file:///etc/passwd": ErrScheme, "ftp://a.b": ErrScheme, "mailto:x@y": ErrScheme, "blob:https://a.test/x": ErrScheme,
		"http://": ErrInvalid, "https://[": ErrInvalid, "http://a b/": ErrInvalid, "http://:80": ErrInvalid, "https:": ErrInvalid,
	} {
		if got := Check(address); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}

func TestOrigin_IsWhatBrowsersSend(t *testing.T) {
	for address, want := range map[string]string{
		"https://portal.test": "https://portal.test", "HTTPS://Portal.Test/a?b#c": "https://portal.test",
		"https://portal.test:443/": "https://portal.test", "http://portal.test:80": "http://portal.test",
		"https://portal.test:80": "https://portal.test:80", "http://portal.test:443": "http://portal.test:443",
		"http://[::1]:7007/x": "http://[::1]:7007", "https://user:pw@portal.test": "https://portal.test",
		"": "", "portal.test": "", "/path": "", "mailto:x@y": "", "https://": "", "http://[": "", "http://a b": "",
	} {
		if got := Origin(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// What is let through must not have another scheme for anybody who parses it more strictly.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"", "javascript:x", "https://a", "\x00\tja\nvascript:", "//a", "a:b", "HTTPS:\\\\a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if Check(address) != nil {
			return
		}
		if u, err := url.Parse(address); err == nil && u.Scheme != "" && !strings.EqualFold(u.Scheme, "http") && !strings.EqualFold(u.Scheme, "https") {
			t.Fatalf("%q has the scheme %q", address, u.Scheme)
		}
	})
}
