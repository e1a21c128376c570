package cataloginfo

import "testing"

func TestBrokenUTF8IsReplacedAsBrowsersDo(t *testing.T) {
	for data, want := range map[string]string{
		"plain ü 😀": "plain ü 😀", "\xff\xfe": "\ufffd\ufffd", "a\xe2\x82b": "a\ufffdb", "\xf0\x9f\x98": "\ufffd", "\xed\xa0\x80": "\ufffd\ufffd\ufffd",
		"\xc0\xaf": "\ufffd\ufffd", "\xf4\x90\x80\x80": "\ufffd\ufffd\ufffd\ufffd", "\xe2\xe2\x82\xac": "\ufffd€", "\ufffd": "\ufffd",
	} {
		if got := DecodeUTF8([]byte(data)); got != want {
			t.Errorf("%q is read as %q, want %q", data, got, want)
		}
	}
}
