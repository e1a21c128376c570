package egress

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseTarget_HasOneReading(t *testing.T) {
	for text, want := range map[string]string{
		"example.com:443": "example.com:443", "EXAMPLE.com.:443": "example.com:443", "_dmarc.example.com:1": "_dmarc.example.com:1",
		"192.0.2.1:80": "192.0.2.1:80", "[2001:DB8::1]:443": "[2001:db8::1]:443", "[::ffff:10.0.0.1]:443": "10.0.0.1:443",
		"example.com": "", "example.com:": "", ":443": "", "example.com:0": "", "example.com:65536": "", "example.com:0443": "", "example.com:+443": "",
		"::1:443": "", "[::1]": "", "[::1%eth0]:443": "", "[127.0.0.1]:443": "", "127.1:443": "", "0x7f.1:443": "", "1.2.3.4.:443": "1.2.3.4:443", "010.0.0.1:443": "",
		"exam ple.com:443": "", "a..b:443": "", "-a.com:443": "", "user@example.com:443": "", "example.com/x:443": "", "münchen.de:443": "", "example.com\x00:443": "",
		strings.Repeat("a", 64) + ".com:443": "",
	} {
		got, err := parseTarget(text)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%q: %s, %v; want %q", text, got, err, want)
		}
	}
}

func FuzzParseTarget_IsStableAndNeverTakesAnAddressForAName(f *testing.F) {
	for _, seed := range []string{"example.com:443", "[::1]:80", "127.1:80", "0x7f000001:1", "a.b.:9", "[::ffff:1.2.3.4]:5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTarget(text)
		if err != nil {
			return
		}
		again, err := parseTarget(got.String())
		if err != nil || again != got {
			t.Errorf("%q is %+v, and then %+v, %v", text, got, again, err)
		}
		if _, err := netip.ParseAddr(got.host); (err == nil) != got.addr.IsValid() {
			t.Errorf("%q: %+v", text, got)
		}
		if strings.ContainsAny(got.host, " \t\r\n/@?#%\\") {
			t.Errorf("%q: %+v", text, got)
		}
	})
}
