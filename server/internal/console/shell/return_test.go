package shell

import (
	"net/url"
	"strings"
	"testing"
)

func TestReturn_LeadsToTheConsolesOwnPagesOnly(t *testing.T) {
	for address, want := range map[string]string{
		"/console/": "/console/", "/console/catalog": "/console/catalog", "/console/catalog?kind=API&q=a%20b": "/console/catalog?kind=API&q=a%20b",
		"/console/catalog/default/api/shop/api/operations/get%2Fthings": "/console/catalog/default/api/shop/api/operations/get%2Fthings",
		"": Home, "/": Home, "/api/auth": Home, "/console": Home, "/consoles/": Home, "//console/": Home, "/console/../api": Home, "/console/%2e%2e/api": Home, "/console//evil.example": Home,
		"https://evil.example/console/": Home, "//evil.example/console/": Home, "/\\evil.example": Home, "/console/\\..\\x": Home, "javascript:/console/": Home, "/console/\t/x": Home,
		"/console/" + strings.Repeat("x", maxReturn): Home, "http:/console/": Home, "/console/%zz": Home,
	} {
		if got := Return(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func FuzzReturn(f *testing.F) {
	for _, seed := range []string{"/console/catalog?a=b#c", "//evil.example", "/console/..//evil", "/console/%2f%2fevil", "/console/\\evil"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://portal.example.com/console/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		got := Return(address)
		to, err := base.Parse(got)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || !strings.HasPrefix(to.Path, "/console/") || strings.ContainsAny(got, "\\\r\n\t ") {
			t.Errorf("%q leads to %q", address, got)
		}
	})
}
